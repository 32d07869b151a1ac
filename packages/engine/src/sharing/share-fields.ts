import { type FieldProblem, invalidFields } from '@holdfast/core/errors.ts'
import { bounds } from '@holdfast/core/limits.ts'
import { byteLength, nameProblem } from '@holdfast/core/names.ts'

export interface ShareTerms {
  /** Seconds; absent = a week. */
  readonly expiresInS?: number | undefined
  /** Downloads it is good for; absent or null = any number. */
  readonly usesMax?: number | null | undefined
  readonly password?: string | undefined
  /** For the maker's own list. */
  readonly note?: string | undefined
}

const EXPIRES_S_MIN = 60
const EXPIRES_S_MAX = 365 * 86_400
export const EXPIRES_S_DEFAULT = 7 * 86_400
const USES_MAX = 1_000_000
export const PASSWORD_CHARS_MIN = 8
const PASSWORD_BYTES_MAX = 1024
const NOTE_BYTES_MAX = 255

/** VALIDATION_ERROR naming every term that cannot be. */
export function requireTerms({ expiresInS, usesMax, password, note }: ShareTerms): void {
  const problems: FieldProblem[] = []
  const say = (path: string, problem: string | undefined) => {
    if (problem !== undefined) problems.push({ path, problem })
  }
  if (expiresInS !== undefined && !isWithin(expiresInS, EXPIRES_S_MIN, EXPIRES_S_MAX)) {
    say('expires_in', `must be from ${EXPIRES_S_MIN} to ${EXPIRES_S_MAX} seconds`)
  }
  if (usesMax != null && !isWithin(usesMax, 1, USES_MAX)) {
    say('uses_max', `must be from 1 to ${USES_MAX}`)
  }
  if (password !== undefined) {
    const chars = [...password].length
    if (chars < PASSWORD_CHARS_MIN) say('password', `needs ${PASSWORD_CHARS_MIN} characters`)
    if (byteLength(password) > PASSWORD_BYTES_MAX) {
      say('password', `must be at most ${PASSWORD_BYTES_MAX} bytes`)
    }
    if (!password.isWellFormed()) say('password', 'must be valid Unicode')
  }
  if (note !== undefined && note !== '') {
    say('note', nameProblem(note))
    if (byteLength(note) > NOTE_BYTES_MAX) say('note', `must be at most ${NOTE_BYTES_MAX} bytes`)
  }
  if (problems.length > 0) throw invalidFields(...problems)
}

/** What keys begin with: any text that a key could begin with, or nothing. */
export function requirePrefix(prefix: string): void {
  if (prefix === '') return
  const isKey = byteLength(prefix) <= bounds.keyBytesMax && prefix.isWellFormed()
  if (isKey && !prefix.includes('\0')) return
  throw invalidFields({ path: 'prefix', problem: 'must be the beginning of a key' })
}

function isWithin(value: number, min: number, max: number): boolean {
  return Number.isSafeInteger(value) && value >= min && value <= max
}
