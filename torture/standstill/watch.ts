import { readFileSync, writeFileSync } from 'node:fs'
import { setTimeout as sleep } from 'node:timers/promises'
import { Worker } from 'node:worker_threads'
import { slowdown } from '../runner/machine-load.ts'
import type { HoldfastProcess } from '../target/holdfast-process.ts'
import type { Watched } from './watch-thread.ts'

/** What one case did to everybody else. */
export interface Seen {
  /** The longest that somebody else waited for an answer. */
  readonly waitMs: number
  /** The longest turn that the server measured itself. */
  readonly lagMs: number
  readonly cpuMs: number
  readonly rssBytes: number
  /** How much longer than alone on the machine all of it took. */
  readonly slowness: number
}

const roundsAfter = 2
const quietMs = 40
const quietTimes = 3
/** What is at work still then is taken along into the next case. */
const settleMsMax = 20_000

/** Looks from outside, in a thread that does nothing else, how long others wait. */
export class Watch implements AsyncDisposable {
  readonly #server: HoldfastProcess
  readonly #worker: Worker
  readonly #longest: Float64Array[]
  readonly #rounds: Int32Array[]

  private constructor(server: HoldfastProcess, watched: readonly Watched[]) {
    this.#server = server
    this.#longest = watched.map(({ longest }) => longest)
    this.#rounds = watched.map(({ rounds }) => rounds)
    const workerData = { watched }
    this.#worker = new Worker(new URL('./watch-thread.ts', import.meta.url), { workerData })
  }

  static async begin(
    server: HoldfastProcess,
    asked: readonly Pick<Watched, 'url' | 'headers'>[],
  ): Promise<Watch> {
    const watched = asked.map(one => ({
      ...one,
      longest: new Float64Array(new SharedArrayBuffer(8)),
      rounds: new Int32Array(new SharedArrayBuffer(4)),
    }))
    const watch = new Watch(server, watched)
    await watch.#settle()
    return watch
  }

  async during(act: () => Promise<void>): Promise<Seen> {
    await this.#lag()
    for (const longest of this.#longest) longest[0] = 0
    const { pid } = this.#server
    // proc_pid_clear_refs(5): the highest resident size begins anew.
    writeFileSync(`/proc/${pid}/clear_refs`, '5')
    const cpuMs = this.#server.cpuMs
    const before = schedulesOf(pid)
    await act()
    await this.#settle()
    const slowness = slownessOf(before, schedulesOf(pid))
    const waitMs = Math.max(...this.#longest.map(longest => longest[0] ?? 0))
    const status = readFileSync(`/proc/${pid}/status`, 'utf8')
    const rssBytes = 1024 * Number(/^VmHWM:\s+(\d+) kB/m.exec(status)?.[1] ?? 0)
    return {
      waitMs,
      lagMs: await this.#lag(),
      cpuMs: this.#server.cpuMs - cpuMs,
      rssBytes,
      slowness,
    }
  }

  /**
   * Until everybody who looks was answered again and again, and the server has nothing to do: what
   * it does for those who went away is no matter of the next case.
   */
  async #settle(): Promise<void> {
    const before = this.#rounds.map(rounds => Atomics.load(rounds, 0))
    const began = performance.now()
    const isDone = () =>
      this.#rounds.every((rounds, n) => Atomics.load(rounds, 0) >= (before[n] ?? 0) + roundsAfter)
    for (let quiet = 0; quiet < quietTimes || !isDone(); ) {
      const cpuMs = this.#server.cpuMs
      await sleep(quietMs)
      quiet = this.#server.cpuMs - cpuMs > quietMs / 2 ? 0 : quiet + 1
      if (performance.now() - began > settleMsMax) return
    }
  }

  /** The longest since it was asked the last time: reading it sets it back. */
  async #lag(): Promise<number> {
    const answer = await fetch(`${this.#server.url}/metrics`)
    const seconds = /^nodejs_eventloop_lag_max_seconds (\S+)/m.exec(await answer.text())?.[1]
    return Number(seconds) * 1000
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#worker.terminate()
  }
}

interface Schedules {
  readonly ranMs: number
  /** While others had the processors. */
  readonly waitedMs: number
}

/** Of the first thread, in which the event loop is; undefined where the kernel does not tell. */
function schedulesOf(pid: number): Schedules | undefined {
  try {
    const [ran, waited] = readFileSync(`/proc/${pid}/task/${pid}/schedstat`, 'utf8').split(' ')
    return { ranMs: Number(ran) / 1e6, waitedMs: Number(waited) / 1e6 }
  } catch {
    return undefined
  }
}

function slownessOf(before: Schedules | undefined, after: Schedules | undefined): number {
  if (before === undefined || after === undefined) return slowdown()
  return 1 + (after.waitedMs - before.waitedMs) / Math.max(1, after.ranMs - before.ranMs)
}
