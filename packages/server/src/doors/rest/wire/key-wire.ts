import type { KeyResponse } from '@holdfast/contract/schemas/admin.ts'
import type { S3KeyResponse } from '@holdfast/contract/schemas/s3-key.ts'
import type { AccessKey } from '@holdfast/core/objects.ts'
import type { ApiKey } from '@holdfast/core/records.ts'

export function keyWire(key: ApiKey): KeyResponse {
  return { id: key.id, name: key.name, prefix: key.prefix, ...limitsWire(key) }
}

export function s3KeyWire(key: AccessKey): S3KeyResponse {
  const { id, name, principalId, userId } = key
  return { id, name, principal_id: principalId, user_id: userId, ...limitsWire(key) }
}

function limitsWire(key: ApiKey | AccessKey) {
  return {
    permissions: [...key.permissions],
    buckets: key.buckets === null ? null : [...key.buckets],
    maker_id: key.makerId,
    created_at: key.createdAt,
    created_by: key.createdBy,
    expires_at: key.expiresAt,
    revoked_at: key.revokedAt,
  }
}
