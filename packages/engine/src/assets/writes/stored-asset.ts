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
