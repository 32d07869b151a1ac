import type { BodyOf } from '@holdfast/contract/route.ts'
import type { Routes } from '@holdfast/contract/routes.ts'
import type { CallOptions } from '../../options.ts'
import { callJson } from '../../wire/operations.ts'
import type { Transport } from '../../wire/transport.ts'

export function authCalls(transport: Transport) {
  return {
    /**
     * The access token goes into `key` of a client. Who has a second factor is answered
     * SECOND_FACTOR_REQUIRED, with a `challenge` in the details for `loginWithCode`.
     */
    async login(credentials: BodyOf<Routes['login']>, options: CallOptions = {}) {
      return await callJson(transport, 'login', {
        method: 'POST',
        path: '/api/v2/auth/login',
        json: credentials,
        options,
      })
    },

    /** The code comes from the authenticator app, or is a recovery code. */
    async loginWithCode(proof: BodyOf<Routes['loginWithCode']>, options: CallOptions = {}) {
      return await callJson(transport, 'loginWithCode', {
        method: 'POST',
        path: '/api/v2/auth/login/code',
        json: proof,
        options,
      })
    },

    /** A refresh token is good once: of an answer that was lost, the session is lost. */
    async refresh(refreshToken: string, options: CallOptions = {}) {
      return await callJson(transport, 'refresh', {
        method: 'POST',
        path: '/api/v2/auth/refresh',
        json: { refresh_token: refreshToken },
        options,
      })
    },

    /** The code of a login at the OpenID provider, and the verifier that began it. */
    async redeemOpenId(proof: BodyOf<Routes['redeemOpenId']>, options: CallOptions = {}) {
      return await callJson(transport, 'redeemOpenId', {
        method: 'POST',
        path: '/api/v2/auth/oidc/token',
        json: proof,
        options,
      })
    },

    async logout(options: CallOptions = {}): Promise<void> {
      await callJson(transport, 'logout', {
        method: 'POST',
        path: '/api/v2/auth/logout',
        options,
      })
    },

    async whoAmI(options: CallOptions = {}) {
      return await callJson(transport, 'whoAmI', {
        method: 'GET',
        path: '/api/v2/auth/me',
        options,
      })
    },
  }
}
