import { HoldfastError } from '@holdfast/core/errors.ts'

/** So many at work at once, so many more waiting; TOO_MANY_REQUESTS beyond. */
export class Slots {
  #free: number
  readonly #waitingMax: number
  #waiting: (() => void)[] = []

  constructor(free: number, waitingMax: number) {
    this.#free = free
    this.#waitingMax = waitingMax
  }

  async run<T>(work: () => Promise<T>): Promise<T> {
    if (this.#free > 0) this.#free -= 1
    else {
      if (this.#waiting.length >= this.#waitingMax) throw new HoldfastError('TOO_MANY_REQUESTS')
      await new Promise<void>(resolve => this.#waiting.push(resolve))
    }
    try {
      return await work()
    } finally {
      const next = this.#waiting.shift()
      if (next === undefined) this.#free += 1
      else next()
    }
  }
}
