import { type FieldProblem, invalidFields } from '@holdfast/core/errors.ts'
import { bounds } from '@holdfast/core/limits.ts'
import { bucketNameProblem, byteLength } from '@holdfast/core/names.ts'
import { permissions as allPermissions, isScope } from '@holdfast/core/principal.ts'
import { isRole, roleNames } from '@holdfast/core/roles.ts'

export interface AccountFields {
  readonly name?: string | undefined
  readonly environment?: string | undefined
  readonly description?: string | undefined
  readonly roles?: readonly string[] | undefined
  readonly permissions?: readonly string[] | undefined
  readonly buckets?: readonly string[] | null | undefined
  readonly expiresAt?: string | null | undefined
  readonly rateLimit?: number | null | undefined
  readonly secretDays?: number | undefined
  readonly overlapS?: number | undefined
}

/** Both stand in the client id, which travels in URLs and forms as it is. */
const NAME = /^[a-z0-9][a-z0-9-]{1,62}$/
const ENVIRONMENT = /^[a-z0-9][a-z0-9-]{0,19}$/
const CLIENT_ID = /^sa_[a-z0-9-]+_[a-z0-9-]+_[0-9a-f]{12}$/i
const ITEMS_MAX = 64
const BUCKETS_MAX = 1000
const SECRET_DAYS_MAX = 365
const RATE_LIMIT_MAX = 1_000_000
const OVERLAP_S_MAX = 30 * 86_400

/** What `createAccount` makes: a user who is called so is not the account. */
export function isClientId(name: string): boolean {
  return CLIENT_ID.test(name)
}

/** VALIDATION_ERROR naming every field that cannot be. */
export function requireAccountFields(fields: AccountFields, nowMs: number): void {
  const problems: FieldProblem[] = []
  const say = (path: string, problem: string | undefined) => {
    if (problem !== undefined) problems.push({ path, problem })
  }
  const { name, environment, description, roles, permissions, buckets } = fields
  if (name !== undefined && !NAME.test(name)) {
    say('name', 'needs 2 to 63 of a-z, 0-9 and -, a letter or digit first')
  }
  if (environment !== undefined && !ENVIRONMENT.test(environment)) {
    say('environment', 'needs 1 to 20 of a-z, 0-9 and -, a letter or digit first')
  }
  if (description !== undefined && byteLength(description) > bounds.descriptionBytesMax) {
    say('description', `must be at most ${bounds.descriptionBytesMax} bytes`)
  }
  if ((roles?.length ?? 0) > ITEMS_MAX) say('roles', `at most ${ITEMS_MAX} roles`)
  for (const [index, role] of roles?.entries() ?? []) {
    if (!isRole(role)) say(`roles[${index}]`, `must be one of ${roleNames.join(', ')}`)
  }
  if ((permissions?.length ?? 0) > allPermissions.length) say('permissions', 'are too many')
  for (const [index, scope] of permissions?.entries() ?? []) {
    if (!isScope(scope)) say(`permissions[${index}]`, 'is not a known permission')
  }
  if (buckets != null && buckets.length > BUCKETS_MAX) say('buckets', `at most ${BUCKETS_MAX}`)
  for (const [index, bucket] of buckets?.entries() ?? []) {
    say(`buckets[${index}]`, bucketNameProblem(bucket))
  }
  const { rateLimit } = fields
  if (rateLimit != null && !isWithin(rateLimit, 0, RATE_LIMIT_MAX)) {
    say('rate_limit', `must be from 0 to ${RATE_LIMIT_MAX}`)
  }
  problems.push(...timeProblems(fields, nowMs))
  if (problems.length > 0) throw invalidFields(...problems)
}

function timeProblems(fields: AccountFields, nowMs: number): FieldProblem[] {
  const { expiresAt, secretDays, overlapS } = fields
  const problems: FieldProblem[] = []
  if (expiresAt != null) {
    const ms = Date.parse(expiresAt)
    if (Number.isNaN(ms)) problems.push({ path: 'expires_at', problem: 'must be a time' })
    else if (ms <= nowMs) problems.push({ path: 'expires_at', problem: 'must be in the future' })
  }
  if (secretDays !== undefined && !isWithin(secretDays, 1, SECRET_DAYS_MAX)) {
    problems.push({ path: 'secret_days', problem: `must be from 1 to ${SECRET_DAYS_MAX}` })
  }
  if (overlapS !== undefined && !isWithin(overlapS, 0, OVERLAP_S_MAX)) {
    problems.push({ path: 'overlap', problem: `must be from 0 to ${OVERLAP_S_MAX} seconds` })
  }
  return problems
}

function isWithin(value: number, min: number, max: number): boolean {
  return Number.isSafeInteger(value) && value >= min && value <= max
}
