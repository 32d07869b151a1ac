import type { BodyOf } from '@holdfast/contract/route.ts'
import type { Routes } from '@holdfast/contract/routes.ts'
import type { CallOptions } from '../../options.ts'
import { callJson, confirmSession } from '../../wire/operations.ts'
import type { Transport } from '../../wire/transport.ts'

export interface SessionsOptions extends CallOptions {
  /** Of this user instead of the caller; needs `admin:users`. */
  readonly userId?: string
}

/** Where somebody is logged in. */
export function sessionCalls(transport: Transport) {
  const own = '/api/v2/auth/sessions'
  const ofUser = '/api/v2/users/{id}/sessions'
  return {
    /**
     * Proves again who the session belongs to, for calls that are refused with
     * CONFIRMATION_REQUIRED. `onConfirm` of the client asks for it where it is due.
     */
    async confirm(proof: BodyOf<Routes['confirmSession']>, options: CallOptions = {}) {
      return await confirmSession(transport, proof, options)
    },

    async list({ userId: id, ...options }: SessionsOptions = {}) {
      if (id === undefined) {
        return await callJson(transport, 'listSessions', { method: 'GET', path: own, options })
      }
      const call = { method: 'GET', path: ofUser, params: { id }, options } as const
      return await callJson(transport, 'listUserSessions', call)
    },

    async end(sessionId: string, { userId: id, ...options }: SessionsOptions = {}): Promise<void> {
      const params = { session_id: sessionId }
      if (id === undefined) {
        const path = `${own}/{session_id}` as const
        const call = { method: 'DELETE', path, params, options } as const
        await callJson(transport, 'endSession', call)
        return
      }
      const path = `${ofUser}/{session_id}` as const
      const call = { method: 'DELETE', path, params: { ...params, id }, options } as const
      await callJson(transport, 'endUserSession', call)
    },

    /** All of them; of the own ones, with `keepCurrent`, all but the one of this client. */
    async endAll({
      userId: id,
      keepCurrent,
      ...options
    }: SessionsOptions & { readonly keepCurrent?: boolean } = {}) {
      if (id === undefined) {
        const query = keepCurrent === undefined ? {} : { keep_current: keepCurrent }
        const call = { method: 'DELETE', path: own, query, options } as const
        return await callJson(transport, 'endSessions', call)
      }
      const call = { method: 'DELETE', path: ofUser, params: { id }, options } as const
      return await callJson(transport, 'endUserSessions', call)
    },
  }
}
