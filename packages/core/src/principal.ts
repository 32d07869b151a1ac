/** Who acts. Doors authenticate; everything below only sees a principal. */
export interface Principal {
  readonly kind:
    | 'system'
    | 'api_key'
    | 'user'
    | 'external'
    | 'service_account'
    | 'anonymous'
    | 'link'
    | 'share'
  /** Stable id that ACLs and the change log name. */
  readonly id: string
  readonly name: string
  /** A name that nobody else has or may take, for policies; absent: they know the id alone. */
  readonly ownName?: string
  /** `resource:action`, wildcards allowed: `*`, `assets:*`, `*:read`. */
  readonly permissions: readonly string[]
  /** What it may with assets that it owns; absent = nothing more. */
  readonly ownPermissions?: readonly string[]
  /** What it may in buckets that it owns; absent = what `buckets:create` brings. */
  readonly bucketPermissions?: readonly string[]
  /** What it may in parts of buckets; absent = nothing more. */
  readonly grants?: readonly PrefixGrant[]
  /** Ids of the groups it is in: access lists may name them. */
  readonly groups?: readonly string[]
  /** Bucket names it is confined to; null = all. */
  readonly buckets: readonly string[] | null
  /** Narrows all of the above: what lies outside is denied, whatever opens it. */
  readonly within?: Within
  /** The login that its token came from. */
  readonly sessionId?: string
  /** When the user of that login last proved who they are; absent for programs. */
  readonly confirmedAt?: string
  /** The key pair of S3 that it signs with. */
  readonly pairId?: string
  /** The secret that its token was given for. */
  readonly secretId?: string
  /** Id of the key that signed its token: gone, once that key is distrusted. */
  readonly signedBy?: string
  /** Of a link: what its maker is, whose id it has. */
  readonly actsFor?: 'system' | 'api_key' | 'user' | 'service_account'
  /** How much it may ask for; absent: no more than what holds for everybody. */
  readonly rateLimit?: OwnRateLimit
  /** How the request came, for conditions of policies; absent where the door does not tell. */
  readonly request?: RequestFacts
}

/** The limit of a service account, for all that acts for it. */
export interface OwnRateLimit {
  readonly clientId: string
  readonly perMinute: number
}

export interface Within {
  /** What the narrowing is, as the end of the reason of a refusal. */
  readonly by: string
  readonly permissions: readonly string[]
  /** Names of the only buckets; absent: all. */
  readonly buckets?: readonly string[]
  /** Only this asset. */
  readonly assetId?: string
  /** Only what lies in one bucket under keys that begin with the prefix. */
  readonly place?: { readonly bucket: string; readonly prefix: string }
}

/** Facts that conditions of bucket policies ask about. A null was looked for and is not there. */
export interface RequestFacts {
  readonly sourceIp: string | null
  readonly secure: boolean
  readonly userAgent: string | null
  readonly referer: string | null
  /** ISO 8601. */
  readonly at: string
  /** Values of single condition keys such as `s3:prefix` or `s3:x-amz-acl`. */
  readonly keys: Readonly<Record<string, string>>
}

/** Permissions on the assets of one bucket whose keys begin with the prefix. */
export interface PrefixGrant {
  readonly bucket: string
  /** Empty for the whole bucket. */
  readonly prefix: string
  readonly permissions: readonly string[]
}

export const permissions = [
  'assets:read',
  'assets:write',
  'versions:read',
  'versions:write',
  'metadata:read',
  'metadata:write',
  'buckets:read',
  /** To make buckets that are one's own, and to rule those. */
  'buckets:create',
  'buckets:admin',
  'quotas:admin',
  'keys:admin',
  'store:admin',
  'metrics:read',
  'backups:admin',
  'lifecycle:admin',
  'policy:admin',
  'admin:users',
  'audit:view',
  'audit:export',
  /** To take note of what is wrong with the audit log. */
  'audit:admin',
] as const
export type Permission = (typeof permissions)[number]

const administrative = permissions.filter(name => /^admin:|:admin$/.test(name))

/** Whether one of them is to administer something. */
export function administers(scopes: readonly string[]): boolean {
  return administrative.some(name => scopes.some(scope => scopeCovers(scope, name)))
}

export const anonymous: Principal = Object.freeze({
  kind: 'anonymous',
  id: 'anonymous',
  name: 'anonymous',
  permissions: [],
  buckets: null,
})

export const systemPrincipal: Principal = Object.freeze({
  kind: 'system',
  id: 'system',
  name: 'system',
  permissions: ['*'],
  buckets: null,
})

/** A scope is a known permission or a pattern of one; anything else grants nothing. */
export function isScope(text: string): boolean {
  return permissions.some(permission => scopeCovers(text, permission))
}

/**
 * Whether the granted scope covers the permission: `*`, `assets:*`, `*:read` or exact. Who may make
 * buckets for all may make some of their own.
 */
export function scopeCovers(scope: string, permission: Permission): boolean {
  if (scope === '*' || scope === '*:*' || scope === permission) return true
  if (scope === 'buckets:admin' && permission === 'buckets:create') return true
  const [resource, action] = permission.split(':')
  return scope === `${resource}:*` || scope === `*:${action}`
}
