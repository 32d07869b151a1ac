import type { Call } from '@holdfast/core/call.ts'
import type { HoldfastError } from '@holdfast/core/errors.ts'
import type { CatalogView } from '@holdfast/core/ports/catalog.ts'
import type { Asset, Bucket, Version } from '@holdfast/core/records.ts'
import { authorizeObject, findBucketFor } from '../access/authorize-action.ts'
import { judgedOf } from '../access/policy/asked-tags.ts'
import { authorisedAnew, rightsOfEach } from '../access/rights-now.ts'
import { asHoldfastError } from '../as-holdfast-error.ts'
import { seenOf } from '../assets/writes/seen.ts'
import { holderOf } from '../assets/writes/stored-asset.ts'
import { commit } from '../commit.ts'
import type { Engine } from '../engine.ts'
import type { ETagConditions } from './etag.ts'
import { requireVersionId } from './find-object.ts'
import { type ObjectAddress, versionNamed } from './object-views.ts'
import { objectPut } from './store-object.ts'
import type { RemovedObject } from './writes/remove-transaction.ts'

export interface RemoveObjectInput extends ObjectAddress {
  /** Retention in governance mode does not hold, for callers who may. */
  readonly bypassGovernance?: boolean | undefined
  /** PRECONDITION_FAILED when the current version is another, ASSET_NOT_FOUND without one. */
  readonly conditions?: ETagConditions | undefined
}

/**
 * Without a version id: hides the object behind a marker, or in a bucket that never versioned moves
 * it to the trash. With one: exactly that version goes for good. A key or version that is not there
 * is no error. VERSION_LOCKED under retention or hold.
 */
export async function removeObject(
  engine: Engine,
  call: Call,
  input: RemoveObjectInput,
): Promise<RemovedObject> {
  requireVersionId(input.versionId)
  return await authorisedAnew(engine, call, now => authoriseAndRemove(engine, now, input))
}

/** CHANGED_MEANWHILE when the key changed hands after the caller was authorised for it. */
async function authoriseAndRemove(
  engine: Engine,
  call: Call,
  input: RemoveObjectInput,
): Promise<RemovedObject> {
  const { bucket: name, key } = input
  // What is judged is what goes, in whichever letters it was named.
  const versionId = input.versionId?.toLowerCase()
  const action = versionId === undefined ? 's3:DeleteObject' : 's3:DeleteObjectVersion'
  const bucket = await findBucketFor(engine, call, { bucket: name, action })
  const { view } = engine.catalog
  const asset = await view.assets.byKey(bucket.id, key)
  const version = asset && (await versionInQuestion(view, { bucket, asset, versionId }))
  const put = objectPut(engine, call, { bucket: name, key, facets: {} })
  const { ownerId } = put.fields
  const question = {
    bucket,
    key,
    ownerId,
    asset: await judgedAsset(view, asset, versionId),
    version,
    versionId,
  }
  authorizeObject(call, { ...question, action })
  if (input.bypassGovernance === true) {
    authorizeObject(call, { ...question, action: 's3:BypassGovernanceRetention' })
  }
  const args = {
    bucketId: bucket.id,
    key,
    authorisedId: asset?.id ?? null,
    seen: seenOf(bucket, asset, version && judgedOf(bucket, version, versionId === undefined)),
    versionId: versionId ?? null,
    bypassGovernance: input.bypassGovernance ?? false,
    conditions: input.conditions ?? {},
    createdBy: call.principal.name,
    ownerId,
    name: put.newName,
  }
  return commit(engine, call, { name: 'objects.remove', args })
}

/** Mere markers are deleted over as if nothing were there, and their lists close none of them. */
async function judgedAsset(
  view: CatalogView,
  asset: Asset | undefined,
  versionId: string | undefined,
): Promise<Asset | undefined> {
  const holder = await holderOf(view, asset)
  if (holder !== undefined || asset === undefined || versionId === undefined) return holder
  return { ...asset, acl: null }
}

/** The one that is named; for a policy, which may ask for its tags, also the one that is shown. */
async function versionInQuestion(
  view: CatalogView,
  wanted: { readonly bucket: Bucket; readonly asset: Asset; versionId: string | undefined },
): Promise<Version | undefined> {
  const { bucket, asset, versionId } = wanted
  if (versionId !== undefined) return await versionNamed(view, asset, versionId)
  if (bucket.documents?.policy === undefined || asset.deletedAt !== null) return undefined
  return await view.versions.byId(asset.versionId)
}

export type RemovalOutcome =
  | { readonly removed: RemovedObject; readonly error?: never }
  | { readonly removed?: never; readonly error: HoldfastError }

/** Many at once, each for itself, in the order given. */
export async function removeObjects(
  engine: Engine,
  call: Call,
  inputs: readonly RemoveObjectInput[],
): Promise<RemovalOutcome[]> {
  const now = rightsOfEach(engine, call)
  return await engine.lists.inSlices(call, inputs, input => outcomeOf(engine, now, input))
}

async function outcomeOf(
  engine: Engine,
  now: () => Promise<Call>,
  input: RemoveObjectInput,
): Promise<RemovalOutcome> {
  try {
    return { removed: await removeObject(engine, await now(), input) }
  } catch (error) {
    return { error: asHoldfastError(error) }
  }
}
