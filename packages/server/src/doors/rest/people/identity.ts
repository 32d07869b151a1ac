import { confirmsWith } from '@holdfast/engine/identity/sessions/confirm.ts'
import { login, logout, refresh } from '@holdfast/engine/identity/sessions/login.ts'
import {
  listSigningKeys,
  publicKeys,
  rotateSigningKey,
} from '@holdfast/engine/identity/sessions/signing-keys.ts'
import { checkToken, isNext } from '@holdfast/engine/identity/sessions/tokens.ts'
import {
  changePassword,
  createUser,
  getUser,
  listUsers,
  removeUser,
  resetPassword,
  unlockUser,
  updateUser,
} from '@holdfast/engine/identity/users/users.ts'
import type { Operations, Scope } from '../../../http/exchange.ts'
import { withFields } from '../../../http/limits/with-fields.ts'
import {
  passwordTold,
  principalWire,
  signingKeysWire,
  signingKeyTold,
  tokenWire,
  userPatch,
  userWire,
} from '../wire/identity-wire.ts'
import { loggedIn } from './logged-in.ts'
import { nameTold } from './name-told.ts'
import { originOf } from './origin.ts'

type Names =
  | 'login'
  | 'refresh'
  | 'logout'
  | 'whoAmI'
  | 'changePassword'
  | 'getJwks'
  | 'listSigningKeys'
  | 'rotateSigningKey'
  | 'listUsers'
  | 'createUser'
  | 'getUser'
  | 'updateUser'
  | 'removeUser'
  | 'resetUserPassword'
  | 'unlockUser'

export const identityOperations: Pick<Operations, Names> = {
  login: async exchange => {
    const { context, body } = exchange
    const credentials = { name: body.username, password: body.password }
    const { state } = exchange.request
    state.told = await nameTold(context, body.username)
    const { user, tokens } = await login(context.engine, credentials, originOf(exchange))
    state.principal = await loggedIn(context, { user, tokens })
    return tokenWire(tokens)
  },

  refresh: async exchange => {
    const { context, body, reply, request } = exchange
    const origin = originOf(exchange)
    const checked = await checkToken(context.engine, body.refresh_token, 'refresh')
    // One that was traded ends its session, however often who stole it renews that.
    if (await isNext(context.engine, checked)) {
      await withFields(reply, request.state.admission.refresh(checked.sessionId))
    }
    const { user, tokens } = await refresh(context.engine, body.refresh_token, origin)
    request.state.principal = await loggedIn(context, { user, tokens })
    return tokenWire(tokens)
  },

  logout: async ({ context, call }) => {
    await logout(context.engine, call)
    return undefined
  },

  whoAmI: async ({ context, call }) =>
    principalWire(call.principal, await confirmsWith(context.engine, call)),

  changePassword: async ({ context, call, body, request }) => {
    request.state.told = await nameTold(context, body.username)
    const { username: name, password, new_password: newPassword, code } = body
    await changePassword(context.engine, call, { name, password, newPassword, code })
    return undefined
  },

  getJwks: async ({ context, reply }) => {
    reply.header('cache-control', 'public, max-age=300')
    const keys = await publicKeys(context.engine)
    return { keys: keys.map(({ kty, n, e, kid, use, alg }) => ({ kty, n, e, kid, use, alg })) }
  },

  listSigningKeys: async ({ context, call }) => {
    const keys = await listSigningKeys(context.engine, call)
    return signingKeysWire(keys, times(context))
  },

  rotateSigningKey: async ({ context, call, body, request }) => {
    const nowMs = context.clock.now()
    const before = signingKeyTold(await listSigningKeys(context.engine, call), nowMs)
    const how = { distrustFormer: body?.distrust_former }
    const keys = await rotateSigningKey(context.engine, call, how)
    request.state.told = { before, after: signingKeyTold(keys, nowMs) }
    return signingKeysWire(keys, times(context))
  },

  listUsers: async ({ context, call, query }) => {
    const { limit = 100, offset = 0, ...filter } = query
    const found = await listUsers(context.engine, call, { ...filter, limit, offset })
    const nowMs = context.clock.now()
    const items = found.items.map(user => userWire(user, nowMs))
    return { items, total: found.total, limit, offset }
  },

  createUser: async ({ context, call, body, reply, request }) => {
    const { username, password, must_change_password: mustChangePassword, email } = body
    const { first_name: firstName, last_name: lastName, roles, buckets } = body
    const profile = { email, firstName, lastName, roles, buckets }
    const input = { username, password, mustChangePassword, ...profile }
    const user = await createUser(context.engine, call, input)
    reply.header('location', `/api/v2/users/${user.id}`)
    const wire = userWire(user, context.clock.now())
    request.state.told = { before: null, after: wire }
    return wire
  },

  getUser: async ({ context, call, params }) => {
    return userWire(await getUser(context.engine, call, params.id), context.clock.now())
  },

  updateUser: async ({ context, call, params, body, request }) => {
    const nowMs = context.clock.now()
    const before = userWire(await getUser(context.engine, call, params.id), nowMs)
    const { current_password: password, code } = body
    const change = { id: params.id, patch: userPatch(body), password, code }
    const after = userWire(await updateUser(context.engine, call, change), nowMs)
    request.state.told = { before, after }
    return after
  },

  removeUser: async ({ context, call, params, request }) => {
    const before = userWire(await getUser(context.engine, call, params.id), context.clock.now())
    await removeUser(context.engine, call, params.id)
    request.state.told = { before, after: null }
    return undefined
  },

  resetUserPassword: async ({ context, call, params, body, request }) => {
    const nowMs = context.clock.now()
    const { password, must_change: mustChange = true } = body
    const before = passwordTold(await getUser(context.engine, call, params.id), nowMs)
    const change = { id: params.id, password, mustChange }
    const after = passwordTold(await resetPassword(context.engine, call, change), nowMs)
    request.state.told = { before, after }
    return undefined
  },

  unlockUser: async ({ context, call, params, request }) => {
    const nowMs = context.clock.now()
    const before = userWire(await getUser(context.engine, call, params.id), nowMs)
    const after = userWire(await unlockUser(context.engine, call, params.id), nowMs)
    request.state.told = { before, after }
    return after
  },
}

function times({ engine, clock }: Scope['context']) {
  return { nowMs: clock.now(), rotationSeconds: engine.identity.settings.rotationSeconds }
}
