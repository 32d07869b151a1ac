import type { Clock } from '@holdfast/core/ports/clock.ts'

/** Slower than this over the idle time, a body is given up (docs: slow clients). */
const RATE_BYTES_PER_SECOND_MIN = 1024
const LOOKS_PER_IDLE_TIME = 10

/** A body that is waited for. */
export interface Paced {
  readonly received: number
  /** Told once the pace was too slow for the idle time. */
  tooSlow(): void
}

interface Pace {
  before: number
  dueMs: number
}

/**
 * Gives up clients that let us wait. One clock for all bodies: a timer and a signal for each cost
 * more than receiving a small body does.
 */
export class PaceWatch {
  readonly #clock: Clock
  readonly #idleSeconds: number
  readonly #paces = new Map<Paced, Pace>()
  readonly #stop = new AbortController()
  #running = false

  constructor(clock: Clock, idleSeconds: number) {
    this.#clock = clock
    this.#idleSeconds = idleSeconds
  }

  add(body: Paced): void {
    const dueMs = this.#clock.monotonic() + this.#idleSeconds * 1000
    this.#paces.set(body, { before: body.received, dueMs })
    if (this.#running || this.#stop.signal.aborted) return
    this.#running = true
    // The sleep rejects when the server ends.
    this.#look().catch(() => {})
  }

  remove(body: Paced): void {
    this.#paces.delete(body)
  }

  stop(): void {
    this.#stop.abort()
  }

  async #look(): Promise<void> {
    while (this.#paces.size > 0) {
      await this.#clock.sleep((this.#idleSeconds * 1000) / LOOKS_PER_IDLE_TIME, this.#stop.signal)
      const now = this.#clock.monotonic()
      for (const [body, pace] of this.#paces) this.#judge(body, pace, now)
    }
    this.#running = false
  }

  #judge(body: Paced, pace: Pace, now: number): void {
    if (now < pace.dueMs) return
    const slow = body.received - pace.before < this.#idleSeconds * RATE_BYTES_PER_SECOND_MIN
    pace.before = body.received
    pace.dueMs = now + this.#idleSeconds * 1000
    if (slow) body.tooSlow()
  }
}
