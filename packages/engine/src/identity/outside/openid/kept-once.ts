import { hash } from 'node:crypto'
import type { Clock } from '@holdfast/core/ports/clock.ts'

interface Kept<T> {
  readonly value: T
  readonly untilMs: number
}

/**
 * Values behind secrets that are good once and for a short time. Only hashes of the secrets are
 * kept; of too many, the oldest go first.
 */
export class KeptOnce<T> {
  readonly #kept = new Map<string, Kept<T>>()
  readonly #clock: Clock
  readonly #lifeMs: number
  readonly #max: number

  constructor(clock: Clock, lifeMs: number, max: number) {
    this.#clock = clock
    this.#lifeMs = lifeMs
    this.#max = max
  }

  set(secret: string, value: T): void {
    this.#kept.set(keyOf(secret), { value, untilMs: this.#clock.monotonic() + this.#lifeMs })
    if (this.#kept.size <= this.#max) return
    const oldest = this.#kept.keys().next().value
    if (oldest !== undefined) this.#kept.delete(oldest)
  }

  /** The value, once. */
  take(secret: string): T | undefined {
    const key = keyOf(secret)
    const kept = this.#kept.get(key)
    this.#kept.delete(key)
    return kept === undefined || kept.untilMs <= this.#clock.monotonic() ? undefined : kept.value
  }
}

function keyOf(secret: string): string {
  return hash('sha256', secret, 'hex')
}
