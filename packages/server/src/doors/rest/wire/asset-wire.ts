import type { AssetResponse } from '@holdfast/contract/schemas/asset.ts'
import type { Acl, Asset } from '@holdfast/core/records.ts'
import { recordTag } from '@holdfast/engine/assets/preconditions.ts'
import type { Engine } from '@holdfast/engine/engine.ts'
import { etagOf } from '../../../http/content/conditions.ts'
import { bucketNameOf } from './bucket-names.ts'

export async function assetWire(engine: Engine, asset: Asset): Promise<AssetResponse> {
  const bucket = await bucketNameOf(engine, asset.bucketId)
  return {
    id: asset.id,
    name: asset.name,
    bucket,
    key: asset.key,
    service: asset.service,
    owner_id: asset.ownerId,
    asset_type: asset.type,
    s3_key: asset.key,
    s3_url: `s3://${bucket}/${asset.key.split('/').map(encodeURIComponent).join('/')}`,
    size: asset.size,
    content_type: asset.contentType,
    checksum: asset.sha256,
    etag: etagOf(asset.sha256),
    record_etag: etagOf(recordTag(asset)),
    current_version: asset.versionNumber,
    version_id: asset.versionId,
    tags: [...asset.tags],
    metadata: asset.metadata,
    acl: asset.acl === null ? null : aclWire(asset.acl),
    created_at: asset.createdAt,
    created_by: asset.createdBy,
    updated_at: asset.updatedAt,
    content_updated_at: asset.contentAt,
    is_deleted: asset.deletedAt !== null,
    deleted_at: asset.deletedAt,
  }
}

export async function assetsWire(
  engine: Engine,
  assets: readonly Asset[],
): Promise<AssetResponse[]> {
  return await Promise.all(assets.map(asset => assetWire(engine, asset)))
}

/** Path of an asset, for Location. */
export function assetPath(id: string): string {
  return `/api/v2/assets/${id}`
}

function aclWire(acl: Acl): { read: string[]; write: string[] } {
  return { read: [...acl.read], write: [...acl.write] }
}
