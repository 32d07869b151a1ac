import type { Call } from '@holdfast/core/call.ts'
import { HoldfastError } from '@holdfast/core/errors.ts'
import type { Asset } from '@holdfast/core/records.ts'
import { judgedOf, judgedShown } from '../access/policy/asked-tags.ts'
import { authorisedAnew, rightsOfEach } from '../access/rights-now.ts'
import { asHoldfastError } from '../as-holdfast-error.ts'
import { commit } from '../commit.ts'
import type { Engine } from '../engine.ts'
import { requireSight } from '../versions/open.ts'
import { authorizeAsset, bucketOf, findAsset, findAssetByKey, findSeen } from './find-asset.ts'
import { keyTaken, requirePlace } from './intake/put-target.ts'
import { requirePreconditions } from './preconditions.ts'
import { seenOf } from './writes/seen.ts'
import { isAsDeleted } from './writes/shown-version.ts'
import { hasOldVersions } from './writes/stored-asset.ts'

export interface RemoveOptions {
  /** For good, with all versions; else it can be restored. */
  readonly hard?: boolean | undefined
  readonly ifMatch?: readonly string[] | undefined
}

const DELETE = 's3:DeleteObject'
/** All versions go: old ones only by `versions:write`, as alone. */
const FOR_GOOD = [DELETE, 's3:DeleteObjectVersion'] as const

/** Deletes. Deleting what is deleted already changes nothing. */
export async function removeAsset(
  engine: Engine,
  call: Call,
  id: string,
  options: RemoveOptions = {},
): Promise<void> {
  await authorisedAnew(engine, call, async now => {
    const wanted = { id, permission: 'assets:write', deleted: 'show', actions: [DELETE] } as const
    const asset = await findAsset(engine, now, wanted)
    await removeFound(engine, now, { asset, options })
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
  await authorisedAnew(engine, call, async now => {
    const asset = await findAssetByKey(engine, now, wanted)
    await removeFound(engine, now, { asset, options })
  })
}

async function removeFound(
  engine: Engine,
  call: Call,
  { asset, options }: { readonly asset: Asset; readonly options: RemoveOptions },
): Promise<void> {
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
  if (!hard && asset.deletedAt !== null) return
  const args = {
    assetId: asset.id,
    hard,
    oneVersion,
    seen: [seenOf(bucket, asset, version)],
    preconditions: { ifMatch: options.ifMatch },
    createdBy: call.principal.name,
  }
  await commit(engine, call, { name: 'assets.remove', args })
}

/** So many changes of what is deleted are looked at: beyond, it counts as another version. */
const CHANGES_MAX = 100

/** Where it would show another version than when it was deleted, for who may read old ones. */
export async function restoreAsset(engine: Engine, call: Call, id: string): Promise<Asset> {
  return await authorisedAnew(engine, call, now => authoriseAndRestore(engine, now, id))
}

async function authoriseAndRestore(engine: Engine, call: Call, id: string): Promise<Asset> {
  const wanted = { id, permission: 'assets:write', deleted: 'show' } as const
  const { view } = engine.catalog
  // Read first: that there is none since is asked where it is written.
  const changes = await view.changes.ofAsset({ assetId: id.toLowerCase(), limit: CHANGES_MAX })
  const { asset, bucket, seen } = await findSeen(engine, call, wanted)
  const version = await view.versions.byId(asset.versionId)
  if (version?.kind === 'content' && !isAsDeleted(asset, changes)) {
    await requireSight(engine, call, { asset, version })
  }
  if (asset.trashed) {
    requirePlace(call, bucket, asset)
    const holder = await view.assets.byKey(asset.bucketId, asset.key)
    if (holder !== undefined) throw keyTaken(call, bucket, holder)
  }
  const judged = version && judgedOf(bucket, version, false)
  const changeSeq = changes[0]?.seq ?? 0
  const also = { ...seenOf(bucket, asset, judged), changeSeq }
  const args = { assetId: asset.id, seen: [...seen, also] }
  return commit(engine, call, { name: 'assets.restore', args })
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
