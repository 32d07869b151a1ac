import type { Random } from '@holdfast/core/ports/random.ts'

/** One seed, one story: the same seed always gives the same numbers, on every machine. */
export class SeededRandom implements Random {
  readonly seed: number
  #state: number

  constructor(seed: number) {
    this.seed = seed >>> 0
    this.#state = this.seed
  }

  /** A whole number from 0 to 2^32 - 1 (mulberry32). */
  word(): number {
    this.#state = (this.#state + 0x6d2b79f5) >>> 0
    let mixed = Math.imul(this.#state ^ (this.#state >>> 15), this.#state | 1)
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61)
    return (mixed ^ (mixed >>> 14)) >>> 0
  }

  /** From 0 (included) to 1 (not included). */
  fraction(): number {
    return this.word() / 2 ** 32
  }

  /** A whole number from 0 to `end` - 1. */
  below(end: number): number {
    return Math.floor(this.fraction() * end)
  }

  chance(probability: number): boolean {
    return this.fraction() < probability
  }

  pick<T>(items: readonly T[]): T {
    if (items.length === 0) throw new RangeError('nothing to pick from')
    return items[this.below(items.length)] as T
  }

  bytes(count: number): Uint8Array {
    const bytes = new Uint8Array(count)
    for (let i = 0; i < count; i += 4) {
      const word = this.word()
      for (let j = i; j < Math.min(i + 4, count); j += 1) bytes[j] = word >>> (8 * (j - i))
    }
    return bytes
  }

  /** An independent stream, so that more draws in one place do not shift another. */
  fork(label: number): SeededRandom {
    return new SeededRandom(Math.imul(this.seed ^ 0x9e3779b9, 0x85ebca6b) + Math.imul(label, 7919))
  }
}

/** The seed of a run: from the environment to repeat one, else a fixed default. */
export function runSeed(fallback = 1): number {
  const given = Number(process.env.HOLDFAST_TEST_SEED)
  return Number.isInteger(given) && given > 0 ? given : fallback
}
