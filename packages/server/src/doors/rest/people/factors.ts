import { openChallenge } from '@holdfast/engine/identity/factors/challenge.ts'
import {
  beginFactor,
  confirmFactor,
  disableFactor,
  removeFactor,
  renewRecoveryCodes,
  type WithCode,
} from '@holdfast/engine/identity/factors/second-factor.ts'
import { loginWithCode } from '@holdfast/engine/identity/sessions/login-with-code.ts'
import type { Operations, Scope } from '../../../http/exchange.ts'
import { tokenWire, userWire } from '../wire/identity-wire.ts'
import { loggedIn } from './logged-in.ts'
import { nameTold } from './name-told.ts'
import { originOf } from './origin.ts'

type Names =
  | 'loginWithCode'
  | 'beginSecondFactor'
  | 'confirmSecondFactor'
  | 'disableSecondFactor'
  | 'renewRecoveryCodes'
  | 'removeUserSecondFactor'

export const factorOperations: Pick<Operations, Names> = {
  loginWithCode: async exchange => {
    const { context, body, request } = exchange
    const { userId } = openChallenge(context.engine, body.challenge)
    request.state.told = { user_id: userId }
    const { user, tokens, by } = await loginWithCode(context.engine, body, originOf(exchange))
    request.state.told = { username: user.username, user_id: userId, second_factor: by }
    request.state.principal = await loggedIn(context, { user, tokens })
    return tokenWire(tokens)
  },

  beginSecondFactor: async exchange => {
    const { context, call, body } = exchange
    const { username: name, password } = body
    exchange.request.state.told = await nameTold(context, name)
    const { secret, uri } = await beginFactor(context.engine, call, { name, password })
    return { secret, otpauth_uri: uri }
  },

  confirmSecondFactor: async exchange => {
    const { context, call } = exchange
    const codes = await confirmFactor(context.engine, call, await proofIn(exchange))
    tellFactor(exchange, { before: false, after: true })
    return { recovery_codes: [...codes] }
  },

  disableSecondFactor: async exchange => {
    await disableFactor(exchange.context.engine, exchange.call, await proofIn(exchange))
    tellFactor(exchange, { before: true, after: false })
    return undefined
  },

  renewRecoveryCodes: async exchange => {
    const { context, call } = exchange
    const codes = await renewRecoveryCodes(context.engine, call, await proofIn(exchange))
    return { recovery_codes: [...codes] }
  },

  removeUserSecondFactor: async exchange => {
    const { context, call, params } = exchange
    const user = await removeFactor(context.engine, call, params.id)
    tellFactor(exchange, { before: true, after: false })
    return userWire(user, context.clock.now())
  },
}

function tellFactor(
  { request: { state } }: Pick<Scope, 'request'>,
  { before, after }: { readonly before: boolean; readonly after: boolean },
): void {
  const change = { before: { second_factor: before }, after: { second_factor: after } }
  state.told = { ...state.told, ...change }
}

/** Secrets are never told to the audit log: only whose they are. */
async function proofIn(
  exchange: Pick<Scope, 'request' | 'context'> & {
    readonly body: { readonly username: string; readonly password: string; readonly code: string }
  },
): Promise<WithCode> {
  const { username: name, password, code } = exchange.body
  exchange.request.state.told = await nameTold(exchange.context, name)
  return { name, password, code }
}
