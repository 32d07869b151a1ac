import {
  createAccessKey,
  listAccessKeys,
  revokeAccessKey,
} from '@holdfast/engine/access/keys/access-keys.ts'
import type { Operations } from '../../../http/exchange.ts'
import { s3KeyWire } from '../wire/key-wire.ts'

export const s3KeyOperations: Pick<Operations, 'listS3Keys' | 'createS3Key' | 'revokeS3Key'> = {
  listS3Keys: async ({ context, call, query, request }) => {
    const keys = await listAccessKeys(context.engine, call)
    request.state.showsOthers = keys.some(key => key.userId !== call.principal.id)
    const userId = query.user_id?.toLowerCase()
    const items = keys
      .filter(key => userId === undefined || key.userId === userId)
      .map(key => s3KeyWire(context.engine, key))
    return { items, total: items.length }
  },

  createS3Key: async ({ context, call, body, request }) => {
    const { name, user_id: userId, permissions, buckets, expires_at: expiresAt } = body
    const input = { name, userId, permissions, buckets, expiresAt }
    const { key, secret } = await createAccessKey(context.engine, call, input)
    request.state.told = { before: null, after: { ...s3KeyWire(context.engine, key) } }
    return { ...s3KeyWire(context.engine, key), secret }
  },

  revokeS3Key: async ({ context, call, params, request }) => {
    const before = await context.engine.catalog.view.accessKeys.byId(params.id)
    await revokeAccessKey(context.engine, call, params.id)
    request.state.told = {
      before: before === undefined ? null : { ...s3KeyWire(context.engine, before) },
      after: null,
    }
    return undefined
  },
}
