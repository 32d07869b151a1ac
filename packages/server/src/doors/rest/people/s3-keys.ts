import type { S3KeyResponse } from '@holdfast/contract/schemas/s3-key.ts'
import type { AccessKey } from '@holdfast/core/objects.ts'
import {
  createAccessKey,
  listAccessKeys,
  revokeAccessKey,
} from '@holdfast/engine/access/access-keys.ts'
import type { Operations } from '../../../http/exchange.ts'

export const s3KeyOperations: Pick<Operations, 'listS3Keys' | 'createS3Key' | 'revokeS3Key'> = {
  listS3Keys: async ({ context, call, query }) => {
    const keys = await listAccessKeys(context.engine, call)
    const userId = query.user_id?.toLowerCase()
    const items = keys.filter(key => userId === undefined || key.userId === userId).map(s3KeyWire)
    return { items, total: items.length }
  },

  createS3Key: async ({ context, call, body, request, reply }) => {
    const { name, user_id: userId, permissions, buckets, expires_at: expiresAt } = body
    const input = { name, userId, permissions, buckets, expiresAt }
    const { key, secret } = await createAccessKey(context.engine, call, input)
    request.state.told = { before: null, after: { ...s3KeyWire(key) } }
    // Caches and logs of proxies are no place for a secret.
    reply.header('cache-control', 'no-store')
    return { ...s3KeyWire(key), secret }
  },

  revokeS3Key: async ({ context, call, params }) => {
    await revokeAccessKey(context.engine, call, params.id)
    return undefined
  },
}

function s3KeyWire(key: AccessKey): S3KeyResponse {
  return {
    id: key.id,
    name: key.name,
    principal_id: key.principalId,
    user_id: key.userId,
    permissions: [...key.permissions],
    buckets: key.buckets === null ? null : [...key.buckets],
    created_at: key.createdAt,
    created_by: key.createdBy,
    expires_at: key.expiresAt,
    revoked_at: key.revokedAt,
  }
}
