import type { Call } from '@holdfast/core/call.ts'
import { HoldfastError } from '@holdfast/core/errors.ts'
import type { Asset, Bucket, Version } from '@holdfast/core/records.ts'
import type { Engine } from '../engine.ts'
import { type Action, actionPermissions } from './actions.ts'
import { authorize, decide, type Fresh, mayKnow, refuseMissing } from './decide.ts'

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
  readonly asset?: Asset | undefined
  readonly version?: Version | undefined
  readonly action: Action
}

/** Who may not know of the object gets the answer for a free key: whose it is, is not told. */
export function authorizeObject({ principal }: Call, wanted: ObjectInQuestion): void {
  const { bucket, key, asset, version, action } = wanted
  const permission = actionPermissions[action]
  const fresh: Fresh = { ownerId: wanted.ownerId ?? principal.id, key }
  const { acl: versionAcl, tags = [] } = version?.object ?? {}
  const objectTags = Object.fromEntries(tags.map(tag => [tag.key, tag.value]))
  const resource = { bucket, asset, fresh, action, versionAcl, objectTags }
  if (decide(principal, permission, resource).allowed) return
  if (asset !== undefined && !mayKnow(principal, resource)) {
    authorize(principal, permission, { bucket, fresh, action, objectTags: {} })
    throw new HoldfastError('ASSET_NOT_FOUND', { bucket: bucket.name, key })
  }
  authorize(principal, permission, resource)
}
