import { HoldfastError } from '@holdfast/core/errors.ts'

/** A long log takes seconds of work for each. */
const OF_CALLER_MAX = 2

/** Runs through the whole audit log, few at once of each caller: more would cost the same again. */
export class RunsAtOnce {
  readonly #running = new Map<string, number>()

  /** TOO_MANY_REQUESTS while as many of this caller as may be are under way. */
  async take<T>(caller: string, run: () => Promise<T>): Promise<T> {
    const before = this.#running.get(caller) ?? 0
    if (before >= OF_CALLER_MAX) throw new HoldfastError('TOO_MANY_REQUESTS')
    this.#running.set(caller, before + 1)
    try {
      return await run()
    } finally {
      const left = (this.#running.get(caller) ?? 0) - 1
      if (left > 0) this.#running.set(caller, left)
      else this.#running.delete(caller)
    }
  }
}
