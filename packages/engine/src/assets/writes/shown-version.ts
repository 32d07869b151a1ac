import { assetTypeOf } from '@holdfast/core/names.ts'
import type { CatalogTransaction, CatalogView } from '@holdfast/core/ports/catalog.ts'
import type { Asset, BriefVersion } from '@holdfast/core/records.ts'
import { assetTagsOf } from '../../objects/asset-words.ts'

/** What an asset says of its content where it has none. */
export const NOTHING = { size: 0, sha256: '', contentType: 'application/octet-stream' }

/** The newest version, markers included; undefined when none is left. */
export async function newestVersion(
  tx: CatalogView,
  assetId: string,
): Promise<BriefVersion | undefined> {
  return (await tx.versions.list({ assetId, deleted: 'without', limit: 1 }))[0]
}

/**
 * The asset after versions went: it shows its newest content, and is deleted while its newest
 * version is a marker. With no content left it points to that marker.
 */
export async function shownAfterRemoval(
  tx: CatalogTransaction,
  asset: Asset,
  newest: BriefVersion,
): Promise<Asset> {
  const deletedAt = newest.kind === 'marker' ? newest.createdAt : null
  const content = newest.kind === 'content' ? newest : await newestContent(tx, asset.id)
  if (content?.id === asset.versionId) return { ...asset, deletedAt }
  const shown = content ?? { ...newest, ...NOTHING }
  const object = content?.object
  const isElsewhere = object?.elsewhere === true && object.tags === undefined
  return {
    ...asset,
    deletedAt,
    type: assetTypeOf(shown.contentType),
    metadata: shown.metadata,
    tags: object === undefined || isElsewhere ? asset.tags : assetTagsOf(object.tags ?? []),
    versionId: shown.id,
    versionNumber: shown.number,
    size: shown.size,
    sha256: shown.sha256,
    contentType: shown.contentType,
    contentAt: shown.createdAt,
  }
}

async function newestContent(
  tx: CatalogTransaction,
  assetId: string,
): Promise<BriefVersion | undefined> {
  const query = { assetId, kinds: ['content'] as const, deleted: 'without' as const, limit: 1 }
  return (await tx.versions.list(query))[0]
}
