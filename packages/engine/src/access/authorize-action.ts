import type { Call } from '@holdfast/core/call.ts'
import { HIDDEN, HoldfastError } from '@holdfast/core/errors.ts'
import type { Principal } from '@holdfast/core/principal.ts'
import type { Asset, Bucket, Version } from '@holdfast/core/records.ts'
import type { Engine } from '../engine.ts'
import { versionIdOf } from '../objects/object-views.ts'
import { type Action, actionPermissions } from './actions.ts'
import {
  authorize,
  closedToAll,
  decide,
  type Fresh,
  mayKnow,
  type Resource,
  refuseMissing,
} from './decide.ts'
import { tagsOfVersion } from './policy/asked-tags.ts'

/** The bucket, when the caller may do this to it; BUCKET_NOT_FOUND, FORBIDDEN, UNAUTHENTICATED. */
export async function authorizeBucket(
  engine: Engine,
  call: Call,
  { bucket: name, action }: { readonly bucket: string; readonly action: Action },
): Promise<Bucket> {
  const bucket = await findBucketFor(engine, call, { bucket: name, action })
  authorize(call.principal, actionPermissions[action], { bucket, action })
  return bucket
}

/** Who may list a bucket may be told that it holds no such key, as S3 does. */
export function mayList({ principal }: Call, bucket: Bucket): boolean {
  const action = 's3:ListBucket'
  return decide(principal, actionPermissions[action], { bucket, action }).allowed
}

export function mayListVersions({ principal }: Call, bucket: Bucket): boolean {
  const action = 's3:ListBucketVersions'
  return decide(principal, actionPermissions[action], { bucket, action }).allowed
}

/** The bucket of an object that `authorizeObject` will be asked about. */
export async function findBucketFor(
  engine: Engine,
  call: Call,
  { bucket: name, action }: { readonly bucket: string; readonly action: Action },
): Promise<Bucket> {
  const bucket = await engine.catalog.view.buckets.byName(name)
  if (bucket !== undefined) return bucket
  const missing = ['BUCKET_NOT_FOUND', { bucket: name }] as const
  return refuseMissing(call.principal, actionPermissions[action], missing)
}

export interface ObjectInQuestion {
  readonly bucket: Bucket
  readonly key: string
  /** Whose a new object at the key would be; absent: the caller's own. */
  readonly ownerId?: string | undefined
  /** Whether it may be made, where it is not there yet. */
  readonly isTaken?: boolean | undefined
  readonly asset?: Asset | undefined
  readonly version?: Version | undefined
  /** As asked for: what is not there is answered in its words. */
  readonly versionId?: string | undefined
  readonly action: Action
}

function resourceOf(principal: Principal, wanted: ObjectInQuestion) {
  const { key, version, action, isTaken } = wanted
  const { bucket, asset } = isOld(wanted) ? closedToAll(wanted) : wanted
  const fresh: Fresh = { ownerId: wanted.ownerId ?? principal.id, key, isTaken }
  const versionAcl = version?.object?.acl
  const objectTags = tagsOfVersion(version)
  // Ids are taken in either case of letters; policies write them as answers do.
  const versionId = wanted.versionId?.toLowerCase()
  return { bucket, asset, fresh, action, versionAcl, objectTags, versionId }
}

/** A version that is shown no more: replaced, or of an object that is deleted. */
function isOld({ asset, version }: ObjectInQuestion): boolean {
  if (asset === undefined || version === undefined) return false
  return asset.deletedAt !== null || version.id !== asset.versionId
}

/** What reading a version that is shown no more asks, by whatever name. */
export function oldInQuestion(
  { bucket, asset }: { readonly bucket: Bucket; readonly asset: Asset },
  version: Version | undefined,
): Resource {
  const about = version && { objectTags: tagsOfVersion(version), versionId: versionIdOf(version) }
  return { ...closedToAll({ bucket, asset }), action: 's3:GetObjectVersion', ...about }
}

/** VERSION_NOT_FOUND where a version was named, ASSET_NOT_FOUND otherwise. */
export function missingObject({
  bucket,
  key,
  versionId,
  cause,
}: {
  readonly bucket: string
  readonly key: string
  readonly versionId?: string | undefined
  readonly cause?: typeof HIDDEN
}): HoldfastError {
  const details = versionId === undefined ? { bucket, key } : { bucket, key, version_id: versionId }
  const code = versionId === undefined ? 'ASSET_NOT_FOUND' : 'VERSION_NOT_FOUND'
  return new HoldfastError(code, details, cause === undefined ? {} : { cause })
}

export function isAllowed({ principal }: Call, wanted: ObjectInQuestion): boolean {
  return decide(principal, actionPermissions[wanted.action], resourceOf(principal, wanted)).allowed
}

/**
 * Whether who may read the object may be told beside its content what the action asks for: not
 * where a policy denies that, nor by a policy or list that opens nothing but the content.
 */
export function isToldBeside({ principal }: Call, wanted: ObjectInQuestion): boolean {
  return decide(principal, 'assets:read', resourceOf(principal, wanted)).allowed
}

/** Who may not know of the object gets the answer for a free key: whose it is, is not told. */
export function authorizeObject({ principal }: Call, wanted: ObjectInQuestion): void {
  const { bucket, key, asset, action } = wanted
  const permission = actionPermissions[action]
  const resource = resourceOf(principal, wanted)
  const { fresh } = resource
  if (decide(principal, permission, resource).allowed) return
  if (asset !== undefined && !mayKnow(principal, resource)) {
    authorize(principal, permission, { bucket, fresh, action, objectTags: {} })
    const { versionId } = wanted
    throw missingObject({ bucket: bucket.name, key, versionId, cause: HIDDEN })
  }
  authorize(principal, permission, resource)
}
