import { CallerLines } from '../caller-lines.ts'

/** Changes of one bucket that have to be decided again: one at a time, callers in turn. */
export class ChangeLines {
  /** Of buckets, by name, of which one is under way. */
  readonly #lines = new Map<string, CallerLines>()

  async take<T>(bucket: string, caller: string, work: () => Promise<T>): Promise<T> {
    const known = this.#lines.get(bucket)
    const line = known ?? new CallerLines()
    if (known === undefined) this.#lines.set(bucket, line)
    else await new Promise<void>(resolve => line.join(caller, resolve))
    try {
      return await work()
    } finally {
      if (!line.letGo()) this.#lines.delete(bucket)
    }
  }
}
