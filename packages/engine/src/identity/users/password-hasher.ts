import { createHash } from 'node:crypto'
import { HoldfastError } from '@holdfast/core/errors.ts'
import { compare, hash } from 'bcrypt'

const RUNNING_MAX = 2
const WAITING_MAX = 64

/**
 * bcrypt over the SHA-256 of the password in base64: bcrypt alone would ignore all behind its 72nd
 * byte and stop at a NUL. Few run at once, since each takes a thread of the pool that files use.
 */
export class PasswordHasher {
  readonly #cost: number
  #running = 0
  #waiting: (() => void)[] = []
  #decoy: Promise<string> | undefined

  constructor(cost: number) {
    this.#cost = cost
  }

  async hash(password: string): Promise<string> {
    return await this.#inTurn(async () => await hash(digest(password), this.#cost))
  }

  /** Against no hash it takes as long as against one, and is false. */
  async verify(password: string, known: string | undefined): Promise<boolean> {
    const against = known ?? (await this.decoy())
    const same = await this.#inTurn(async () => await compare(digest(password), against))
    return same && known !== undefined
  }

  /** Made once, at the start: the first unknown name must not take longer than the others. */
  decoy(): Promise<string> {
    this.#decoy ??= hash(digest('nobody has this password'), this.#cost)
    return this.#decoy
  }

  async #inTurn<T>(work: () => Promise<T>): Promise<T> {
    if (this.#running >= RUNNING_MAX) {
      if (this.#waiting.length >= WAITING_MAX) throw new HoldfastError('TOO_MANY_REQUESTS')
      await new Promise<void>(resolve => this.#waiting.push(resolve))
    } else this.#running += 1
    try {
      return await work()
    } finally {
      const next = this.#waiting.shift()
      if (next === undefined) this.#running -= 1
      else next()
    }
  }
}

function digest(password: string): string {
  return createHash('sha256').update(password, 'utf8').digest('base64')
}
