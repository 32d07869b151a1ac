import { hash } from 'node:crypto'
import type { Clock } from '@holdfast/core/ports/clock.ts'

interface Kept<T> {
  readonly value: T
  readonly from: string
  readonly untilMs: number
}

/**
 * Values behind secrets that are good once and for a short time. Only hashes of the secrets are
 * kept. Of too many, the oldest of whoever has most goes: nobody crowds out the values of others.
 */
export class KeptOnce<T> {
  readonly #kept = new Map<string, Kept<T>>()
  /** Keys by who they are from, in the order of their coming. */
  readonly #from = new Map<string, Set<string>>()
  readonly #clock: Clock
  readonly #lifeMs: number
  readonly #max: number

  constructor(clock: Clock, lifeMs: number, max: number) {
    this.#clock = clock
    this.#lifeMs = lifeMs
    this.#max = max
  }

  set(secret: string, value: T, from: string): void {
    const key = keyOf(secret)
    const nowMs = this.#clock.monotonic()
    this.#kept.set(key, { value, from, untilMs: nowMs + this.#lifeMs })
    const own = this.#from.get(from)
    if (own === undefined) this.#from.set(from, new Set([key]))
    else own.add(key)
    if (this.#kept.size > this.#max) this.#makeRoom(nowMs)
  }

  /** The value, once. */
  take(secret: string): T | undefined {
    const kept = this.#remove(keyOf(secret))
    return kept === undefined || kept.untilMs <= this.#clock.monotonic() ? undefined : kept.value
  }

  clear(): void {
    this.#kept.clear()
    this.#from.clear()
  }

  #makeRoom(nowMs: number): void {
    for (const [key, { untilMs }] of this.#kept) {
      if (untilMs > nowMs) break
      this.#remove(key)
    }
    if (this.#kept.size <= this.#max) return
    let most = new Set<string>()
    for (const keys of this.#from.values()) if (keys.size > most.size) most = keys
    for (const oldest of most) {
      this.#remove(oldest)
      return
    }
  }

  #remove(key: string): Kept<T> | undefined {
    const kept = this.#kept.get(key)
    if (kept === undefined) return undefined
    this.#kept.delete(key)
    const own = this.#from.get(kept.from)
    own?.delete(key)
    if (own?.size === 0) this.#from.delete(kept.from)
    return kept
  }
}

function keyOf(secret: string): string {
  return hash('sha256', secret, 'hex')
}
