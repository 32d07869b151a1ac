import type { KeyResponse } from '@holdfast/contract/schemas/admin.ts'
import type { S3KeyResponse } from '@holdfast/contract/schemas/s3-key.ts'
import type { AccessKey } from '@holdfast/core/objects.ts'
import type { ApiKey } from '@holdfast/core/records.ts'
import type { Engine } from '@holdfast/engine/engine.ts'

export function keyWire(engine: Engine, key: ApiKey): KeyResponse {
  return { id: key.id, name: key.name, prefix: key.prefix, ...limitsWire(engine, key) }
}

export function s3KeyWire(engine: Engine, key: AccessKey): S3KeyResponse {
  const { id, name, principalId, userId } = key
  return { id, name, principal_id: principalId, user_id: userId, ...limitsWire(engine, key) }
}

function limitsWire({ keyUses }: Engine, key: ApiKey | AccessKey) {
  const usedMs = keyUses.get(key.id)
  return {
    permissions: [...key.permissions],
    buckets: key.buckets === null ? null : [...key.buckets],
    maker_id: key.makerId,
    created_at: key.createdAt,
    created_by: key.createdBy,
    expires_at: key.expiresAt,
    revoked_at: key.revokedAt,
    last_used_at: usedMs === undefined ? null : new Date(usedMs).toISOString(),
  }
}
