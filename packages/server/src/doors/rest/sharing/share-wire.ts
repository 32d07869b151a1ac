import type { ShareResponse } from '@holdfast/contract/schemas/share.ts'
import type { ShownShare } from '@holdfast/engine/sharing/shares.ts'

/** Neither the token nor the password, nor the hash of either. */
export function shareWire({ share, state }: ShownShare): ShareResponse {
  const { target } = share
  const isAsset = target.kind === 'asset'
  return {
    id: share.id,
    state,
    asset_id: isAsset ? target.assetId : null,
    version: isAsset ? target.version : null,
    bucket: isAsset ? null : target.bucket,
    prefix: isAsset ? null : target.prefix,
    note: share.note,
    has_password: share.passwordHash !== null,
    expires_at: share.expiresAt,
    uses_max: share.usesMax,
    uses: share.uses,
    last_used_at: share.lastUsedAt,
    maker_id: share.belongsTo ?? '',
    maker_name: share.makerName,
    created_at: share.createdAt,
    revoked_at: share.revokedAt,
    revoked_by: share.revokedBy,
  }
}

/**
 * Where a file below the link is. Dot segments would be taken out of a path by every browser
 * (WHATWG URL §4.4): keys that have some travel as one segment, and what is nothing else, or the
 * prefix itself, in the query.
 */
export function filePath(token: string, key: string): string {
  const segments = key.split('/')
  const hasDots = segments.some(segment => segment === '.' || segment === '..')
  if (segments.length === 1 && (hasDots || key === '')) return `/s/${token}?key=${key}`
  const path = hasDots ? encodeURIComponent(key) : segments.map(encodeURIComponent).join('/')
  return `/s/${token}/${path}`
}
