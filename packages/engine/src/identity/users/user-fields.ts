import { type FieldProblem, invalidFields } from '@holdfast/core/errors.ts'
import { bucketNameProblem, nameProblem } from '@holdfast/core/names.ts'
import { anonymous, systemPrincipal } from '@holdfast/core/principal.ts'
import { isRole, roleNames } from '@holdfast/core/roles.ts'
import type { UserPatch } from './user-transactions.ts'

const USERNAME = /^[A-Za-z0-9][A-Za-z0-9._@+-]{2,99}$/
// What could end an address or begin another one in a mail header is no part of one.
const EMAIL = /^[^\s\p{C}@"<>()[\],;:\\]{1,64}@[A-Za-z0-9](?:[A-Za-z0-9.-]{0,251}[A-Za-z0-9])?$/u
/** Logs call the server and strangers so; whoever has such a name already keeps it. */
const RESERVED: ReadonlySet<string> = new Set([systemPrincipal.name, anonymous.name])
const NAME_LENGTH_MAX = 100
const ROLES_MAX = 16
const BUCKETS_MAX = 1000

/** VALIDATION_ERROR naming every field that cannot be. */
export function requireUserFields(
  fields: Omit<UserPatch, 'status'> & { readonly username?: string },
): void {
  const problems: FieldProblem[] = []
  const say = (path: string, problem: string | undefined) => {
    if (problem !== undefined) problems.push({ path, problem })
  }
  const { username, email, roles, buckets } = fields
  if (username !== undefined && !USERNAME.test(username)) {
    say('username', 'needs 3 to 100 letters, digits or . _ @ + -, a letter or digit first')
  }
  if (username !== undefined && isReserved(username)) {
    say('username', 'is what the server calls itself, or strangers, in its logs')
  }
  if (email != null && !isEmail(email)) say('email', 'must be an e-mail address')
  for (const [path, name] of [
    ['first_name', fields.firstName],
    ['last_name', fields.lastName],
  ] as const) {
    if (name === undefined || name === '') continue
    if (name.length > NAME_LENGTH_MAX) say(path, `must be at most ${NAME_LENGTH_MAX} characters`)
    say(path, nameProblem(name))
  }
  if (roles !== undefined && roles.length > ROLES_MAX) say('roles', `at most ${ROLES_MAX} roles`)
  for (const [index, role] of roles?.entries() ?? []) {
    if (!isRole(role)) say(`roles[${index}]`, `must be one of ${roleNames.join(', ')}`)
  }
  if (buckets != null && buckets.length > BUCKETS_MAX) say('buckets', `at most ${BUCKETS_MAX}`)
  for (const [index, name] of buckets?.entries() ?? []) {
    say(`buckets[${index}]`, bucketNameProblem(name))
  }
  if (problems.length > 0) throw invalidFields(...problems)
}

/** Also where it only looks like one. */
export function isReserved(username: string): boolean {
  const seen = username
    .normalize('NFKC')
    .replaceAll(/[\p{Cf}\p{Default_Ignorable_Code_Point}]/gu, '')
    .trim()
  return RESERVED.has(seen.toLowerCase())
}

export function isEmail(text: string): boolean {
  return text.length <= 254 && EMAIL.test(text) && !text.includes('..')
}
