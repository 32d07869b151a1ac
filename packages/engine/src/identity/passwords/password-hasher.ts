import { createHash } from 'node:crypto'
import type { Place } from './fair-line.ts'
import { inPasswordThread } from './password-threads.ts'

/** Salt and hash of no password that anybody has; what counts is the work that it asks for. */
const DECOY_TAIL = 'h3FZpbl1gNb4cVYTqM0d3uCyXK6pQHnBUYi8UoJYtq9V5cP1HW7mS'

/** A well-formed hash that no password has. A malformed one would be answered without the work. */
export function decoyOf(cost: number): string {
  return `$2b$${String(cost).padStart(2, '0')}$${DECOY_TAIL}`
}

/** What waits under no name of its own shares one turn. */
const NOBODY: Place = ['', '', '']

/** As somebody asks for it, in the place that they have in the line. */
export type OwnHasher = Pick<PasswordHasher, 'hash' | 'verify'>

/**
 * bcrypt over the SHA-256 of the password in base64: bcrypt alone would ignore all behind its 72nd
 * byte and stop at a NUL.
 */
export class PasswordHasher {
  readonly #cost: number

  constructor(cost: number) {
    this.#cost = cost
  }

  of(place: Place): OwnHasher {
    return {
      hash: async password => await this.hash(password, place),
      verify: async (password, known) => await this.verify(password, known, place),
    }
  }

  async hash(password: string, place = NOBODY): Promise<string> {
    const work = { kind: 'hash', text: digest(password), cost: this.#cost } as const
    return await inPasswordThread(work, place)
  }

  /** Against no hash it takes as long as against one, and is false. */
  async verify(password: string, known: string | undefined, place = NOBODY): Promise<boolean> {
    const against = known ?? decoyOf(this.#cost)
    const work = { kind: 'compare', text: digest(password), against } as const
    const same = await inPasswordThread(work, place)
    return same && known !== undefined
  }
}

function digest(password: string): string {
  return createHash('sha256').update(password, 'utf8').digest('base64')
}
