interface Spent {
  count: number
  readonly sinceMs: number
}

const NAMES_MAX = 10_000

/** So many times in each window for each name. In memory only: a restart forgets. */
export class Allowance {
  readonly #max: number
  readonly #windowMs: number
  readonly #spent = new Map<string, Spent>()

  constructor(max: number, windowMs: number) {
    this.#max = max
    this.#windowMs = windowMs
  }

  /** Milliseconds until there is one again; undefined: one was taken now. */
  take(name: string, nowMs: number): number | undefined {
    const known = this.#spent.get(name)
    const endMs = (known?.sinceMs ?? 0) + this.#windowMs
    if (known === undefined || endMs <= nowMs) {
      this.#spent.delete(name)
      this.#spent.set(name, { count: 1, sinceMs: nowMs })
      this.#forgetOldest()
      return undefined
    }
    if (known.count >= this.#max) return endMs - nowMs
    known.count += 1
    return undefined
  }

  #forgetOldest(): void {
    if (this.#spent.size <= NAMES_MAX) return
    const oldest = this.#spent.keys().next().value
    if (oldest !== undefined) this.#spent.delete(oldest)
  }
}
