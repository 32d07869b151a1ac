/** A token bucket: `quota` at once, and as many again over each window. */
export interface Rate {
  readonly quota: number
  readonly windowMs: number
}

export interface Taken {
  readonly allowed: boolean
  /** Whole tokens that are left. */
  readonly left: number
  /** Until there is a token again; 0 where one is left. */
  readonly waitMs: number
}

export interface RateTableOptions {
  /** Keys that are remembered each for itself. */
  readonly keysMax: number
  /** Random, so that nobody can choose whom they share tokens with. */
  readonly seed: number
}

/** Until when all tokens of a key are back: what the generic cell rate algorithm calls TAT. */
interface Entry {
  fullAtMs: number
}

const POOLS = 1024
const SWEPT = 4
/** Sums of fractions of a millisecond are not exact. */
const EPSILON_MS = 1e-6

/**
 * Token buckets of one rate, by key, in bounded memory (GCRA, ITU-T I.371: a number for each key).
 * An entry goes only when it has all its tokens again, which is what a new one has: forgetting it
 * gives nobody anything. While more keys than that are short of tokens, newcomers share the tokens
 * of a pool, so that a flood of addresses neither fills the memory nor pushes out a counter.
 */
export class RateTable {
  readonly #rate: Rate
  readonly #keysMax: number
  readonly #seed: number
  readonly #entries = new Map<string, Entry>()
  readonly #pools: Entry[] = Array.from({ length: POOLS }, () => ({ fullAtMs: 0 }))
  #sweep = this.#entries.entries()

  constructor(rate: Rate, { keysMax, seed }: RateTableOptions) {
    this.#rate = rate
    this.#keysMax = keysMax
    this.#seed = seed
  }

  /** Keys that are remembered now. */
  get size(): number {
    return this.#entries.size
  }

  /** `nowMs` never goes back. A key may have a quota of its own: its share of that stays. */
  take(key: string, nowMs: number, quota = this.#rate.quota): Taken {
    const entry = this.#entries.get(key) ?? this.#admit(key, nowMs)
    const { windowMs } = this.#rate
    const intervalMs = windowMs / quota
    const owedMs = Math.max(0, entry.fullAtMs - nowMs) + intervalMs
    if (owedMs > windowMs + EPSILON_MS) {
      return { allowed: false, left: 0, waitMs: owedMs - windowMs }
    }
    entry.fullAtMs = nowMs + owedMs
    const left = Math.floor((windowMs - owedMs + EPSILON_MS) / intervalMs)
    const waitMs = left > 0 ? 0 : owedMs + intervalMs - windowMs
    return { allowed: true, left, waitMs }
  }

  /** Only to a key of its own: nobody fills a pool with what was not taken from it. */
  giveBack(key: string, quota = this.#rate.quota): void {
    const entry = this.#entries.get(key)
    if (entry !== undefined) entry.fullAtMs -= this.#rate.windowMs / quota
  }

  #admit(key: string, nowMs: number): Entry {
    this.#forgetSome(nowMs)
    const pool = this.#poolOf(key)
    if (this.#entries.size >= this.#keysMax) return pool
    // Who shared a pool does not come out of it with more tokens than are in there.
    const entry = { fullAtMs: pool.fullAtMs }
    this.#entries.set(key, entry)
    return entry
  }

  /** Looks at more entries than one newcomer adds, round after round. */
  #forgetSome(nowMs: number): void {
    for (let looked = 0; looked < SWEPT; looked += 1) {
      const next = this.#sweep.next()
      if (next.done === true) {
        this.#sweep = this.#entries.entries()
        return
      }
      const [key, { fullAtMs }] = next.value
      if (fullAtMs <= nowMs) this.#entries.delete(key)
    }
  }

  #poolOf(key: string): Entry {
    // FNV-1a over a secret beginning.
    let hash = this.#seed
    for (let at = 0; at < key.length; at += 1) {
      hash = Math.imul(hash ^ key.charCodeAt(at), 0x01000193)
    }
    const mixed = Math.imul(hash ^ (hash >>> 15), 0x2c1b3c6d)
    return this.#pools[(mixed >>> 16) % POOLS] ?? { fullAtMs: 0 }
  }
}
