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

/** Whether other content than what it shows last is kept of it, deleted or not. */
export async function hasOldVersions(view: View, { id }: Pick<Asset, 'id'>): Promise<boolean> {
  const those = { assetId: id, kinds: ['content'], deleted: 'with', limit: 2 } as const
  return (await view.versions.list(those)).length > 1
}

/** Whether a put would keep versions that are there; one without versioning takes what was. */
export async function keepsVersions(
  view: View,
  { settings }: Pick<Bucket, 'settings'>,
  asset: Pick<Asset, 'id'>,
): Promise<boolean> {
  return settings.versioning !== 'disabled' || (await hasOldVersions(view, asset))
}
