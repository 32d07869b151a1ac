import type { BodyOf, QueryOf } from '@holdfast/contract/route.ts'
import type { Routes } from '@holdfast/contract/routes.ts'
import type { CallOptions } from '../../options.ts'
import { callJson } from '../../wire/operations.ts'
import type { Transport } from '../../wire/transport.ts'

export function s3KeyCalls(transport: Transport) {
  return {
    /** Without the secrets; one's own, or all with the right to administer keys. */
    async list(query: QueryOf<Routes['listS3Keys']> = {}, options: CallOptions = {}) {
      return await callJson(transport, 'listS3Keys', {
        method: 'GET',
        path: '/api/v2/s3/keys',
        query,
        options,
      })
    },

    /** The answer holds the secret, this once. */
    async create(key: BodyOf<Routes['createS3Key']>, options: CallOptions = {}) {
      return await callJson(transport, 'createS3Key', {
        method: 'POST',
        path: '/api/v2/s3/keys',
        json: key,
        options,
      })
    },

    async revoke(id: string, options: CallOptions = {}): Promise<void> {
      await callJson(transport, 'revokeS3Key', {
        method: 'DELETE',
        path: '/api/v2/s3/keys/{id}',
        params: { id },
        options,
      })
    },
  }
}
