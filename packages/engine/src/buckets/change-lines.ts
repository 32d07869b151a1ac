import { CallerLines } from '../caller-lines.ts'

/**
 * Changes of one bucket that have to be decided again, or parts of long removals: one at a time,
 * callers in turn.
 */
export class ChangeLines {
  /** By name, such as of a bucket, of which one is under way. */
  readonly #lines = new Map<string, CallerLines>()

  async take<T>(name: string, caller: string, work: () => Promise<T>): Promise<T> {
    const known = this.#lines.get(name)
    const line = known ?? new CallerLines()
    if (known === undefined) this.#lines.set(name, line)
    else await new Promise<void>(resolve => line.join(caller, resolve))
    try {
      return await work()
    } finally {
      if (!line.letGo()) this.#lines.delete(name)
    }
  }
}
