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
  }
}
