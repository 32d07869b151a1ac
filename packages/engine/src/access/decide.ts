import { type ErrorCode, type ErrorDetails, HIDDEN, HoldfastError } from '@holdfast/core/errors.ts'
import type { ObjectAcl } from '@holdfast/core/objects.ts'
import {
  anonymous,
  type Permission,
  type PrefixGrant,
  type Principal,
  scopeCovers,
} from '@holdfast/core/principal.ts'
import type { Asset, BucketRules } from '@holdfast/core/records.ts'
import type { Action } from './actions.ts'
import { isOfAnother, mayAsGuest, mayAsOwner, ownsBucket, showsBucket } from './bucket-owners.ts'
import { bucketRule, isSet } from './bucket-rules.ts'

/**
 * The only place that says who may do what. Denied unless a rule here allows it:
 * 1. An asset with an ACL is open to administrators, to its owner and to the principals and groups
 *    it names, to nobody else.
 * 2. A scope opens what lies in the buckets of its credential.
 * 3. Rights on own assets open what the principal owns.
 * 4. A bucket that somebody owns is open to its owner; for others rule 3 makes no new assets there,
 *    and to see all buckets they need to read or administer all.
 * 5. A grant opens the keys of its bucket that begin with its prefix.
 * 6. A bucket with public reading opens its assets and their metadata for reading, unless its
 *    public access block ignores what means everybody.
 * 7. The policy and the access lists of S3 of a bucket open what they grant.
 * Before all that, what the policy of the bucket denies is denied, to owners and to holders of
 * grants too; only the policy itself stays open to administrators and to the owner of the bucket,
 * so that it can be taken back, and the settings where no action of S3 is asked. And before even
 * that, what lies outside of what the principal is narrowed to, as share links, tokens with a scope
 * and keys made for less than their user may are, is denied.
 */
export interface Decision {
  readonly allowed: boolean
  /** One sentence part for a person. */
  readonly reason: string
}

export interface Resource {
  readonly bucket?: Pick<BucketRules, 'name' | 'settings' | 'documents' | 'ownerId'> | undefined
  readonly asset?: AssetInQuestion | undefined
  /** An asset that is to be made, or that would be there. */
  readonly fresh?: Fresh | undefined
  /** What exactly is asked, in words of the policy language; absent: the permission says it. */
  readonly action?: Action | undefined
  /** Access list of the version, where the door knows one. */
  readonly versionAcl?: ObjectAcl | undefined
  readonly objectTags?: Readonly<Record<string, string>> | undefined
  /** As it was asked for, where one was named. */
  readonly versionId?: string | undefined
  /** Whether some request may be allowed it: open conditions of the policy count as met. */
  readonly atBest?: boolean | undefined
  /** Whether it may whatever the key is, at any time: parts and conditions of policies count. */
  readonly throughout?: boolean | undefined
  /** What the caller asked for: all that someone who may not know of the asset is told. */
  readonly missing?: Missing | undefined
}

type AssetInQuestion = Pick<Asset, 'id' | 'acl' | 'ownerId' | 'key'> &
  Partial<Pick<Asset, 'deletedAt'>>

export interface Fresh {
  readonly ownerId: string
  readonly key: string
  /** Its making is allowed already: what is asked about it now goes by its owner. */
  readonly isTaken?: boolean | undefined
}

export type Missing = readonly [ErrorCode, ErrorDetails, ErrorOptions?]

export function decide(principal: Principal, permission: Permission, resource: Resource): Decision {
  const { bucket, asset } = resource
  if (principal.kind === 'link' && !LINK_PERMISSIONS.has(permission)) {
    return deny('presigned links only read and write assets')
  }
  const outside = outsideOf(principal, permission, resource)
  if (outside !== undefined) return deny(outside)
  const rule = ruleOf(principal, permission, resource)
  if (rule?.effect === 'deny' && !keepsSettings(principal, permission, resource)) {
    return deny(rule.reason)
  }
  const inside = isInside(principal, bucket)
  const owned = inside && isOwn(principal, permission, resource)
  if (asset !== undefined && asset.acl !== null) {
    if (inside && isAdministrator(principal)) return allow('administrator')
    if (owned) return allow('owner of the asset')
    const blocked = bucket !== undefined && isBlocked(principal, bucket)
    const shut = principal.kind === 'anonymous' && (blocked || asksForList(resource))
    return !shut && namedIn(asset.acl, principal, permission)
      ? allow('named in the access list of the asset')
      : deny('not named in the access list of the asset')
  }
  const shown = permission !== 'buckets:read' || showsBucket(principal, bucket)
  const scoped = shown && hasScope(principal, permission)
  if (scoped && inside) return allow('granted by scope')
  if (owned) return allow('owner of the asset')
  if (inside && ownsBucket(principal, permission, bucket)) return allow('owner of the bucket')
  const grant = inside ? grantFor(principal, permission, resource) : undefined
  if (grant !== undefined) return allow(`granted for ${grant.bucket}/${grant.prefix}`)
  const opens = PUBLIC.has(permission) && !asksForList(resource)
  if (bucket !== undefined && opens && isPublic(principal, bucket)) return allow('public bucket')
  if (rule?.effect === 'allow') return allow(rule.reason)
  return deny(scoped ? 'the credential is confined to other buckets' : 'no scope grants it')
}

/** The reason why something lies outside of what the principal is narrowed to. */
function outsideOf(
  { kind, within }: Principal,
  permission: Permission,
  { bucket, asset, fresh }: Resource,
): string | undefined {
  // A share without bounds is a mistake, and must not open what its maker may.
  if (within === undefined) return kind === 'share' ? 'a share link without bounds' : undefined
  const { permissions, buckets, assetId, place, by } = within
  if (!covers(permissions, permission)) return `not within ${by}`
  if (bucket !== undefined && buckets?.includes(bucket.name) === false) {
    return `another bucket than those of ${by}`
  }
  if (assetId !== undefined && asset?.id !== assetId) return `another asset than that of ${by}`
  if (place === undefined) return undefined
  const { key } = asset ?? fresh ?? {}
  const isInPlace = bucket?.name === place.bucket && key?.startsWith(place.prefix) === true
  return isInPlace ? undefined : `outside the place of ${by}`
}

function ruleOf(principal: Principal, permission: Permission, resource: Resource) {
  const { bucket, asset, fresh, action, versionAcl, objectTags, versionId } = resource
  if (bucket === undefined) return undefined
  if (bucket.documents === undefined && versionAcl === undefined) return undefined
  const { key } = asset ?? fresh ?? {}
  const isTaken = asset === undefined && fresh?.isTaken
  const { atBest, throughout } = resource
  const how = { objectTags, versionId, atBest, throughout, isTaken }
  const question = { bucket, asset, key, action, grants: versionAcl, ...how }
  return bucketRule(principal, permission, question)
}

/** https://docs.aws.amazon.com/AmazonS3/latest/API/API_PutBucketPolicy.html: the root keeps these. */
const OF_POLICIES: ReadonlySet<Action> = new Set<Action>([
  's3:GetBucketPolicy',
  's3:PutBucketPolicy',
  's3:DeleteBucketPolicy',
])

/** Not where an object is asked about: governance of its retention goes by `buckets:admin`, too. */
function keepsSettings(
  principal: Principal,
  permission: Permission,
  { bucket, asset, fresh, action }: Resource,
): boolean {
  if (asset !== undefined || fresh !== undefined) return false
  if (action !== undefined && !OF_POLICIES.has(action)) return false
  const settings = permission.startsWith('buckets:') || permission === 'policy:admin'
  if (!settings) return false
  if (isAdministrator(principal)) return true
  return isInside(principal, bucket) && ownsBucket(principal, permission, bucket)
}

/** Whether who may read the asset may see its tags, too: not where a policy keeps them closed. */
export function tagsAreTold(principal: Principal, resource: Resource): boolean {
  if (resource.bucket?.documents?.policy === undefined) return true
  return decide(principal, 'assets:read', { ...resource, action: 's3:GetObjectTagging' }).allowed
}

/**
 * Throws unless `decide` allows it. Who could not even read the resource learns nothing about its
 * existence: the answer equals that of `refuseMissing`.
 */
export function authorize(principal: Principal, permission: Permission, resource: Resource): void {
  const decision = decide(principal, permission, resource)
  if (decision.allowed) return
  const { bucket, asset } = resource
  if (asset !== undefined && !mayKnow(principal, resource)) {
    const [code, details] = resource.missing ?? ['ASSET_NOT_FOUND', { asset_id: asset.id }]
    refuseMissing(principal, permission, [code, details, { cause: HIDDEN }])
  }
  if (bucket !== undefined && !mayKnowBucket(principal, bucket)) {
    const missing = ['BUCKET_NOT_FOUND', { bucket: bucket.name }, { cause: HIDDEN }] as const
    refuseMissing(principal, permission, missing)
  }
  throw refusal(principal, permission, decision.reason)
}

/**
 * Whether it may know of the asset: the plain question of reading, whatever else was asked. Of what
 * is deleted knows who may write it, or read what it was.
 */
export function mayKnow(principal: Principal, resource: Resource): boolean {
  const plain = { ...resource, action: undefined }
  if (!resource.asset?.deletedAt) return decide(principal, 'assets:read', plain).allowed
  if (decide(principal, 'assets:write', plain).allowed) return true
  const old = { ...resource, ...closedToAll(resource), action: 's3:GetObjectVersion' } as const
  return decide(principal, 'assets:read', old).allowed
}

/** What is open to everybody is open as it is now: what it was may have been replaced for that. */
export function closedToAll({ bucket, asset }: Resource): Pick<Resource, 'bucket' | 'asset'> {
  const closed = bucket && { ...bucket, settings: { ...bucket.settings, publicRead: false } }
  if (asset?.acl == null) return { bucket: closed, asset }
  const read = asset.acl.read.filter(id => id !== anonymous.id)
  return { bucket: closed, asset: { ...asset, acl: { ...asset.acl, read } } }
}

/** Whether it may know of the bucket: one that it is confined from is not there for it. */
export function mayKnowBucket(
  principal: Principal,
  bucket: Pick<BucketRules, 'name' | 'settings' | 'documents'>,
): boolean {
  return isInside(principal, bucket) || isPublic(principal, bucket)
}

/** Whether what means everybody counts for nothing: the public access block of S3 is above it. */
function isBlocked({ kind }: Principal, { documents }: Pick<BucketRules, 'documents'>): boolean {
  const block = documents?.publicAccessBlock
  if (block === undefined) return false
  if (isSet(block, 'ignorePublicAcls')) return true
  return kind === 'anonymous' && isSet(block, 'restrictPublicBuckets')
}

/** Whether the settings of the bucket open all of it to everybody. */
export function isPublic(
  principal: Principal,
  bucket: Pick<BucketRules, 'settings' | 'documents'>,
): boolean {
  return bucket.settings.publicRead && !isBlocked(principal, bucket)
}

/** The error for something that is not there, for a caller who may or may not know that. */
export function refuseMissing(
  principal: Principal,
  permission: Permission,
  missing: Missing,
): never {
  if (principal.kind === 'anonymous' || !mayEver(principal, permission)) {
    throw refusal(principal, permission, 'no scope grants it')
  }
  throw new HoldfastError(...missing)
}

export function hasScope(principal: Principal, permission: Permission): boolean {
  return covers(principal.permissions, permission)
}

function covers(scopes: readonly string[], permission: Permission): boolean {
  return scopes.some(scope => scopeCovers(scope, permission))
}

/** Whether there can be anything for which `decide` allows it to this principal. */
export function mayEver(principal: Principal, permission: Permission): boolean {
  if (hasScope(principal, permission)) return true
  if (covers(principal.ownPermissions ?? [], permission)) return true
  if (mayAsOwner(principal, permission)) return true
  return principal.grants?.some(grant => covers(grant.permissions, permission)) === true
}

/**
 * Whether some assets of this bucket may be open to it, by ownership or by grants. Not where the
 * policy denies it for the bucket as a whole.
 */
export function mayPartly(
  principal: Principal,
  permission: Permission,
  bucket: Pick<BucketRules, 'name' | 'settings' | 'documents' | 'ownerId'>,
): boolean {
  if (!isInside(principal, bucket)) return false
  const some =
    hasOwnRight(principal, permission) ||
    grantsOf(principal, permission).some(grant => grant.bucket === bucket.name)
  return some && ruleOf(principal, permission, { bucket })?.effect !== 'deny'
}

export function hasOwnRight(principal: Principal, permission: Permission): boolean {
  return covers(principal.ownPermissions ?? [], permission)
}

export function grantsOf(principal: Principal, permission: Permission): readonly PrefixGrant[] {
  return principal.grants?.filter(grant => covers(grant.permissions, permission)) ?? []
}

export function isAdministrator(principal: Principal): boolean {
  return principal.permissions.some(scope => scope === '*' || scope === '*:*')
}

const LINK_PERMISSIONS: ReadonlySet<Permission> = new Set([
  'assets:read',
  'assets:write',
  'versions:read',
  'metadata:read',
])
const PUBLIC: ReadonlySet<Permission> = new Set(['assets:read', 'metadata:read'])

/** Whose ids stand in a list is not for everybody: READ does not give what READ_ACP does. */
function asksForList({ action }: Resource): boolean {
  return action === 's3:GetObjectAcl' || action === 's3:GetObjectVersionAcl'
}

export function isInside(
  principal: Principal,
  bucket: Pick<BucketRules, 'name'> | undefined,
): boolean {
  if (principal.buckets === null) return true
  return bucket !== undefined && principal.buckets.includes(bucket.name)
}

/** They bind whose bucket it is, perhaps for a hundred years: to own the object is not enough. */
export const LOCKS: ReadonlySet<Action> = new Set<Action>([
  's3:PutObjectRetention',
  's3:PutObjectLegalHold',
])

function isOwn(
  principal: Principal,
  permission: Permission,
  { bucket, asset, fresh, action }: Resource,
): boolean {
  if ((asset ?? fresh)?.ownerId !== principal.id) return false
  if (action !== undefined && LOCKS.has(action) && isOfAnother(principal, bucket)) return false
  if (asset !== undefined || fresh?.isTaken === true) {
    return rulesOwn(principal, permission, bucket)
  }
  return hasOwnRight(principal, permission) && !isOfAnother(principal, bucket)
}

/** Whether what it owns in the bucket is open to it. */
function rulesOwn(
  principal: Principal,
  permission: Permission,
  bucket: Resource['bucket'],
): boolean {
  if (hasOwnRight(principal, permission)) return true
  // Who may own buckets rules what it was let into those of others.
  return isOfAnother(principal, bucket) && mayAsGuest(principal, permission)
}

/** Whether what it owns in the bucket is open to it, whatever the access list of the asset says. */
export function opensOwn(
  principal: Principal,
  permission: Permission,
  bucket: NonNullable<Resource['bucket']>,
): boolean {
  return isInside(principal, bucket) && rulesOwn(principal, permission, bucket)
}

/** Without an asset it is about the bucket as a whole, which only an empty prefix covers. */
function grantFor(
  principal: Principal,
  permission: Permission,
  { bucket, asset, fresh }: Resource,
): PrefixGrant | undefined {
  const key = (asset ?? fresh)?.key ?? ''
  return principal.grants?.find(
    grant =>
      grant.bucket === bucket?.name &&
      key.startsWith(grant.prefix) &&
      covers(grant.permissions, permission),
  )
}

function namedIn(
  acl: NonNullable<Asset['acl']>,
  principal: Principal,
  permission: Permission,
): boolean {
  if (permission.endsWith(':read')) return namesAny(acl.read, principal)
  // A list that names `anonymous` publishes the asset; it never opens it for writing.
  if (principal.kind === 'anonymous') return false
  return permission.endsWith(':write') && namesAny(acl.write, principal)
}

function namesAny(ids: readonly string[], { id, groups }: Principal): boolean {
  return ids.includes(id) || groups?.some(group => ids.includes(group)) === true
}

/** UNAUTHENTICATED for who came without a credential, who may have one. */
export function refusal(
  principal: Principal,
  permission: Permission,
  reason: string,
): HoldfastError {
  if (principal.kind === 'anonymous') return new HoldfastError('UNAUTHENTICATED')
  return new HoldfastError('FORBIDDEN', { permission, reason })
}

function allow(reason: string): Decision {
  return { allowed: true, reason }
}

function deny(reason: string): Decision {
  return { allowed: false, reason }
}
