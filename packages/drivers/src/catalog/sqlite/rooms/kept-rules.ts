import type { BucketRules } from '@holdfast/core/records.ts'

interface Entry {
  readonly rules: BucketRules
  readonly weight: number
}

/**
 * Rules of buckets that are kept in memory, up to a total weight. Every list of the whole store
 * asks for those of all, over and over: what was used last says nothing about what comes next, and
 * to make room would only drop what is asked for sooner. So what came first stays until it changes.
 */
export class KeptRules {
  readonly #weightMax: number
  readonly #entries = new Map<string, Entry>()
  #weight = 0

  constructor(weightMax: number) {
    this.#weightMax = weightMax
  }

  get(id: string): BucketRules | undefined {
    return this.#entries.get(id)?.rules
  }

  set(rules: BucketRules, weight: number): void {
    this.delete(rules.id)
    if (this.#weight + weight > this.#weightMax) return
    this.#entries.set(rules.id, { rules, weight })
    this.#weight += weight
  }

  delete(id: string): void {
    const known = this.#entries.get(id)
    if (known === undefined) return
    this.#weight -= known.weight
    this.#entries.delete(id)
  }

  clear(): void {
    this.#entries.clear()
    this.#weight = 0
  }
}
