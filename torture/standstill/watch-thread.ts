// Asks for one thing after another, each on a connection of its own, and keeps the longest wait.
import { Agent, request } from 'node:http'
import { setTimeout as sleep } from 'node:timers/promises'
import { workerData } from 'node:worker_threads'

export interface Watched {
  readonly url: string
  readonly headers: Readonly<Record<string, string>>
  /** Milliseconds. */
  readonly longest: Float64Array
  readonly rounds: Int32Array
}

export interface WatchData {
  readonly watched: readonly Watched[]
  /** 1 while somebody wants to know. */
  readonly isOn: Int32Array
}

const restMs = 2
const offMs = 20
const { watched, isOn }: WatchData = workerData

async function look({ url, headers, longest, rounds }: Watched): Promise<never> {
  const agent = new Agent({ keepAlive: true, maxSockets: 1 })
  for (;;) {
    if (Atomics.load(isOn, 0) === 0) {
      await sleep(offMs)
      continue
    }
    const began = performance.now()
    await new Promise<void>(resolve => {
      const asked = request(url, { agent, headers }, response => {
        response.resume()
        response.on('close', resolve)
      })
      asked.on('error', () => resolve())
      asked.end()
    })
    longest[0] = Math.max(longest[0] ?? 0, performance.now() - began)
    Atomics.add(rounds, 0, 1)
    await sleep(restMs)
  }
}

await Promise.all(watched.map(look))
