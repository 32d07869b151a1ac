import type { CatalogView } from '@holdfast/core/ports/catalog.ts'
import type { Asset, Bucket } from '@holdfast/core/records.ts'

type View = Pick<CatalogView, 'versions'>

/**
 * The asset, unless it is nothing but markers, as a delete of a free key by S3 leaves it: whose that
 * is, and whom its list names, says nothing of what is put there. Deleted versions are content, too.
 */
export async function holderOf(view: View, asset: Asset | undefined): Promise<Asset | undefined> {
  if (asset === undefined || asset.sha256 !== '') return asset
  const those = { assetId: asset.id, kinds: ['content'], deleted: 'with', limit: 1 } as const
  return (await view.versions.list(those)).length === 0 ? undefined : asset
}

/**
 * Whether there are versions of it that a put would keep: with `assets:write` alone they do not go.
 * In a bucket without versioning a put takes what was there, too.
 */
export async function keepsVersions(
  view: View,
  { settings }: Pick<Bucket, 'settings'>,
  { id: assetId }: Pick<Asset, 'id'>,
): Promise<boolean> {
  if (settings.versioning !== 'disabled') return true
  return (await view.versions.list({ assetId, deleted: 'with', limit: 2 })).length > 1
}
