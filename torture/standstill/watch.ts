import { readFileSync, writeFileSync } from 'node:fs'
import { setTimeout as sleep } from 'node:timers/promises'
import { Worker } from 'node:worker_threads'
import { slowdown } from '../runner/machine-load.ts'
import type { HoldfastProcess } from '../target/holdfast-process.ts'
import type { WatchData, Watched } from './watch-thread.ts'

/** What one case did to everybody else. */
export interface Seen {
  /** The longest that somebody else waited for an answer, where that was looked at. */
  readonly waitMs?: number
  /** The longest turn of the event loop, as the server measured it. */
  readonly turnMs: number
  /** How long the thread of the event loop was at work. */
  readonly ranMs: number
  readonly rssBytes: number
  /** How much longer than alone on the machine all of it took. */
  readonly slowness: number
}

/** How long everybody was held up, as on a machine that does nothing else. */
export function standstillOf({ waitMs, turnMs, slowness }: Seen): number {
  return (waitMs ?? turnMs) / slowness
}

const roundsAfter = 2
const quietMs = 40
const quietTimes = 3
const restMs = 12
/** Who waits for longer waits for nothing: the run ends there. */
const answerMsMax = 20_000
/** What is at work still then is taken along into the next case. */
const settleMsMax = 6000

/** Looks from outside, in a thread that does nothing else, how long others wait. */
export class Watch implements AsyncDisposable {
  readonly #server: HoldfastProcess
  readonly #worker: Worker
  readonly #longest: Float64Array[]
  readonly #rounds: Int32Array[]
  readonly #isOn = new Int32Array(new SharedArrayBuffer(4))

  private constructor(server: HoldfastProcess, watched: readonly Watched[]) {
    this.#server = server
    this.#longest = watched.map(({ longest }) => longest)
    this.#rounds = watched.map(({ rounds }) => rounds)
    const workerData: WatchData = { watched, isOn: this.#isOn }
    this.#worker = new Worker(new URL('./watch-thread.ts', import.meta.url), { workerData })
  }

  static begin(server: HoldfastProcess, asked: readonly Pick<Watched, 'url' | 'headers'>[]): Watch {
    const watched = asked.map(one => ({
      ...one,
      longest: new Float64Array(new SharedArrayBuffer(8)),
      rounds: new Int32Array(new SharedArrayBuffer(4)),
    }))
    return new Watch(server, watched)
  }

  /** While many ask. */
  async during(act: () => Promise<void>): Promise<Seen> {
    const seen = await this.alone(async () => {
      Atomics.store(this.#isOn, 0, 1)
      for (const longest of this.#longest) longest[0] = 0
      await act()
      await this.#settle()
      Atomics.store(this.#isOn, 0, 0)
    })
    return { ...seen, waitMs: Math.max(...this.#longest.map(longest => longest[0] ?? 0)) }
  }

  /** While one asks: there is no more to be seen than how long that takes. */
  async alone(act: () => Promise<void>): Promise<Seen> {
    const { pid } = this.#server
    await this.#rest()
    await this.#turn()
    // proc_pid_clear_refs(5): the highest resident size begins anew.
    writeFileSync(`/proc/${pid}/clear_refs`, '5')
    const before = schedulesOf(this.#server)
    await act()
    const after = schedulesOf(this.#server)
    const status = readFileSync(`/proc/${pid}/status`, 'utf8')
    const rssBytes = 1024 * Number(/^VmHWM:\s+(\d+) kB/m.exec(status)?.[1] ?? 0)
    const ranMs = after.ranMs - before.ranMs
    const slowness =
      after.waitedMs === undefined || before.waitedMs === undefined
        ? slowdown()
        : 1 + (after.waitedMs - before.waitedMs) / Math.max(1, ranMs)
    return { turnMs: await this.#turn(), ranMs, rssBytes, slowness }
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
      const { cpuMs } = this.#server
      await sleep(quietMs)
      quiet = this.#server.cpuMs - cpuMs > quietMs / 2 ? 0 : quiet + 1
      if (performance.now() - began > settleMsMax) return
    }
  }

  /** Until what those before left is done, such as what they asked for and did not wait for. */
  async #rest(): Promise<void> {
    for (let waited = 0; waited < settleMsMax; waited += restMs) {
      const { ranMs } = schedulesOf(this.#server)
      await sleep(restMs)
      if (schedulesOf(this.#server).ranMs - ranMs < restMs / 3) return
    }
  }

  /** The longest turn since it was asked the last time: reading it sets it back. */
  async #turn(): Promise<number> {
    const signal = AbortSignal.timeout(answerMsMax)
    const answer = await fetch(`${this.#server.url}/metrics`, { signal })
    const seconds = /^nodejs_eventloop_lag_max_seconds (\S+)/m.exec(await answer.text())?.[1]
    return Number(seconds) * 1000
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#worker.terminate()
  }
}

interface Schedules {
  readonly ranMs: number
  /** While others had the processors; not every kernel tells it. */
  readonly waitedMs?: number
}

/** Of the first thread, in which the event loop is. */
function schedulesOf({ pid, cpuMs }: HoldfastProcess): Schedules {
  try {
    const [ran, waited] = readFileSync(`/proc/${pid}/task/${pid}/schedstat`, 'utf8').split(' ')
    return { ranMs: Number(ran) / 1e6, waitedMs: Number(waited) / 1e6 }
  } catch {
    return { ranMs: cpuMs }
  }
}
