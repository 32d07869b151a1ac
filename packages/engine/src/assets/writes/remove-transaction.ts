import { HoldfastError } from '@holdfast/core/errors.ts'
import type { CatalogTransaction, Moment } from '@holdfast/core/ports/catalog.ts'
import type { Asset, BriefVersion, Bucket } from '@holdfast/core/records.ts'
import { requireUnlocked } from '../../versions/lock.ts'
import { type Preconditions, requirePreconditions } from '../preconditions.ts'
import { type Carrying, isTagged, requireCarried } from './carried-tags.ts'
import { changeOf, shownOf } from './change-detail.ts'
import { hideAsset, olderShown } from './hide-asset.ts'
import { freeKey } from './keys/free-key.ts'
import { removeLinks } from './link-transactions.ts'
import { hasOldVersions, holderOf, storedAsset, storedBucket } from './stored-asset.ts'

export interface RemoveArgs {
  readonly assetId: string
  readonly hard: boolean
  /** BUCKET_NOT_EMPTY where it is not in the trash any more. */
  readonly onlyTrashed?: boolean | undefined
  /** CHANGED_MEANWHILE where old versions would go along by now. */
  readonly oneVersion?: boolean | undefined
  readonly preconditions: Preconditions
  readonly createdBy: string
}

/** Of versions in one transaction: everybody else who writes waits for it. */
export const PART = 250

export interface RemovedAsset {
  /** As it was. */
  readonly asset: Asset
  /** Old versions went, it is still there with the others: the same again goes on. */
  readonly more: boolean
}

/**
 * Soft: a marker hides the asset, which keeps its key; in a bucket that does not version the asset
 * goes to the trash and its key is free. Hard: versions, links and record go, the references are
 * dropped; of more than `PART` versions the oldest go first, in transactions of their own, and the
 * record last.
 */
export async function removeTransaction(
  tx: CatalogTransaction,
  args: RemoveArgs,
  moment: Moment,
): Promise<RemovedAsset> {
  const asset = await storedAsset(tx, args.assetId)
  if (args.onlyTrashed === true && !asset.trashed) {
    const { name: bucket } = await storedBucket(tx, asset.bucketId)
    throw new HoldfastError('BUCKET_NOT_EMPTY', { bucket })
  }
  requirePreconditions(asset.deletedAt === null ? asset : undefined, args.preconditions)
  if (args.oneVersion === true && (await hasOldVersions(tx, asset))) {
    throw new HoldfastError('CHANGED_MEANWHILE')
  }
  if (args.hard) return removeForGood(tx, moment, asset)
  if (asset.deletedAt !== null) return { asset, more: false }
  const bucket = await storedBucket(tx, asset.bucketId)
  const deleted = await removeSoftly(tx, moment, { bucket, asset, createdBy: args.createdBy })
  return { asset: deleted, more: false }
}

/** The soft removal of one that was looked at already, and is not deleted. */
export async function removeSoftly(
  tx: CatalogTransaction,
  moment: Moment,
  { bucket, asset, createdBy }: { bucket: Bucket; asset: Asset; createdBy: string },
): Promise<Asset> {
  const seq = await tx.nextSeq()
  const deleted: Asset = { ...asset, seq, deletedAt: moment.now, updatedAt: moment.now }
  if (bucket.settings.versioning === 'disabled') {
    const trashed: Asset = { ...deleted, trashed: true }
    await tx.put.asset(trashed)
    await tx.note(changeOf('asset.deleted', trashed, { key: asset.key, trashed: true }))
    return trashed
  }
  // As it can be restored, no null version makes room, as it does for a delete of S3.
  return (await hideAsset(tx, moment, { bucket, asset, createdBy, replacesNull: false })).asset
}

export interface RestoreArgs extends Carrying {
  readonly assetId: string
  /** The content that it will show, as the caller was authorised for it. */
  readonly versionId: string
  /** The caller may see it, whatever was shown when the asset was deleted. */
  readonly isSeen: boolean
}

export interface RestoredAsset {
  readonly asset: Asset
  /** Markers went, it is still deleted: the same again goes on. */
  readonly more: boolean
}

/**
 * Undoes a soft delete. ASSET_EXISTS when the key of a trashed asset was taken meanwhile. The
 * markers upon its content go along: of more than `PART` the newest stays to the last, as what it
 * tells was shown decides who may restore.
 */
export async function restoreTransaction(
  tx: CatalogTransaction,
  args: RestoreArgs,
  moment: Moment,
): Promise<RestoredAsset> {
  const asset = await storedAsset(tx, args.assetId)
  if (asset.deletedAt === null) {
    throw new HoldfastError('ASSET_NOT_DELETED', { asset_id: asset.id })
  }
  const markers = asset.trashed ? await tx.assets.byKey(asset.bucketId, asset.key) : undefined
  if ((await holderOf(tx, markers)) !== undefined) throw new HoldfastError('ASSET_EXISTS')
  const shown = await tx.versions.byId(asset.versionId)
  // Content that was removed for good leaves only markers: there is nothing to restore.
  if (shown?.kind !== 'content' || shown.assetId !== asset.id) {
    throw new HoldfastError('VERSION_NOT_FOUND')
  }
  const older = args.isSeen ? undefined : await olderShown(tx, asset)
  if (asset.versionId !== args.versionId || older !== undefined) {
    throw new HoldfastError('CHANGED_MEANWHILE')
  }
  requireCarried(args, isTagged(shown))
  const upon = await markersUpon(tx, asset)
  if (upon.length > PART) {
    await removeOld(tx, asset, upon.slice(1))
    return { asset, more: true }
  }
  if (markers !== undefined) await freeKey(tx, moment, markers)
  for (const { id } of upon) await tx.remove.version(id)
  const seq = await tx.nextSeq()
  // All that S3 saw was removed for good, and what another door hid is left.
  if (shown.deletedAt !== null) {
    await tx.put.version({ ...shown, seq, deletedAt: null })
  }
  const restored: Asset = {
    ...asset,
    seq,
    deletedAt: null,
    trashed: false,
    updatedAt: moment.now,
  }
  await tx.put.asset(restored)
  const detail = { key: asset.key, deleted_at: asset.deletedAt }
  await tx.note(changeOf('asset.restored', restored, detail))
  return { asset: restored, more: false }
}

/** Those of the deletes being undone; what is older than the newest content is history. */
async function markersUpon(tx: CatalogTransaction, { id }: Asset): Promise<BriefVersion[]> {
  const page = await tx.versions.list({ assetId: id, deleted: 'without', limit: PART + 1 })
  const content = page.findIndex(({ kind }) => kind !== 'marker')
  return page.slice(0, content === -1 ? page.length : content)
}

async function removeForGood(
  tx: CatalogTransaction,
  moment: Moment,
  asset: Asset,
): Promise<RemovedAsset> {
  const query = { assetId: asset.id, deleted: 'with', oldestFirst: true } as const
  const page = await tx.versions.list({ ...query, limit: PART + 1 })
  for (const version of page) requireUnlocked(version, moment)
  if (page.length > PART) {
    await removeOld(tx, asset, page.slice(0, PART))
    return { asset, more: true }
  }
  for (const { id } of page) await tx.remove.version(id)
  const links = await removeLinks(tx, asset.id)
  await tx.remove.asset(asset.id)
  const about = { key: asset.key, name: asset.name, was: shownOf(asset) }
  await tx.note(changeOf('asset.removed', asset, { ...about, versions: page.length, links }))
  return { asset, more: false }
}

/** All but the one that is shown, however old it is. */
async function removeOld(
  tx: CatalogTransaction,
  asset: Asset,
  versions: readonly BriefVersion[],
): Promise<void> {
  for (const { id, number, sha256, size } of versions) {
    if (id === asset.versionId) continue
    await tx.remove.version(id)
    const change = changeOf('version.removed', asset, { key: asset.key, number, sha256, size })
    await tx.note({ ...change, versionId: id })
  }
}
