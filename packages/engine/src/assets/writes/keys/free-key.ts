import type { CatalogTransaction, Moment } from '@holdfast/core/ports/catalog.ts'
import type { Asset, Bucket } from '@holdfast/core/records.ts'
import { requireUnlockedVersions } from '../../../versions/lock.ts'
import { changeOf, shownOf } from '../change-detail.ts'
import { removeLinks } from '../link-transactions.ts'
import { storedBucket } from '../stored-asset.ts'

/** Of markers in one transaction: everybody else who writes waits for it. */
const PART = 250

/**
 * What holds the key goes to the trash with its history, whatever the versioning, where its owner
 * may restore it once the key is free: who puts something there gets neither history nor owner.
 */
export async function freeKey(
  tx: CatalogTransaction,
  moment: Moment,
  holder: Asset,
): Promise<void> {
  const bucket = await storedBucket(tx, holder.bucketId)
  await requireUnlockedVersions(tx, { bucket, assetId: holder.id }, moment)
  const seq = await tx.nextSeq()
  const deletedAt = holder.deletedAt ?? moment.now
  const trashed: Asset = { ...holder, seq, trashed: true, deletedAt, updatedAt: moment.now }
  await tx.put.asset(trashed)
  await tx.note(changeOf('asset.deleted', trashed, { key: holder.key, trashed: true }))
}

/**
 * Puts a new asset where nothing but markers are. S3 goes on listing them, before its versions; of
 * very many the newest go to the trash. All else of the asset that they were of ends with it.
 */
export async function putOverMarkers(
  tx: CatalogTransaction,
  { bucket, was, asset }: { readonly bucket: Bucket; readonly was: Asset; readonly asset: Asset },
): Promise<void> {
  const { seq, updatedAt } = asset
  const [newest] = await tx.versions.list({ assetId: was.id, deleted: 'with', limit: 1 })
  // It names one that stays with it, where some do.
  const named = newest && { versionId: newest.id, versionNumber: newest.number }
  const trashed: Asset = { ...was, ...named, seq, trashed: true, updatedAt }
  await tx.put.asset(trashed)
  await tx.put.asset(asset)
  const query = { assetId: was.id, deleted: 'with', oldestFirst: true } as const
  const page = await tx.versions.list({ ...query, limit: PART + 1 })
  for (const { object: _, ...marker } of page.slice(0, PART)) {
    const { versioning } = bucket.settings
    const isKept = versioning === 'enabled' || (versioning === 'suspended' && !marker.isNull)
    // It holds what was said of the asset when it was deleted.
    const stripped = { ...marker, seq, assetId: asset.id, metadata: {} }
    if (isKept) await tx.put.version(stripped)
    else await tx.remove.version(marker.id)
  }
  const about = { key: was.key, name: was.name }
  if (page.length > PART) {
    await tx.note(changeOf('asset.deleted', trashed, { ...about, trashed: true }))
    return
  }
  const links = await removeLinks(tx, was.id)
  await tx.remove.asset(was.id)
  const detail = { ...about, was: shownOf(was), versions: page.length, links }
  await tx.note(changeOf('asset.removed', was, detail))
}
