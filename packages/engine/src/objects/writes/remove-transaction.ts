import { HoldfastError } from '@holdfast/core/errors.ts'
import type { CatalogTransaction, Moment } from '@holdfast/core/ports/catalog.ts'
import type { Asset, Bucket, Version } from '@holdfast/core/records.ts'
import { newVersion } from '../../assets/writes/asset-writes.ts'
import { changeOf } from '../../assets/writes/change-detail.ts'
import { hideAsset, markerContent } from '../../assets/writes/hide-asset.ts'
import { removeLinks } from '../../assets/writes/link-transactions.ts'
import { removeSoftly } from '../../assets/writes/remove-transaction.ts'
import { requireSeen, requireSeenVersion, type Seen } from '../../assets/writes/seen.ts'
import { newestVersion, shownAfterRemoval } from '../../assets/writes/shown-version.ts'
import { storedBucket } from '../../assets/writes/stored-asset.ts'
import { requireUnlocked } from '../../versions/lock.ts'
import { type ETagConditions, requireETag } from '../etag.ts'
import { versionIdOf, versionNamed } from '../object-views.ts'

export interface RemoveObjectArgs {
  readonly bucketId: string
  readonly key: string
  /** Id of the asset that the caller was authorised for; null when the key was free. */
  readonly authorisedId: string | null
  readonly seen: Seen
  /** As S3 clients see it; null: the current one is hidden. */
  readonly versionId: string | null
  readonly bypassGovernance: boolean
  readonly conditions: ETagConditions
  readonly createdBy: string
  /** Of the asset that a marker for a free key makes. */
  readonly ownerId: string
  readonly name: string
}

export interface RemovedObject {
  /** A marker was made, or the version removed was one. */
  readonly deleteMarker: boolean
  /** Of the marker made or of the version removed; null where the bucket never versioned. */
  readonly versionId: string | null
}

/** Deletes as S3 does (https://docs.aws.amazon.com/AmazonS3/latest/userguide/DeletingObjects.html). */
export async function removeObjectTransaction(
  tx: CatalogTransaction,
  args: RemoveObjectArgs,
  moment: Moment,
): Promise<RemovedObject> {
  const bucket = await storedBucket(tx, args.bucketId)
  const asset = await tx.assets.byKey(bucket.id, args.key)
  if ((asset?.id ?? null) !== args.authorisedId) throw new HoldfastError('CHANGED_MEANWHILE')
  requireSeen(args.seen, bucket, asset)
  await requireSeenVersion(tx, args.seen, asset)
  await requireETag(tx, asset?.deletedAt === null ? asset : undefined, args.conditions)
  if (args.versionId !== null) return removeOne(tx, moment, { bucket, asset, args })
  const { createdBy } = args
  if (bucket.settings.versioning === 'disabled') {
    if (asset?.deletedAt === null) await removeSoftly(tx, moment, { bucket, asset, createdBy })
    return { deleteMarker: false, versionId: null }
  }
  const replacesNull = bucket.settings.versioning === 'suspended'
  const marker =
    asset === undefined
      ? await markFreeKey(tx, moment, { bucket, args })
      : (await hideAsset(tx, moment, { bucket, asset, createdBy, replacesNull })).marker
  return { deleteMarker: true, versionId: versionIdOf(marker) }
}

interface Scene {
  readonly bucket: Bucket
  readonly asset: Asset | undefined
  readonly args: RemoveObjectArgs
}

/** A marker for a key that no asset holds: S3 makes one, too. */
async function markFreeKey(
  tx: CatalogTransaction,
  moment: Moment,
  { bucket, args }: Omit<Scene, 'asset'>,
): Promise<Version> {
  const seq = await tx.nextSeq()
  const blank: Asset = {
    id: moment.newId(),
    createdSeq: seq,
    seq,
    bucketId: bucket.id,
    key: args.key,
    name: args.name,
    type: 'binary',
    service: 's3',
    ownerId: args.ownerId,
    tags: [],
    metadata: {},
    acl: null,
    createdAt: moment.now,
    createdBy: args.createdBy,
    updatedAt: moment.now,
    deletedAt: moment.now,
    trashed: false,
    versionId: '',
    versionNumber: 1,
    size: 0,
    sha256: '',
    contentType: 'application/octet-stream',
    contentAt: moment.now,
    lastNumber: 1,
  }
  const place = { moment, seq, number: 1, bucket }
  const marker = newVersion(blank, markerContent(args.createdBy), place)
  const asset: Asset = { ...blank, versionId: marker.id }
  await tx.put.asset(asset)
  await tx.put.version(marker)
  await tx.note(changeOf('asset.deleted', asset, { key: asset.key, marker: 1 }))
  return marker
}

async function removeOne(
  tx: CatalogTransaction,
  moment: Moment,
  { bucket, asset, args }: Scene,
): Promise<RemovedObject> {
  const named = args.versionId ?? ''
  const version = asset === undefined ? undefined : await versionNamed(tx, asset, named)
  const never = bucket.settings.versioning === 'disabled' && named === 'null'
  if (asset === undefined || version === undefined) {
    return { deleteMarker: false, versionId: never ? null : named }
  }
  const { bypassGovernance } = args
  requireUnlocked(version, { now: moment.now, bypassGovernance })
  await removeVersionForGood(tx, moment, { asset, version })
  return { deleteMarker: version.kind === 'marker', versionId: never ? null : named }
}

/** One version goes; what is the newest then is current. The last one takes the asset with it. */
export async function removeVersionForGood(
  tx: CatalogTransaction,
  moment: Moment,
  { asset, version }: { readonly asset: Asset; readonly version: Version },
): Promise<void> {
  const seq = await tx.nextSeq()
  await tx.remove.version(version.id)
  const newest = await newestVersion(tx, asset.id)
  const { number, sha256, size } = version
  const detail = { key: asset.key, number, sha256, size }
  if (newest === undefined) return removeLast(tx, moment, { asset, detail })
  const shown = await shownAfterRemoval(tx, asset, newest)
  if (shown.versionId !== asset.versionId || shown.deletedAt !== asset.deletedAt) {
    await tx.put.asset({ ...shown, seq, updatedAt: moment.now })
  }
  const change = changeOf('version.removed', asset, detail)
  await tx.note({ ...change, versionId: version.id })
}

/** Versions that another door hid may be left: they keep the asset, in the trash. */
async function removeLast(
  tx: CatalogTransaction,
  moment: Moment,
  { asset, detail }: { readonly asset: Asset; readonly detail: { readonly key: string } },
): Promise<void> {
  const query = { assetId: asset.id, kinds: ['content'] as const, deleted: 'only' as const }
  const [hidden] = await tx.versions.list({ ...query, limit: 1 })
  if (hidden === undefined) {
    const links = await removeLinks(tx, asset.id)
    await removeMarkersLeft(tx, asset)
    await tx.remove.asset(asset.id)
    await tx.note(changeOf('asset.removed', asset, { ...detail, versions: 1, links }))
    return
  }
  const seq = await tx.nextSeq()
  const shown = await shownAfterRemoval(tx, asset, hidden)
  const trashed: Asset = { ...shown, seq, deletedAt: moment.now, trashed: true }
  await tx.put.asset(trashed)
  await tx.note(changeOf('asset.deleted', trashed, { ...detail, trashed: true }))
}

async function removeMarkersLeft(tx: CatalogTransaction, asset: Asset): Promise<void> {
  const page = await tx.versions.list({ assetId: asset.id, deleted: 'with', limit: 1000 })
  for (const version of page) {
    if (version.kind !== 'marker') throw new HoldfastError('CHANGED_MEANWHILE')
    await tx.remove.version(version.id)
  }
}
