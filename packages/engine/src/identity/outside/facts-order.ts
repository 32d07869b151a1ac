import { Turns } from '../turns.ts'

const WAITING_MAX = 1000

/**
 * In which order other places said what they said of somebody. Between a question and the commit
 * of its answer lie waits, in which a later answer may have been kept already: that somebody lost
 * a role, or is out. Of two questions that were under way at once nobody can tell which was
 * answered later, so the one that comes to be kept second has to be asked anew.
 */
export class FactsOrder {
  readonly #turns = new Turns(WAITING_MAX)
  /** When an answer about somebody was kept last, by id; as many as there are people. */
  readonly #kept = new Map<string, number>()
  #count = 0
  #open = 0

  /** Asks, and keeps the answers by `settle` before it resolves. */
  async asking<T>(work: (asked: number) => Promise<T>): Promise<T> {
    this.#open += 1
    this.#count += 1
    try {
      return await work(this.#count)
    } finally {
      this.#open -= 1
      // All that is asked from now on is asked later.
      if (this.#open === 0) this.#kept.clear()
    }
  }

  /** One at a time for each id; told whether another answer was kept since the question. */
  async settle<T>(
    { id, asked }: { readonly id: string; readonly asked: number },
    work: (isOvertaken: boolean) => Promise<T>,
  ): Promise<T> {
    return await this.#turns.take(id, async () => {
      try {
        return await work((this.#kept.get(id) ?? 0) > asked)
      } finally {
        this.#count += 1
        this.#kept.set(id, this.#count)
      }
    })
  }
}
