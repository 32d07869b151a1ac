import type { BodyOf } from '@holdfast/contract/route.ts'
import type { Routes } from '@holdfast/contract/routes.ts'
import type { CallOptions } from '../options.ts'
import { callJson } from '../wire/operations.ts'
import type { Transport } from '../wire/transport.ts'

export function keyCalls(transport: Transport) {
  return {
    /** Without the secrets. */
    async list(options: CallOptions = {}) {
      return await callJson(transport, 'listKeys', {
        method: 'GET',
        path: '/api/v2/keys',
        options,
      })
    },

    /** The answer holds the key itself, this once. */
    async create(key: BodyOf<Routes['createKey']>, options: CallOptions = {}) {
      return await callJson(transport, 'createKey', {
        method: 'POST',
        path: '/api/v2/keys',
        json: key,
        options,
      })
    },

    async revoke(id: string, options: CallOptions = {}): Promise<void> {
      await callJson(transport, 'revokeKey', {
        method: 'DELETE',
        path: '/api/v2/keys/{id}',
        params: { id },
        options,
      })
    },
  }
}
