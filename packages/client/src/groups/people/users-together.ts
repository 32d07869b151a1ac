import type { BodyOf } from '@holdfast/contract/route.ts'
import type { Routes } from '@holdfast/contract/routes.ts'
import type { CallOptions } from '../../options.ts'
import { callJson } from '../../wire/operations.ts'
import type { Transport } from '../../wire/transport.ts'

/** About many users at once. */
export function usersTogetherCalls(transport: Transport) {
  return {
    /** How many there are of each kind, and how many are active. */
    async statistics(options: CallOptions = {}) {
      return await callJson(transport, 'getUserStatistics', {
        method: 'GET',
        path: '/api/v2/users/statistics',
        options,
      })
    },

    /** Does the same to at most 100, each for itself; the result tells which were refused. */
    async actOn(action: UserAction, ids: readonly string[], options: CallOptions = {}) {
      return await callJson(transport, 'actOnUsers', {
        method: 'POST',
        path: '/api/v2/users/batch',
        json: { action, ids: [...ids] },
        options,
      })
    },
  }
}

export type UserAction = BodyOf<Routes['actOnUsers']>['action']
