import type { CatalogTransaction, Moment } from '@holdfast/core/ports/catalog.ts'
import type { Asset, Bucket, Version } from '@holdfast/core/records.ts'
import { newVersion } from './asset-writes.ts'
import { changeOf, shownOf } from './change-detail.ts'
import { shownAfterRemoval } from './shown-version.ts'

/**
 * A marker hides the asset, which keeps its key. Where versioning is suspended the marker takes the
 * place of the null version, as S3 has it.
 */
export async function hideAsset(
  tx: CatalogTransaction,
  moment: Moment,
  { bucket, asset, createdBy }: { bucket: Bucket; asset: Asset; createdBy: string },
): Promise<{ readonly asset: Asset; readonly marker: Version }> {
  const seq = await tx.nextSeq()
  const number = asset.lastNumber + 1
  const place = { moment, seq, number, bucket }
  const marker = newVersion(asset, markerContent(createdBy), place)
  const replaced =
    bucket.settings.versioning === 'suspended' ? await tx.objects.nullVersion(asset.id) : undefined
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

export function markerContent(createdBy: string) {
  return {
    sha256: '',
    md5: null,
    size: 0,
    contentType: '',
    change: 'delete' as const,
    description: '',
    createdBy,
  }
}
