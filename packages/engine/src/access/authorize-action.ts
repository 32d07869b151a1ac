import type { Call } from '@holdfast/core/call.ts'
import type { Asset, Bucket, Version } from '@holdfast/core/records.ts'
import type { Engine } from '../engine.ts'
import { type Action, actionPermissions } from './actions.ts'
import { authorize, refuseMissing } from './decide.ts'

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
  readonly asset?: Asset | undefined
  readonly version?: Version | undefined
  readonly action: Action
}

export function authorizeObject(call: Call, wanted: ObjectInQuestion): void {
  const { bucket, key, asset, version, action } = wanted
  const { acl: grants, tags = [] } = version?.object ?? {}
  const objectTags = Object.fromEntries(tags.map(tag => [tag.key, tag.value]))
  const missing = ['ASSET_NOT_FOUND', { bucket: bucket.name, key }] as const
  const resource = { bucket, key, asset, action, grants, objectTags, missing }
  authorize(call.principal, actionPermissions[action], resource)
}
