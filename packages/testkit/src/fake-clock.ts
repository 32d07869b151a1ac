import type { Clock } from '@holdfast/core/ports/clock.ts'

interface Sleeper {
  readonly at: number
  readonly wake: () => void
}

/** Time that moves only when told: `advance` lets it pass, `jump` moves the wall clock alone. */
export class FakeClock implements Clock {
  #wallMs: number
  #monotonicMs = 0
  #sleepers: Sleeper[] = []

  constructor(wallMs = Date.UTC(2026, 0, 1)) {
    this.#wallMs = wallMs
  }

  now(): number {
    return this.#wallMs
  }

  monotonic(): number {
    return this.#monotonicMs
  }

  get sleeping(): number {
    return this.#sleepers.length
  }

  sleep(ms: number, signal?: AbortSignal): Promise<void> {
    return new Promise((resolve, reject) => {
      if (signal?.aborted) return reject(signal.reason)
      if (ms <= 0) return resolve()
      const sleeper = { at: this.#monotonicMs + ms, wake }
      const abort = () => {
        this.#sleepers = this.#sleepers.filter(other => other !== sleeper)
        reject(signal?.reason)
      }
      function wake() {
        signal?.removeEventListener('abort', abort)
        resolve()
      }
      signal?.addEventListener('abort', abort, { once: true })
      this.#sleepers.push(sleeper)
    })
  }

  /** Lets time pass on both clocks and wakes sleepers in the order of their times. */
  async advance(ms: number): Promise<void> {
    const end = this.#monotonicMs + ms
    for (;;) {
      const due = this.#sleepers.filter(sleeper => sleeper.at <= end)
      due.sort((a, b) => a.at - b.at)
      const [next] = due
      if (next === undefined) break
      this.#move(Math.max(0, next.at - this.#monotonicMs))
      this.#sleepers = this.#sleepers.filter(sleeper => sleeper !== next)
      next.wake()
      // Who woke up may sleep again inside the same span.
      await new Promise(resolve => setImmediate(resolve))
    }
    this.#move(end - this.#monotonicMs)
  }

  /** The wall clock is set, as by an operator or NTP; no time passes. */
  jump(ms: number): void {
    this.#wallMs += ms
  }

  #move(ms: number): void {
    this.#wallMs += ms
    this.#monotonicMs += ms
  }
}
