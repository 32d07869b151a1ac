import { type FieldProblem, invalidFields } from '@holdfast/core/errors.ts'
import type { Password } from '@holdfast/core/identities.ts'
import { byteLength } from '@holdfast/core/names.ts'
import type { OwnHasher } from '../passwords/password-hasher.ts'
import { isGuessable } from './guessable.ts'
import { historyAfter, REMEMBERED, rememberedOf } from './same-password.ts'

export const PASSWORD_BYTES_MAX = 1024
const CHARACTERS_MIN = 12
const NEEDED: readonly (readonly [RegExp, string])[] = [
  [/\p{Lu}/u, 'must have an upper-case letter'],
  [/\p{Ll}/u, 'must have a lower-case letter'],
  [/\p{Nd}/u, 'must have a digit'],
  [/[^\p{L}\p{Nd}\s]/u, 'must have a special character'],
]

/** VALIDATION_ERROR naming every rule that the password breaks. */
export function requirePolicy(password: string, names: readonly string[]): void {
  const problems: FieldProblem[] = []
  const say = (problem: string) => problems.push({ path: 'password', problem })
  if ([...password].length < CHARACTERS_MIN) say(`must have at least ${CHARACTERS_MIN} characters`)
  if (byteLength(password) > PASSWORD_BYTES_MAX) say(`must be at most ${PASSWORD_BYTES_MAX} bytes`)
  if (!password.isWellFormed()) say('must be valid Unicode')
  for (const [pattern, problem] of NEEDED) if (!pattern.test(password)) say(problem)
  const lower = password.toLowerCase()
  // Of an address, what stands before the @ is a name, too.
  const words = names.flatMap(name => [name, name.split('@')[0] ?? ''])
  if (words.some(word => word.length >= 3 && lower.includes(word))) {
    say('must not contain the name of its user')
  }
  // What is too long is refused before anything is made of it.
  if (problems.length === 0 && isGuessable(password)) say('is too common')
  if (problems.length > 0) throw invalidFields(...problems)
}

/** The record of a new password. VALIDATION_ERROR when it was one of the last five. */
export async function nextPassword(
  hasher: OwnHasher,
  given: { readonly password: string; readonly mustChange: boolean; readonly now: string },
  before: Password | null,
): Promise<Password> {
  for (const one of rememberedOf(before)) {
    if (!(await hasher.verify(given.password, one))) continue
    const problem = `must differ from the last ${REMEMBERED}`
    throw invalidFields({ path: 'password', problem })
  }
  return {
    hash: await hasher.hash(given.password),
    changedAt: given.now,
    history: historyAfter(before),
    mustChange: given.mustChange,
  }
}
