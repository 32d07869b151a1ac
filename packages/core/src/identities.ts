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
  'share',
  'service_account',
  'past_name',
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

export type Identity =
  | User
  | Group
  | Grant
  | Session
  | SigningKey
  | PasswordReset
  | Share
  | ServiceAccount
  | PastName

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

/** Who knows the user: this store, the directory, the provider of logins, an issuer of tokens. */
export const userSources = ['local', 'ldap', 'oidc', 'token'] as const
export type UserSource = (typeof userSources)[number]

/** Who a user is elsewhere, and what that place said last. */
export interface OutsideIdentity {
  /** `iss` of the tokens, or `ldap`. */
  readonly issuer: string
  /** What the issuer calls the user, and never another one. */
  readonly subject: string
  /** Permissions beyond those of the roles. */
  readonly permissions: readonly string[]
  /** Names of groups of this store that groups of that place stand for, in lower case. */
  readonly groups: readonly string[]
  /** Of people of the directory or OpenID provider: of the settings that gave these rights. */
  readonly maps?: string
  /** INACTIVE because the directory says so; a login opens it again when the directory does. */
  readonly closed: boolean
  /** Of people of the directory: what their access tokens tell of them besides. Gives no rights. */
  readonly claims?: JsonObject
}

export interface User extends IdentityFields {
  readonly kind: 'user'
  readonly username: string
  /** Somebody else had the user name before: policies that name it do not mean this one. */
  readonly isLaterBearer: boolean
  readonly email: string | null
  readonly firstName: string
  readonly lastName: string
  readonly source: UserSource
  /** Null for local users. */
  readonly outside: OutsideIdentity | null
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
  /** Another number when all sessions were ended: logins under way before that open none. */
  readonly endings?: number
  readonly secondFactor: SecondFactor | null
  /** Made by the settings: cannot be deleted, demoted, confined to buckets or deactivated. */
  readonly isSystem: boolean
}

/** A user name that was given free; it belongs to the first one who had it. */
export interface PastName extends IdentityFields {
  readonly kind: 'past_name'
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
  /** Where the login came from. */
  readonly ip: string
  readonly agent: string
  /** Where the last refresh came from. */
  readonly lastIp: string
  readonly lastAgent: string
  /** When its user last proved who they are; absent where it is of a program. */
  readonly confirmedAt?: string
  /** Of a service account: it ends with the secret that began it, and never widens its scope. */
  readonly client?: { readonly secretId: string; readonly scope: string | null }
}

/**
 * A link that opens one asset, or the assets below a prefix, to whoever has it. Its only name is
 * the SHA-256 of its token. It belongs to its maker, and opens nothing that the maker may not read.
 */
export interface Share extends IdentityFields {
  readonly kind: 'share'
  readonly makerKind: 'user' | 'api_key' | 'service_account' | 'system'
  readonly makerName: string
  readonly target: ShareTarget
  readonly note: string
  /** bcrypt like that of users; null = the link alone opens it. */
  readonly passwordHash: string | null
  /** Wrong passwords since the last use. */
  readonly failures: number
  readonly lockedUntil: string | null
  readonly expiresAt: string
  /** Downloads it is good for; null = any number. */
  readonly usesMax: number | null
  readonly uses: number
  readonly lastUsedAt: string | null
  readonly revokedAt: string | null
  readonly revokedBy: string | null
}

export type ShareTarget =
  | { readonly kind: 'asset'; readonly assetId: string; readonly version: number | null }
  | {
      readonly kind: 'prefix'
      /** A bucket that is made again under the same name is another one. */
      readonly bucketId: string
      readonly bucket: string
      readonly prefix: string
    }

export const accountStatuses = ['ACTIVE', 'SUSPENDED', 'EXPIRED', 'DELETED'] as const
export type AccountStatus = (typeof accountStatuses)[number]

/** A program that acts for itself. Its names are its client id and `name:` with its name. */
export interface ServiceAccount extends IdentityFields {
  readonly kind: 'service_account'
  readonly clientId: string
  readonly name: string
  readonly description: string
  readonly environment: string
  /** EXPIRED only in answers: it is `expiresAt` that counts. */
  readonly status: Exclude<AccountStatus, 'EXPIRED'>
  readonly roles: readonly string[]
  /** Scopes beyond those of the roles. */
  readonly permissions: readonly string[]
  /** Bucket names it is confined to; null = all. */
  readonly buckets: readonly string[] | null
  readonly expiresAt: string | null
  /** Requests a minute; 0 for no limit, null for that of the settings. */
  readonly rateLimit: number | null
  /** Newest last. */
  readonly secrets: readonly ClientSecret[]
  /** Made by the settings: cannot be deleted, suspended or given an end. */
  readonly isSystem: boolean
}

export interface ClientSecret {
  readonly id: string
  /** SHA-256, hex, of 256 random bits, or of what the settings gave. */
  readonly hash: string
  /** First characters, to recognise it in lists; `settings` for the one that these gave. */
  readonly prefix: string
  readonly createdAt: string
  readonly createdBy: string
  readonly expiresAt: string
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
  readonly entry: FiledEntry
  /** Hash of the row before; zeros for the first. */
  readonly previous: string
  /** SHA-256 over all of the above, hex. */
  readonly hash: string
  /** Says which key proves number and hash, and so all rows before: `<id>:<HMAC-SHA-256>`. */
  readonly seal?: string
}

/** A place in the audit log, which stands for everything up to there. */
export type AuditLink = Pick<AuditRow, 'seq' | 'hash'>

export interface AuditEntry {
  readonly at: string
  readonly actor: string
  readonly actorKind: string
  readonly actorName: string
  /** The actor is a person who may administer something. */
  readonly administers?: boolean
  readonly ip: string
  readonly agent: string
  readonly requestId: string
  /** Id of the login that the caller acts in, never a token; absent or null without one. */
  readonly sessionId?: string | null
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

export const severities = ['info', 'notice', 'warning', 'error', 'critical'] as const
export type Severity = (typeof severities)[number]

export const actorTypes = ['user', 'admin_user', 'service_account', 'system', 'anonymous'] as const
export type ActorType = (typeof actorTypes)[number]

/** An entry with all that follows from it. */
export interface FiledEntry extends Omit<AuditEntry, 'administers'> {
  readonly sessionId: string | null
  readonly actorType: ActorType
  readonly severity: Severity
}

export const firstAuditLink = '0'.repeat(64)

/** What the hash of a row is taken over: everything in it, in a fixed order. */
export function auditText(row: Pick<AuditRow, 'seq' | 'previous' | 'entry'>): string {
  const { at, actor, actorKind, actorName, ip, agent, requestId } = row.entry
  const { action, outcome, status, code, resource, detail } = row.entry
  const { actorType, sessionId, severity } = row.entry
  const who = [at, actor, actorKind, actorName, actorType, ip, agent, requestId, sessionId]
  const what = [action, outcome, severity, status, code, resource, detail]
  return JSON.stringify([row.seq, row.previous, ...who, ...what])
}
