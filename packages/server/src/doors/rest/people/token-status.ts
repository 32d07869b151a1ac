import type { TokenStatus } from '@holdfast/contract/schemas/people/token.ts'
import {
  type ActiveToken,
  validateToken,
} from '@holdfast/engine/identity/sessions/validate-token.ts'
import type { Operations } from '../../../http/exchange.ts'
import { OPENID_LOGIN } from './openid.ts'

export const tokenOperations: Pick<Operations, 'getLoginWays' | 'validateToken'> = {
  getLoginWays: async ({ context: { engine, settings } }) => {
    const { directory, openId, mails } = engine.identity
    return {
      password: true,
      directory: directory !== undefined,
      openid: openId === undefined ? null : { label: settings.oidcLabel, path: OPENID_LOGIN },
      password_reset: mails !== undefined,
      second_factor_for: engine.identity.settings.secondFactorFor,
    }
  },

  validateToken: async ({ context, call, body, reply, request }) => {
    reply.header('cache-control', 'no-store')
    const found = await validateToken(context.engine, call, body.token)
    if (found === undefined) return { active: false }
    request.state.showsOthers = found.subject !== call.principal.id
    request.state.told = { principal_id: found.subject, token_use: found.use }
    return tokenStatusWire(found)
  },
}

function tokenStatusWire(found: ActiveToken): TokenStatus {
  return {
    active: true,
    token_use: found.use,
    kind: found.kind,
    iss: found.issuer,
    sub: found.subject,
    username: found.name,
    exp: Math.floor(found.expiresMs / 1000),
    ...(found.sessionId === undefined ? {} : { sid: found.sessionId }),
    ...(found.scope === undefined ? {} : { scope: found.scope }),
  }
}
