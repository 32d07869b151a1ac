import type { BodyOf, QueryOf } from '@holdfast/contract/route.ts'
import type { Routes } from '@holdfast/contract/routes.ts'
import type { CallOptions } from '../../options.ts'
import { callJson } from '../../wire/operations.ts'
import type { Transport } from '../../wire/transport.ts'

export function userCalls(transport: Transport) {
  return {
    /** Deleted ones only when their status is asked for. */
    async list(query: QueryOf<Routes['listUsers']> = {}, options: CallOptions = {}) {
      return await callJson(transport, 'listUsers', {
        method: 'GET',
        path: '/api/v2/users',
        query,
        options,
      })
    },

    async create(user: BodyOf<Routes['createUser']>, options: CallOptions = {}) {
      return await callJson(transport, 'createUser', {
        method: 'POST',
        path: '/api/v2/users',
        json: user,
        options,
      })
    },

    async get(id: string, options: CallOptions = {}) {
      return await callJson(transport, 'getUser', {
        method: 'GET',
        path: '/api/v2/users/{id}',
        params: { id },
        options,
      })
    },

    async update(id: string, user: BodyOf<Routes['updateUser']>, options: CallOptions = {}) {
      return await callJson(transport, 'updateUser', {
        method: 'PUT',
        path: '/api/v2/users/{id}',
        params: { id },
        json: user,
        options,
      })
    },

    async remove(id: string, options: CallOptions = {}): Promise<void> {
      await callJson(transport, 'removeUser', {
        method: 'DELETE',
        path: '/api/v2/users/{id}',
        params: { id },
        options,
      })
    },

    /** Unless `must_change` is false, the user has to choose another one at the next login. */
    async resetPassword(
      id: string,
      reset: BodyOf<Routes['resetUserPassword']>,
      options: CallOptions = {},
    ): Promise<void> {
      await callJson(transport, 'resetUserPassword', {
        method: 'PUT',
        path: '/api/v2/users/{id}/password',
        params: { id },
        json: reset,
        options,
      })
    },

    /** For somebody who lost it; ends the sessions of the user. */
    async removeSecondFactor(id: string, options: CallOptions = {}) {
      return await callJson(transport, 'removeUserSecondFactor', {
        method: 'DELETE',
        path: '/api/v2/users/{id}/second-factor',
        params: { id },
        options,
      })
    },

    async unlock(id: string, options: CallOptions = {}) {
      return await callJson(transport, 'unlockUser', {
        method: 'POST',
        path: '/api/v2/users/{id}/unlock',
        params: { id },
        options,
      })
    },
  }
}
