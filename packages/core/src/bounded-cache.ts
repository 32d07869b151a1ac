interface Entry<Value> {
  readonly value: Value
  readonly weight: number
}

/**
 * Keeps what was used lately, up to a total weight. Two generations: what is found in the old one
 * moves to the young one, and when that is half of the whole, it becomes the old one and what
 * nobody asked for meanwhile is forgotten. A hit costs one look-up, unlike in a list by last use.
 */
export class BoundedCache<Value> {
  readonly #halfMax: number
  #young = new Map<string, Entry<Value>>()
  #old = new Map<string, Entry<Value>>()
  #youngWeight = 0

  /** 0 keeps nothing. */
  constructor(weightMax: number) {
    this.#halfMax = weightMax / 2
  }

  get(key: string): Value | undefined {
    const young = this.#young.get(key)
    if (young !== undefined) return young.value
    const old = this.#old.get(key)
    if (old === undefined) return undefined
    this.#old.delete(key)
    this.#add(key, old)
    return old.value
  }

  /** What weighs more than half of the whole is not kept. */
  set(key: string, value: Value, weight = 1): void {
    this.delete(key)
    if (weight <= this.#halfMax) this.#add(key, { value, weight })
  }

  delete(key: string): void {
    const young = this.#young.get(key)
    if (young !== undefined) {
      this.#youngWeight -= young.weight
      this.#young.delete(key)
    } else {
      this.#old.delete(key)
    }
  }

  clear(): void {
    this.#young.clear()
    this.#old.clear()
    this.#youngWeight = 0
  }

  #add(key: string, entry: Entry<Value>): void {
    if (this.#youngWeight + entry.weight > this.#halfMax) {
      this.#old = this.#young
      this.#young = new Map()
      this.#youngWeight = 0
    }
    this.#young.set(key, entry)
    this.#youngWeight += entry.weight
  }
}
