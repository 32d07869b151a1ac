/**
 * Requests that are worked on. Work ends later than its connection where that is cut: what it has
 * to tell the audit log comes then.
 */
export class Working {
  readonly #abandon = new Set<() => void>()

  get size(): number {
    return this.#abandon.size
  }

  /** `abandoned` is called where it is not waited for any longer. */
  async on<Value>(work: () => Promise<Value>, abandoned: () => void): Promise<Value> {
    this.#abandon.add(abandoned)
    try {
      return await work()
    } finally {
      this.#abandon.delete(abandoned)
    }
  }

  abandonAll(): void {
    for (const abandoned of this.#abandon) abandoned()
    this.#abandon.clear()
  }
}
