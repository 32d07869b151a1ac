import type { Call } from '@holdfast/core/call.ts'
import { HoldfastError } from '@holdfast/core/errors.ts'
import type { Asset, Bucket } from '@holdfast/core/records.ts'
import { judgedOf, judgedShown } from '../access/policy/asked-tags.ts'
import { authorisedAnew, rightsOfEach } from '../access/rights-now.ts'
import { asHoldfastError } from '../as-holdfast-error.ts'
import { lineOf } from '../caller-lines.ts'
import { commit } from '../commit.ts'
import type { Engine } from '../engine.ts'
import { requireUnlocked } from '../versions/lock.ts'
import { onlyWithoutTags, requireSight } from '../versions/open.ts'
import { authorizeAsset, bucketOf, findAsset, findAssetByKey, findSeen } from './find-asset.ts'
import { keyTaken, requirePlace } from './intake/put-target.ts'
import { requirePreconditions } from './preconditions.ts'
import { olderShown } from './writes/hide-asset.ts'
import { PART, type RestoredAsset } from './writes/remove-transaction.ts'
import { seenOf } from './writes/seen.ts'
import { hasOldVersions, holderOf } from './writes/stored-asset.ts'

export interface RemoveOptions {
  /** For good, with all versions; else it can be restored. */
  readonly hard?: boolean | undefined
  readonly ifMatch?: readonly string[] | undefined
}

const DELETE = 's3:DeleteObject'
/** All versions go: old ones only by `versions:write`, as alone. */
const FOR_GOOD = [DELETE, 's3:DeleteObjectVersion'] as const

/**
 * Deletes. Deleting what is deleted already changes nothing. For good, many versions go in parts,
 * the oldest first: what is refused or broken off in between leaves the asset with the others, and
 * the same again ends it.
 */
export async function removeAsset(
  engine: Engine,
  call: Call,
  id: string,
  options: RemoveOptions = {},
): Promise<void> {
  await inParts(engine, call, async (now, isLong) => {
    const wanted = { id, permission: 'assets:write', deleted: 'show', actions: [DELETE] } as const
    const asset = await findAsset(engine, now, wanted)
    return await removeFound(engine, now, { asset, options, isLong })
  })
}

/** The same for what holds a key: to who may not know of it, nothing does. */
export async function removeAssetByKey(
  engine: Engine,
  call: Call,
  place: { readonly bucket: string; readonly key: string },
  options: RemoveOptions = {},
): Promise<void> {
  const { bucket, key } = place
  const about = { permission: 'assets:write', deleted: 'show', action: DELETE } as const
  const wanted = { bucket, key, ...about }
  let begun: string | undefined
  await inParts(engine, call, async (now, isLong) => {
    const asset = await findAssetByKey(engine, now, wanted)
    // What came to the key while another asset went is not what was to go.
    if (isLong && asset.id !== begun) throw new HoldfastError('ASSET_NOT_FOUND')
    begun = asset.id
    return await removeFound(engine, now, { asset, options, isLong })
  })
}

/** So few go at once with those of others; more go one part of the store at a time. */
const FEW = 8

type Part<T> = (now: Call, isLong: boolean) => Promise<T>

/** Each part is judged by what is so by then. */
async function inParts<T extends { readonly more: boolean }>(
  engine: Engine,
  call: Call,
  part: Part<T>,
): Promise<T> {
  let done = await authorisedAnew(engine, call, now => part(now, false))
  const ofEach = rightsOfEach(engine, call)
  const next = async () => await authorisedAnew(engine, await ofEach(), now => part(now, true))
  while (done.more) done = await engine.removals.take('parts', lineOf(call), next)
  return done
}

async function removeFound(
  engine: Engine,
  call: Call,
  { asset, options, isLong }: Found,
): Promise<{ readonly more: boolean }> {
  const permission = 'assets:write'
  const hard = options.hard ?? false
  const actions = hard ? FOR_GOOD : ([DELETE] as const)
  // Read first: what is judged is as new, or newer.
  const { view } = engine.catalog
  const version = await judgedShown(view, await bucketOf(engine, asset), asset)
  const bucket = await authorizeAsset(engine, call, { asset, permission, actions })
  const oneVersion = hard && !(await hasOldVersions(view, asset))
  if (hard && !oneVersion) {
    const ofVersions = ['s3:DeleteObjectVersion'] as const
    await authorizeAsset(engine, call, { asset, permission: 'versions:write', actions: ofVersions })
  }
  requirePreconditions(asset.deletedAt === null ? asset : undefined, options)
  if (!hard && asset.deletedAt !== null) return { more: false }
  if (hard && !isLong && asset.lastNumber > FEW) {
    await requireAllUnlocked(engine, call, { bucket, asset })
    return { more: true }
  }
  const args = {
    assetId: asset.id,
    hard,
    oneVersion,
    seen: [seenOf(bucket, asset, version)],
    preconditions: { ifMatch: options.ifMatch },
    createdBy: call.principal.name,
  }
  return await commit(engine, call, { name: 'assets.remove', args })
}

interface Found {
  readonly asset: Asset
  readonly options: RemoveOptions
  /** In a turn of its own, as many versions need. */
  readonly isLong: boolean
}

/** Before the first goes: what is locked by then keeps all. Each part asks for its own again. */
async function requireAllUnlocked(
  engine: Engine,
  call: Call,
  { bucket, asset }: { readonly bucket: Bucket; readonly asset: Asset },
): Promise<void> {
  if (bucket.documents?.objectLock === undefined) return
  const now = new Date(engine.clock.now()).toISOString()
  const giveWay = engine.lists.giveWay(call)
  const query = { assetId: asset.id, deleted: 'with' as const, limit: PART }
  for (let below = Number.MAX_SAFE_INTEGER; ; await giveWay()) {
    const page = await engine.catalog.view.versions.list({ ...query, below })
    for (const version of page) requireUnlocked(version, { now })
    const last = page.at(-1)
    if (last === undefined || page.length < PART) return
    below = last.number
  }
}

/**
 * Undoes a soft delete. Many markers go in parts: what is refused or broken off in between leaves
 * the asset deleted, and the same again ends it.
 */
export async function restoreAsset(engine: Engine, call: Call, id: string): Promise<Asset> {
  return (await inParts(engine, call, now => authoriseAndRestore(engine, now, id))).asset
}

async function authoriseAndRestore(engine: Engine, call: Call, id: string): Promise<RestoredAsset> {
  const wanted = { id, permission: 'assets:write', deleted: 'show' } as const
  const { asset, bucket, seen } = await findSeen(engine, call, wanted)
  if (asset.trashed) {
    requirePlace(call, bucket, asset)
    const { view } = engine.catalog
    const holder = await holderOf(view, await view.assets.byKey(asset.bucketId, asset.key))
    if (holder !== undefined) throw keyTaken(call, bucket, holder)
  }
  const older = await olderShown(engine.catalog.view, asset)
  const args = { assetId: asset.id, versionId: asset.versionId, isSeen: false, isUntagged: false }
  if (older === undefined)
    return commit(engine, call, { name: 'assets.restore', args: { ...args, seen } })
  // As by a rollback: it could be shown to the caller, or to everybody.
  await requireSight(engine, call, { asset, version: older })
  const isUntagged = await onlyWithoutTags(engine, call, {
    bucket,
    asset,
    version: older,
    permission: wanted.permission,
  })
  const judged = seenOf(bucket, asset, judgedOf(bucket, older, false))
  return commit(engine, call, {
    name: 'assets.restore',
    args: { ...args, isSeen: true, isUntagged, seen: [...seen, judged] },
  })
}

export type RemoveResult =
  | { readonly id: string; readonly ok: true }
  | { readonly id: string; readonly ok: false; readonly error: HoldfastError }

/** Each for itself: one that cannot be deleted does not keep the others. */
export async function removeBatch(
  engine: Engine,
  call: Call,
  ids: readonly string[],
  options: { readonly hard?: boolean | undefined } = {},
): Promise<RemoveResult[]> {
  const limit = engine.limits.batchItemsMax
  if (ids.length > limit) throw new HoldfastError('TOO_MANY_ITEMS', { limit })
  const now = rightsOfEach(engine, call)
  const remove = (id: string) => removeOne(engine, now, { id, hard: options.hard })
  return await engine.lists.inSlices(call, ids, remove)
}

async function removeOne(
  engine: Engine,
  now: () => Promise<Call>,
  { id, hard }: { id: string; hard: boolean | undefined },
): Promise<RemoveResult> {
  try {
    await removeAsset(engine, await now(), id, { hard })
    return { id, ok: true }
  } catch (error) {
    return { id, ok: false, error: asHoldfastError(error) }
  }
}
