import type { BodyOf } from '@holdfast/contract/route.ts'
import type { Routes } from '@holdfast/contract/routes.ts'
import type { CallOptions } from '../../options.ts'
import { callJson } from '../../wire/operations.ts'
import type { Transport } from '../../wire/transport.ts'

/** Own passwords: no session is needed, but the old one or a mail. */
export function passwordCalls(transport: Transport) {
  return {
    async changePassword(
      change: BodyOf<Routes['changePassword']>,
      options: CallOptions = {},
    ): Promise<void> {
      await callJson(transport, 'changePassword', {
        method: 'POST',
        path: '/api/v2/auth/password',
        json: change,
        options,
      })
    },

    /** Resolves the same whether there is such an account or not. */
    async forgotPassword(username: string, options: CallOptions = {}): Promise<void> {
      await callJson(transport, 'forgotPassword', {
        method: 'POST',
        path: '/api/v2/auth/password/forgot',
        json: { username },
        options,
      })
    },

    /** With the token of the mail. Logs nobody in. */
    async resetPassword(
      reset: BodyOf<Routes['resetPassword']>,
      options: CallOptions = {},
    ): Promise<void> {
      await callJson(transport, 'resetPassword', {
        method: 'POST',
        path: '/api/v2/auth/password/reset',
        json: reset,
        options,
      })
    },
  }
}
