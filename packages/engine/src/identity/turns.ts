import { HoldfastError } from '@holdfast/core/errors.ts'

interface Line {
  tail: Promise<unknown>
  waiting: number
}

/**
 * One at a time for each name. Guesses at one password are counted before the next is tried, so
 * that however many come at once, no more are evaluated than the lockout allows.
 */
export class Turns {
  readonly #lines = new Map<string, Line>()
  readonly #waitingMax: number

  constructor(waitingMax: number) {
    this.#waitingMax = waitingMax
  }

  async take<T>(name: string, work: () => Promise<T>): Promise<T> {
    const line = this.#lines.get(name) ?? { tail: Promise.resolve(), waiting: 0 }
    if (line.waiting >= this.#waitingMax) throw new HoldfastError('TOO_MANY_REQUESTS')
    this.#lines.set(name, line)
    line.waiting += 1
    const turn = line.tail.then(work)
    line.tail = turn.catch(() => {})
    try {
      return await turn
    } finally {
      line.waiting -= 1
      if (line.waiting === 0) this.#lines.delete(name)
    }
  }
}

/** People may type what the line of somebody, or of other work, is called. */
export function lineOfName(name: string): string {
  return `name ${name}`
}
