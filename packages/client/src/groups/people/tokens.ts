import type { BodyOf } from '@holdfast/contract/route.ts'
import type { Routes } from '@holdfast/contract/routes.ts'
import type { CallOptions } from '../../options.ts'
import { callJson } from '../../wire/operations.ts'
import type { Transport } from '../../wire/transport.ts'

/** About tokens, and the ways to get one. */
export function tokenCalls(transport: Transport) {
  return {
    /** Which ways to log in there are; needs no key. */
    async ways(options: CallOptions = {}) {
      return await callJson(transport, 'getLoginWays', {
        method: 'GET',
        path: '/api/v2/auth/status',
        options,
      })
    },

    /** Whether a token is good now: one's own, and for administrators of users any. */
    async validate(token: string, options: CallOptions = {}) {
      return await callJson(transport, 'validateToken', {
        method: 'POST',
        path: '/api/v2/auth/validate',
        json: { token },
        options,
      })
    },

    /** The public keys of access tokens. */
    async jwks(options: CallOptions = {}) {
      return await callJson(transport, 'getJwks', {
        method: 'GET',
        path: '/api/v2/auth/jwks.json',
        options,
      })
    },

    async signingKeys(options: CallOptions = {}) {
      return await callJson(transport, 'listSigningKeys', {
        method: 'GET',
        path: '/api/v2/auth/signing-keys',
        options,
      })
    },

    /** With `distrust_former`, no token of before is good any more: one's own neither. */
    async rotateSigningKey(
      rotation: NonNullable<BodyOf<Routes['rotateSigningKey']>> = {},
      options: CallOptions = {},
    ) {
      return await callJson(transport, 'rotateSigningKey', {
        method: 'POST',
        path: '/api/v2/auth/signing-keys/rotate',
        json: rotation,
        options,
      })
    },
  }
}
