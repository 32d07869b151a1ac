import { createHash } from 'node:crypto'
import { inPasswordThread } from './password-threads.ts'

/** Salt and hash of no password that anybody has; what counts is the work that it asks for. */
const DECOY = 'h3FZpbl1gNb4cVYTqM0d3uCyXK6pQHnBUYi8UoJYtq9V5cP1HW7mS'

/**
 * bcrypt over the SHA-256 of the password in base64: bcrypt alone would ignore all behind its 72nd
 * byte and stop at a NUL.
 */
export class PasswordHasher {
  readonly #cost: number

  constructor(cost: number) {
    this.#cost = cost
  }

  async hash(password: string): Promise<string> {
    return await inPasswordThread({ kind: 'hash', text: digest(password), cost: this.#cost })
  }

  /** Against no hash it takes as long as against one, and is false. */
  async verify(password: string, known: string | undefined): Promise<boolean> {
    const against = known ?? `$2b$${String(this.#cost).padStart(2, '0')}$${DECOY}`
    const same = await inPasswordThread({ kind: 'compare', text: digest(password), against })
    return same && known !== undefined
  }
}

function digest(password: string): string {
  return createHash('sha256').update(password, 'utf8').digest('base64')
}
