import { HoldfastError } from '@holdfast/core/errors.ts'
import type { CatalogView } from '@holdfast/core/ports/catalog.ts'
import type { Asset, Bucket, Version } from '@holdfast/core/records.ts'

/** The asset inside a transaction, deleted or not. */
export async function storedAsset(tx: CatalogView, id: string): Promise<Asset> {
  const asset = await tx.assets.byId(id)
  if (asset === undefined) throw new HoldfastError('ASSET_NOT_FOUND', { asset_id: id })
  return asset
}

/** The asset inside a transaction; ASSET_DELETED when it must be restored first. */
export async function liveAsset(tx: CatalogView, id: string): Promise<Asset> {
  const asset = await storedAsset(tx, id)
  if (asset.deletedAt !== null) throw new HoldfastError('ASSET_DELETED', { asset_id: id })
  return asset
}

/** The whole of a version that a list told of. */
export async function storedVersion(tx: CatalogView, id: string): Promise<Version> {
  const version = await tx.versions.byId(id)
  if (version === undefined) throw new HoldfastError('VERSION_NOT_FOUND', { version: id })
  return version
}

export async function storedBucket(tx: CatalogView, id: string): Promise<Bucket> {
  const bucket = await tx.buckets.byId(id)
  if (bucket === undefined) throw new HoldfastError('BUCKET_NOT_FOUND')
  return bucket
}

type View = Pick<CatalogView, 'versions'>

/**
 * The asset, unless it is nothing but markers, as a delete of a free key by S3 leaves it: whose
 * that is, and whom its list names, says nothing of what is put there. Deleted versions are
 * content, too.
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
