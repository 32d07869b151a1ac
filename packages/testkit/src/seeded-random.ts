import type { Random } from '@holdfast/core/ports/random.ts'

/** One seed, one story: the same seed always gives the same numbers, on every machine. */
export class SeededRandom implements Random {
  readonly seed: number
  #state: number

  constructor(seed: number) {
    this.seed = seed >>> 0
    this.#state = this.seed
  }

  /** A whole number from 0 to 2^32 - 1. */
  word(): number {
    this.#state = (this.#state + 0x6d2b79f5) >>> 0
    return mix(this.#state)
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
    const words = new Uint32Array(Math.ceil(count / 4))
    let state = this.#state
    for (let i = 0; i < words.length; i += 1) {
      state = (state + 0x6d2b79f5) >>> 0
      words[i] = mix(state)
    }
    this.#state = state
    return new Uint8Array(words.buffer, 0, count)
  }

  /** An independent stream, so that more draws in one place do not shift another. */
  fork(label: number): SeededRandom {
    return new SeededRandom(Math.imul(this.seed ^ 0x9e3779b9, 0x85ebca6b) + Math.imul(label, 7919))
  }
}

/** The output step of mulberry32. */
function mix(state: number): number {
  let mixed = Math.imul(state ^ (state >>> 15), state | 1)
  mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61)
  return (mixed ^ (mixed >>> 14)) >>> 0
}

/** The seed of a run: from the environment to repeat one, else a fixed default. */
export function runSeed(fallback = 1): number {
  const given = Number(process.env.HOLDFAST_TEST_SEED)
  return Number.isInteger(given) && given > 0 ? given : fallback
}
