import type { CatalogTransaction, CatalogView, Moment } from '@holdfast/core/ports/catalog.ts'
import type { Asset, Bucket, Version } from '@holdfast/core/records.ts'
import { newVersion } from './asset-writes.ts'
import { changeOf, shownOf } from './change-detail.ts'
import { newestVersion, shownAfterRemoval } from './shown-version.ts'

export interface Hiding {
  readonly bucket: Bucket
  readonly asset: Asset
  readonly createdBy: string
  /** The marker takes the place of the null version, whose content goes for good. */
  readonly replacesNull: boolean
}

/** A marker hides the asset, which keeps its key. */
export async function hideAsset(
  tx: CatalogTransaction,
  moment: Moment,
  { bucket, asset, createdBy, replacesNull }: Hiding,
): Promise<{ readonly asset: Asset; readonly marker: Version }> {
  const seq = await tx.nextSeq()
  const number = asset.lastNumber + 1
  const place = { moment, seq, number, bucket, isNull: replacesNull }
  const marker = newVersion(asset, markerContent(createdBy, await lastShown(tx, asset)), place)
  const replaced = replacesNull ? await tx.objects.nullVersion(asset.id) : undefined
  await tx.put.version(marker)
  if (replaced !== undefined) await tx.remove.version(replaced.id)
  const shown =
    replaced === undefined
      ? { ...asset, deletedAt: moment.now }
      : await shownAfterRemoval(tx, asset, marker)
  const hidden: Asset = { ...shown, seq, updatedAt: moment.now, lastNumber: number }
  await tx.put.asset(hidden)
  const detail = { key: asset.key, marker: number, was: shownOf(asset) }
  await tx.note({ ...changeOf('asset.deleted', hidden, detail), versionId: marker.id })
  return { asset: hidden, marker }
}

/** Id of the version that was shown last; a marker upon a marker hides what that one hid. */
async function lastShown(view: CatalogView, asset: Asset): Promise<string | undefined> {
  if (asset.deletedAt === null) return asset.versionId
  const newest = await newestVersion(view, asset.id)
  if (newest?.kind !== 'marker') return newest?.id
  // An older marker came to light again: what was shown last is what covered it.
  if (newest.number !== asset.lastNumber) return undefined
  // Markers of former releases do not tell: what is right below is what they hid.
  const isBelow = newest.number === asset.versionNumber + 1
  return newest.object?.hides ?? (isBelow ? asset.versionId : undefined)
}

export function markerContent(createdBy: string, hides?: string) {
  return {
    sha256: '',
    md5: null,
    size: 0,
    contentType: '',
    change: 'delete' as const,
    description: '',
    createdBy,
    object: hides === undefined ? undefined : { hides },
  }
}

/**
 * The content that restoring would show, where it is not what was shown when the asset was deleted:
 * that was removed for good, or a null marker took its place.
 */
export async function olderShown(view: CatalogView, asset: Asset): Promise<Version | undefined> {
  if (asset.deletedAt === null || (await lastShown(view, asset)) === asset.versionId) return
  const version = await view.versions.byId(asset.versionId)
  return version?.kind === 'content' ? version : undefined
}
