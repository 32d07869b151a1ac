import type { JsonObject } from './records.ts'

/**
 * Who may act, with what proof and what rights. All kinds lie in one table of the catalog, which
 * only knows the fields of `IdentityFields`: what else they hold concerns the engine alone.
 */
export const identityKinds = [
  'user',
  'group',
  'grant',
  'session',
  'signing_key',
  'password_reset',
] as const
export type IdentityKind = (typeof identityKinds)[number]

export interface IdentityFields {
  readonly id: string
  readonly seq: number
  /** What it can be found by, each unique within its kind. */
  readonly names: readonly string[]
  /** Id of the record it is a part of: a session belongs to a user. */
  readonly belongsTo: string | null
  readonly createdAt: string
  readonly createdBy: string
  readonly updatedAt: string
}

export type Identity = User | Group | Grant | Session | SigningKey | PasswordReset

export const userStatuses = ['ACTIVE', 'INACTIVE', 'LOCKED', 'DELETED'] as const
export type UserStatus = (typeof userStatuses)[number]

export interface Password {
  /** bcrypt over the SHA-256 of the password, so that every byte of a long one counts. */
  readonly hash: string
  readonly changedAt: string
  /** Hashes of earlier passwords, newest first. */
  readonly history: readonly string[]
  /** No token before the user has chosen another one. */
  readonly mustChange: boolean
}

/** Codes of an authenticator app (RFC 6238) besides the password. */
export interface SecondFactor {
  /** The secret behind the codes, encrypted with the secret of the store. */
  readonly sealedSecret: string
  /** When the first code proved that the app has the secret; null: it does not count yet. */
  readonly confirmedAt: string | null
  /** Time step of the last code that was taken: only later ones are good. */
  readonly lastStep: number
  /** Hashes of the recovery codes that are left. */
  readonly recovery: readonly string[]
}

export interface User extends IdentityFields {
  readonly kind: 'user'
  readonly username: string
  readonly email: string | null
  readonly firstName: string
  readonly lastName: string
  readonly source: 'local'
  /** LOCKED only in answers: a lock ends by itself, so it is `lockedUntil` that counts. */
  readonly status: Exclude<UserStatus, 'LOCKED'>
  readonly roles: readonly string[]
  /** Bucket names it is confined to; null = all. */
  readonly buckets: readonly string[] | null
  readonly password: Password | null
  /** Failed logins since the last success. */
  readonly failures: number
  readonly lockedUntil: string | null
  readonly lastLoginAt: string | null
  readonly secondFactor: SecondFactor | null
  /** Made by the settings: cannot be deleted, demoted or deactivated. */
  readonly isSystem: boolean
}

/** Users with something in common: access lists and grants may name it. */
export interface Group extends IdentityFields {
  readonly kind: 'group'
  readonly name: string
  readonly description: string
  /** Ids of users. */
  readonly members: readonly string[]
}

/** Permissions of a user or a group, to which it belongs, on a part of a bucket. */
export interface Grant extends IdentityFields {
  readonly kind: 'grant'
  readonly bucket: string
  readonly prefix: string
  readonly permissions: readonly string[]
}

/** One login and the refresh tokens that followed from it. Ended ones are removed. */
export interface Session extends IdentityFields {
  readonly kind: 'session'
  /** Number of the only refresh token that is good now. */
  readonly generation: number
  readonly expiresAt: string
  readonly ip: string
  readonly agent: string
}

/** A token that was mailed to a user, named by its hash alone. Used ones are removed. */
export interface PasswordReset extends IdentityFields {
  readonly kind: 'password_reset'
  readonly expiresAt: string
}

/** A key that signs our tokens. */
export interface SigningKey extends IdentityFields {
  readonly kind: 'signing_key'
  readonly algorithm: 'RS256'
  readonly publicJwk: JsonObject
  /** The private key, encrypted with the secret of the store. */
  readonly sealedPrivate: string
  readonly signsUntil: string
  /** From then on it is not published and no access token of it is taken. */
  readonly verifiesUntil: string
  /** From then on it can go: no refresh token of it is left. */
  readonly expiresAt: string
}

/** One row of the audit log, chained to the one before. */
export interface AuditRow {
  /** Decimal text of `seq`. */
  readonly id: string
  /** From 1, without gaps. */
  readonly seq: number
  readonly entry: AuditEntry
  /** Hash of the row before; zeros for the first. */
  readonly previous: string
  /** SHA-256 over all of the above, hex. */
  readonly hash: string
}

export interface AuditEntry {
  readonly at: string
  readonly actor: string
  readonly actorKind: string
  readonly actorName: string
  readonly ip: string
  readonly agent: string
  readonly requestId: string
  /** Name of the operation, such as `login` or `createBucket`. */
  readonly action: string
  readonly outcome: 'success' | 'refused' | 'failed'
  readonly status: number
  /** Code of the refusal. */
  readonly code: string | null
  /** What it was done to, by the names of the path. */
  readonly resource: JsonObject
  /** What was and what is, without secrets. */
  readonly detail: JsonObject
}

export const firstAuditLink = '0'.repeat(64)

/** What the hash of a row is taken over: everything in it, in a fixed order. */
export function auditText(row: Pick<AuditRow, 'seq' | 'previous' | 'entry'>): string {
  const { at, actor, actorKind, actorName, ip, agent, requestId } = row.entry
  const { action, outcome, status, code, resource, detail } = row.entry
  const who = [at, actor, actorKind, actorName, ip, agent, requestId]
  const what = [action, outcome, status, code, resource, detail]
  return JSON.stringify([row.seq, row.previous, ...who, ...what])
}
