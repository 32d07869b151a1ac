import type { Call } from '@holdfast/core/call.ts'
import { HIDDEN, HoldfastError } from '@holdfast/core/errors.ts'
import type { Permission } from '@holdfast/core/principal.ts'
import type { Asset, Bucket, Version } from '@holdfast/core/records.ts'
import type { Action } from '../access/actions.ts'
import { authorize, decide, mayKnow, refuseMissing } from '../access/decide.ts'
import { askedTags, judgedShown, tagsOfVersion } from '../access/policy/asked-tags.ts'
import { findBucket } from '../buckets/find-bucket.ts'
import type { Engine } from '../engine.ts'
import { type Seen, seenOf } from './writes/seen.ts'

export interface WantedAsset {
  readonly id: string
  readonly permission: Permission
  /**
   * `hide`: a deleted asset is ASSET_NOT_FOUND. `refuse`: it is ASSET_DELETED. `show`: it is found.
   */
  readonly deleted: 'hide' | 'refuse' | 'show'
  readonly actions?: readonly Action[] | undefined
}

/** The asset, when the caller has the permission on it. */
export async function findAsset(engine: Engine, call: Call, wanted: WantedAsset): Promise<Asset> {
  return (await findJudged(engine, call, wanted)).asset
}

/** The same with what was decided by, for the transaction that follows. */
export async function findSeen(
  engine: Engine,
  call: Call,
  wanted: WantedAsset,
): Promise<Judged & { readonly seen: readonly Seen[] }> {
  const found = await findJudged(engine, call, wanted)
  const version = await judgedShown(engine.catalog.view, found.bucket, found.asset)
  // Tags were read after they were judged: judged once more, they are as new, or newer.
  const judged = version === undefined ? found : await findJudged(engine, call, wanted)
  return { ...judged, seen: [seenOf(judged.bucket, judged.asset, version)] }
}

interface Judged {
  readonly asset: Asset
  readonly bucket: Bucket
}

async function findJudged(engine: Engine, call: Call, wanted: WantedAsset): Promise<Judged> {
  const asset = await engine.catalog.view.assets.byId(wanted.id.toLowerCase())
  if (asset === undefined) return missingAsset(call, wanted)
  const { permission, actions } = wanted
  const asked = { asset, permission, asked: wanted.id, actions }
  const bucket = await authorizeAsset(engine, call, asked)
  if (asset.deletedAt === null) return { asset, bucket }
  if (wanted.deleted === 'refuse') {
    throw new HoldfastError('ASSET_DELETED', { asset_id: asset.id })
  }
  // What is open to everybody is open as it is now.
  const isKnown = permission !== 'assets:read' || mayKnow(call.principal, { bucket, asset })
  if (wanted.deleted === 'hide' || !isKnown) return missingAsset(call, wanted)
  return { asset, bucket }
}

export interface WantedPlace {
  readonly bucket: string
  readonly key: string
  readonly permission: Permission
  readonly deleted: 'hide' | 'show'
  readonly action?: Action | undefined
}

/**
 * The asset that holds a key, when the caller has the permission on it. Who may not know of it gets
 * the answer for a free key of that bucket, which never says more than the key.
 */
export async function findAssetByKey(
  engine: Engine,
  call: Call,
  { bucket: name, key, permission, deleted, action }: WantedPlace,
): Promise<Asset> {
  const { view } = engine.catalog
  const bucket = await view.buckets.byName(name)
  const asset = bucket && (await view.assets.byKey(bucket.id, key))
  const isThere = asset !== undefined && (deleted === 'show' || asset.deletedAt === null)
  if (isThere) {
    const objectTags = await askedTags(view, bucket, asset)
    const about = { bucket, asset, objectTags }
    const known = decide(call.principal, 'assets:read', about).allowed
    if (decide(call.principal, permission, { ...about, action }).allowed) return asset
    if (known) authorize(call.principal, permission, { ...about, action })
  }
  // As if it were the caller's own: whose it is, is not told.
  const fresh = { ownerId: call.principal.id, key }
  await findBucket(engine, call, { name, permission, fresh, action })
  const cause = isThere ? { cause: HIDDEN } : {}
  throw new HoldfastError('ASSET_NOT_FOUND', { bucket: name, key }, cause)
}

/** Authorises for an asset at hand; the bucket that was decided by. */
export async function authorizeAsset(
  engine: Engine,
  call: Call,
  wanted: {
    readonly asset: Asset
    readonly permission: Permission
    /** The id as the caller wrote it. */
    readonly asked?: string | undefined
    /** All that it means in words of policies; absent: what the permission stands for. */
    readonly actions?: readonly Action[] | undefined
    /** The one that is asked about, where it is not the one shown. */
    readonly version?: Version | undefined
  },
): Promise<Bucket> {
  const { asset, permission, asked = asset.id, actions = [undefined], version } = wanted
  // Whatever the caller holds, the policy of the bucket may deny it.
  const bucket = await bucketOf(engine, asset)
  const missing = ['ASSET_NOT_FOUND', { asset_id: asked }] as const
  const shown = await askedTags(engine.catalog.view, bucket, asset)
  for (const action of actions) {
    const ofOthers = permission.startsWith('versions:') || action?.includes('Version') === true
    const others = version && tagsOfVersion(version)
    const objectTags = ofOthers ? others : shown
    authorize(call.principal, permission, { bucket, asset, missing, action, objectTags })
  }
  return bucket
}

export async function bucketOf(engine: Engine, asset: Asset): Promise<Bucket> {
  const bucket = await engine.catalog.view.buckets.byId(asset.bucketId)
  if (bucket === undefined) throw new HoldfastError('BUCKET_NOT_FOUND')
  return bucket
}

function missingAsset(call: Call, { id, permission }: WantedAsset): never {
  return refuseMissing(call.principal, permission, ['ASSET_NOT_FOUND', { asset_id: id }])
}
