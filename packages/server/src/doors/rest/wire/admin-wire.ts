import type { QuotaResponse } from '@holdfast/contract/schemas/admin.ts'
import type { BucketResponse, BucketUpdate } from '@holdfast/contract/schemas/bucket.ts'
import type { LinkResponse } from '@holdfast/contract/schemas/link.ts'
import type { Link } from '@holdfast/core/records.ts'
import type { BucketPatch } from '@holdfast/engine/buckets/bucket-fields.ts'
import type { BucketUse } from '@holdfast/engine/buckets/buckets.ts'
import type { QuotaUse } from '@holdfast/engine/quotas/quotas.ts'

export function bucketWire({ bucket, usage }: BucketUse): BucketResponse {
  const { settings } = bucket
  return {
    id: bucket.id,
    name: bucket.name,
    versioning: settings.versioning,
    public_read: settings.publicRead,
    content_types: [...settings.contentTypes],
    asset_bytes_max: settings.assetBytesMax,
    versions_max: settings.versionsMax,
    version_retention_days: settings.versionRetentionDays,
    cors_origins: [...settings.corsOrigins],
    owner_id: bucket.ownerId,
    usage: usage && { assets: usage.assets, bytes: usage.bytes },
    created_at: bucket.createdAt,
    created_by: bucket.createdBy,
    updated_at: bucket.updatedAt,
  }
}

/** Only what the caller named: the rest stays as it is. */
export function bucketPatch(update: BucketUpdate): BucketPatch {
  const patch = {
    versioning: update.versioning,
    publicRead: update.public_read,
    contentTypes: update.content_types,
    assetBytesMax: update.asset_bytes_max,
    versionsMax: update.versions_max,
    versionRetentionDays: update.version_retention_days,
    corsOrigins: update.cors_origins,
  }
  return patch
}

export function quotaWire({ quota, usage }: QuotaUse): QuotaResponse {
  return {
    scope: quota.scope,
    name: quota.name,
    bytes_max: quota.bytesMax,
    assets_max: quota.assetsMax,
    usage: { assets: usage.assets, bytes: usage.bytes },
    updated_at: quota.updatedAt,
    updated_by: quota.updatedBy,
  }
}

export function unlimitedWire(
  { scope, name }: Pick<QuotaResponse, 'scope' | 'name'>,
  usage: QuotaResponse['usage'],
): QuotaResponse {
  return {
    scope,
    name,
    bytes_max: null,
    assets_max: null,
    usage: { assets: usage.assets, bytes: usage.bytes },
    updated_at: null,
    updated_by: null,
  }
}

export function linkWire(link: Link): LinkResponse {
  return {
    id: link.id,
    type: link.type,
    from_id: link.fromId,
    to_id: link.toId,
    created_at: link.createdAt,
    created_by: link.createdBy,
  }
}
