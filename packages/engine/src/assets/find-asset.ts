import type { Call } from '@holdfast/core/call.ts'
import { HoldfastError } from '@holdfast/core/errors.ts'
import type { Permission } from '@holdfast/core/principal.ts'
import type { Asset, Bucket } from '@holdfast/core/records.ts'
import { authorize, needsBucket, refuseMissing } from '../access/decide.ts'
import type { Engine } from '../engine.ts'

export interface WantedAsset {
  readonly id: string
  readonly permission: Permission
  /**
   * `hide`: a deleted asset is ASSET_NOT_FOUND. `refuse`: it is ASSET_DELETED. `show`: it is found.
   */
  readonly deleted: 'hide' | 'refuse' | 'show'
}

/** The asset, when the caller has the permission on it. */
export async function findAsset(engine: Engine, call: Call, wanted: WantedAsset): Promise<Asset> {
  const asset = await engine.catalog.view.assets.byId(wanted.id.toLowerCase())
  if (asset === undefined) return missingAsset(call, wanted)
  await authorizeAsset(engine, call, { asset, permission: wanted.permission })
  if (asset.deletedAt !== null && wanted.deleted !== 'show') {
    if (wanted.deleted === 'refuse')
      throw new HoldfastError('ASSET_DELETED', { asset_id: asset.id })
    return missingAsset(call, wanted)
  }
  return asset
}

/** Authorises for an asset at hand, asking for its bucket only where the answer depends on it. */
export async function authorizeAsset(
  engine: Engine,
  call: Call,
  { asset, permission }: { readonly asset: Asset; readonly permission: Permission },
): Promise<void> {
  const bucket = needsBucket(call.principal, permission)
    ? await engine.catalog.view.buckets.byId(asset.bucketId)
    : undefined
  authorize(call.principal, permission, { bucket, asset })
}

export async function bucketOf(engine: Engine, asset: Asset): Promise<Bucket> {
  const bucket = await engine.catalog.view.buckets.byId(asset.bucketId)
  if (bucket === undefined) throw new HoldfastError('BUCKET_NOT_FOUND')
  return bucket
}

function missingAsset(call: Call, { id, permission }: WantedAsset): never {
  return refuseMissing(call.principal, permission, ['ASSET_NOT_FOUND', { asset_id: id }])
}
