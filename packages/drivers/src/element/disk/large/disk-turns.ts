/**
 * How many calls of one writer thread the pool of system threads has at once: enough to keep a disk
 * busy and to have syncs share a commit of the file system, few enough that reads are not kept
 * waiting behind a hundred uploads.
 */
export class DiskTurns {
  readonly #waiting: (() => void)[] = []
  #free: number

  constructor(max: number) {
    this.#free = max
  }

  /** Work begins in the order in which it was brought. */
  async take(work: () => Promise<void>): Promise<void> {
    if (this.#free > 0) this.#free -= 1
    else await new Promise<void>(resolve => this.#waiting.push(resolve))
    try {
      await work()
    } finally {
      const next = this.#waiting.shift()
      if (next === undefined) this.#free += 1
      else next()
    }
  }
}
