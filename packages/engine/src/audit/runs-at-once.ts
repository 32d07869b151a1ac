import { HoldfastError } from '@holdfast/core/errors.ts'

/** Runs through the whole audit log, few at once of each caller: more would cost the same again. */
export class RunsAtOnce {
  readonly #running = new Map<string, number>()
  readonly #max: number

  constructor(ofCallerMax: number) {
    this.#max = ofCallerMax
  }

  /** TOO_MANY_REQUESTS while as many of this caller as may be are under way. */
  async take<T>(caller: string, run: () => Promise<T>): Promise<T> {
    const before = this.#running.get(caller) ?? 0
    if (before >= this.#max) throw new HoldfastError('TOO_MANY_REQUESTS')
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
