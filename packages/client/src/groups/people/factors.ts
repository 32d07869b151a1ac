import type { BodyOf } from '@holdfast/contract/route.ts'
import type { Routes } from '@holdfast/contract/routes.ts'
import type { CallOptions } from '../../options.ts'
import { callJson } from '../../wire/operations.ts'
import type { Transport } from '../../wire/transport.ts'

type Proof = BodyOf<Routes['confirmSecondFactor']>

/** The second factor of whoever knows the password; no session is needed. */
export function secondFactorCalls(transport: Transport) {
  return {
    /** A secret for an authenticator app, shown once; it counts when `confirm` saw a code of it. */
    async begin(credentials: BodyOf<Routes['beginSecondFactor']>, options: CallOptions = {}) {
      return await callJson(transport, 'beginSecondFactor', {
        method: 'POST',
        path: '/api/v2/auth/second-factor',
        json: credentials,
        options,
      })
    },

    /** Ends all sessions, and shows the recovery codes once. */
    async confirm(proof: Proof, options: CallOptions = {}) {
      return await callJson(transport, 'confirmSecondFactor', {
        method: 'POST',
        path: '/api/v2/auth/second-factor/confirm',
        json: proof,
        options,
      })
    },

    async disable(proof: Proof, options: CallOptions = {}): Promise<void> {
      await callJson(transport, 'disableSecondFactor', {
        method: 'POST',
        path: '/api/v2/auth/second-factor/disable',
        json: proof,
        options,
      })
    },

    /** The recovery codes before are good no longer. */
    async renewRecoveryCodes(proof: Proof, options: CallOptions = {}) {
      return await callJson(transport, 'renewRecoveryCodes', {
        method: 'POST',
        path: '/api/v2/auth/second-factor/recovery-codes',
        json: proof,
        options,
      })
    },
  }
}
