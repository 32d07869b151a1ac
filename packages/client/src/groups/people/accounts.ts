import type { BodyOf, QueryOf } from '@holdfast/contract/route.ts'
import type { Routes } from '@holdfast/contract/routes.ts'
import type { CallOptions } from '../../options.ts'
import { callJson } from '../../wire/operations.ts'
import type { Transport } from '../../wire/transport.ts'

/** Programs that act for themselves. */
export function accountCalls(transport: Transport) {
  const all = '/api/v2/service-accounts'
  const one = '/api/v2/service-accounts/{id}'
  return {
    /** Trades id and secret for an access token, which goes into `key` of a client. */
    async token(
      { clientId, secret, scope }: { clientId: string; secret: string; scope?: string },
      options: CallOptions = {},
    ) {
      const named = { client_id: clientId, client_secret: secret }
      const asked = scope === undefined ? {} : { scope }
      const json = { grant_type: 'client_credentials', ...named, ...asked }
      const call = { method: 'POST', path: '/api/v2/auth/token', json, options } as const
      // Nothing is stored: another token is as good as the first.
      return await callJson(transport, 'issueToken', { ...call, idempotent: true })
    },

    /** Where the server has refresh tokens for programs: good once, and with the secret alone. */
    async refresh(
      given: { clientId: string; secret: string; refreshToken: string },
      options: CallOptions = {},
    ) {
      const named = { client_id: given.clientId, client_secret: given.secret }
      const json = { grant_type: 'refresh_token', refresh_token: given.refreshToken, ...named }
      const call = { method: 'POST', path: '/api/v2/auth/token', json, options } as const
      return await callJson(transport, 'issueToken', call)
    },

    async list(query: QueryOf<Routes['listAccounts']> = {}, options: CallOptions = {}) {
      return await callJson(transport, 'listAccounts', { method: 'GET', path: all, query, options })
    },

    /** The answer holds the secret, this once. */
    async create(account: BodyOf<Routes['createAccount']>, options: CallOptions = {}) {
      const call = { method: 'POST', path: all, json: account, options } as const
      return await callJson(transport, 'createAccount', call)
    },

    async get(id: string, options: CallOptions = {}) {
      const call = { method: 'GET', path: one, params: { id }, options } as const
      return await callJson(transport, 'getAccount', call)
    },

    async update(id: string, account: BodyOf<Routes['updateAccount']>, options: CallOptions = {}) {
      const call = { method: 'PUT', path: one, params: { id }, json: account, options } as const
      return await callJson(transport, 'updateAccount', call)
    },

    async remove(id: string, options: CallOptions = {}): Promise<void> {
      const call = { method: 'DELETE', path: one, params: { id }, options } as const
      await callJson(transport, 'removeAccount', call)
    },

    /** The answer holds the next secret, this once; those before it end after the overlap. */
    async rotateSecret(
      id: string,
      secret: NonNullable<BodyOf<Routes['rotateSecret']>> = {},
      options: CallOptions = {},
    ) {
      const path = `${one}/secrets` as const
      const call = { method: 'POST', path, params: { id }, json: secret, options } as const
      return await callJson(transport, 'rotateSecret', call)
    },

    async removeSecret(id: string, secretId: string, options: CallOptions = {}): Promise<void> {
      const path = `${one}/secrets/{secret_id}` as const
      const params = { id, secret_id: secretId }
      await callJson(transport, 'removeSecret', { method: 'DELETE', path, params, options })
    },
  }
}
