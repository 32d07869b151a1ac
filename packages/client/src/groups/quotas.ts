import type { BodyOf } from '@holdfast/contract/route.ts'
import type { Routes } from '@holdfast/contract/routes.ts'
import type { QuotaResponse } from '@holdfast/contract/schemas/admin.ts'
import type { CallOptions } from '../options.ts'
import { callJson } from '../wire/operations.ts'
import type { Transport } from '../wire/transport.ts'

/** A bucket by name, an owner by id, or a service by name. */
export interface QuotaRef {
  readonly scope: QuotaResponse['scope']
  readonly name: string
}

export function quotaCalls(transport: Transport) {
  return {
    async list(options: CallOptions = {}) {
      return await callJson(transport, 'listQuotas', {
        method: 'GET',
        path: '/api/v2/quotas',
        options,
      })
    },

    /** The ceiling and what is used of it. */
    async get({ scope, name }: QuotaRef, options: CallOptions = {}) {
      return await callJson(transport, 'getQuota', {
        method: 'GET',
        path: '/api/v2/quotas/{scope}/{name}',
        params: { scope, name },
        options,
      })
    },

    async set(
      { scope, name }: QuotaRef,
      quota: BodyOf<Routes['setQuota']>,
      options: CallOptions = {},
    ) {
      return await callJson(transport, 'setQuota', {
        method: 'PUT',
        path: '/api/v2/quotas/{scope}/{name}',
        params: { scope, name },
        json: quota,
        options,
      })
    },

    async remove({ scope, name }: QuotaRef, options: CallOptions = {}): Promise<void> {
      await callJson(transport, 'removeQuota', {
        method: 'DELETE',
        path: '/api/v2/quotas/{scope}/{name}',
        params: { scope, name },
        options,
      })
    },
  }
}
