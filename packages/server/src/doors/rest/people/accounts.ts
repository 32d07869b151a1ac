import type {
  AccountResponse,
  AccountUpdate,
  TokenRequest,
} from '@holdfast/contract/schemas/people/account.ts'
import { HoldfastError } from '@holdfast/core/errors.ts'
import type { ServiceAccount } from '@holdfast/core/identities.ts'
import type { JsonObject } from '@holdfast/core/records.ts'
import { isRole } from '@holdfast/core/roles.ts'
import type { AccountPatch } from '@holdfast/engine/identity/accounts/account-transactions.ts'
import {
  createAccount,
  getAccount,
  listAccounts,
  removeAccount,
  removeSecret,
  rotateSecret,
  shownStatus,
  updateAccount,
} from '@holdfast/engine/identity/accounts/accounts.ts'
import {
  type ClientCredentials,
  issueClientToken,
} from '@holdfast/engine/identity/accounts/client-token.ts'
import { principalOfAccount } from '@holdfast/engine/identity/accounts/principal-of-account.ts'
import { basicCredentials } from '../../../http/caller/basic-credentials.ts'
import type { Operations, Scope } from '../../../http/exchange.ts'
import { originOf } from './origin.ts'

type Names =
  | 'issueToken'
  | 'listAccounts'
  | 'createAccount'
  | 'getAccount'
  | 'updateAccount'
  | 'removeAccount'
  | 'rotateSecret'
  | 'removeSecret'

export const accountOperations: Pick<Operations, Names> = {
  issueToken: async exchange => {
    const { context, body, reply, request } = exchange
    const client = credentialsOf(exchange, body)
    request.state.told = await clientTold(context, client.clientId)
    const refreshToken = refreshTokenOf(exchange, body)
    const token = await issueClientToken(context.engine, {
      ...{ ...client, refreshToken },
      scope: body.scope,
      origin: originOf(exchange),
    })
    const { principal } = await principalOfAccount(context.engine, token.account)
    request.state.principal = principal
    // RFC 6749 §5.1; `no-store` is sent with every answer.
    reply.header('pragma', 'no-cache')
    return {
      access_token: token.accessToken,
      token_type: 'Bearer',
      expires_in: token.expiresInS,
      issued_at: new Date(token.issuedAtS * 1000).toISOString(),
      ...(token.refreshToken === undefined ? {} : { refresh_token: token.refreshToken }),
      scope: token.scope,
    }
  },

  listAccounts: async ({ context, call, query }) => {
    const { limit = 100, offset = 0, status } = query
    const { items, total } = await listAccounts(context.engine, call, { status, limit, offset })
    return { items: items.map(one => accountWire(context, one)), total, limit, offset }
  },

  createAccount: async ({ context, call, body, reply, request }) => {
    const { name, environment, description, roles, permissions, buckets } = body
    const { expires_at: expiresAt, secret_days: secretDays, rate_limit: rateLimit } = body
    const profile = { name, environment, description, roles, permissions, buckets }
    const made = await createAccount(context.engine, call, {
      ...profile,
      ...{ expiresAt, secretDays, rateLimit },
    })
    const wire = accountWire(context, made.account)
    request.state.told = { before: null, after: wire }
    reply.header('location', `/api/v2/service-accounts/${wire.id}`)
    return { ...wire, client_secret: made.secret }
  },

  getAccount: async ({ context, call, params }) => {
    return accountWire(context, await getAccount(context.engine, call, params.id))
  },

  updateAccount: async ({ context, call, params, body, request }) => {
    const before = accountWire(context, await getAccount(context.engine, call, params.id))
    const change = { id: params.id, patch: patchOf(body) }
    const after = accountWire(context, await updateAccount(context.engine, call, change))
    request.state.told = { before, after }
    return after
  },

  removeAccount: async ({ context, call, params, request }) => {
    const before = accountWire(context, await getAccount(context.engine, call, params.id))
    await removeAccount(context.engine, call, params.id)
    request.state.told = { before, after: null }
    return undefined
  },

  rotateSecret: async ({ context, call, params, body, request }) => {
    const before = accountWire(context, await getAccount(context.engine, call, params.id))
    const wanted = { id: params.id, secretDays: body?.secret_days, overlapS: body?.overlap }
    const { account, secret } = await rotateSecret(context.engine, call, wanted)
    const wire = accountWire(context, account)
    request.state.told = { before, after: wire }
    return { ...wire, client_secret: secret }
  },

  removeSecret: async ({ context, call, params, request }) => {
    const before = accountWire(context, await getAccount(context.engine, call, params.id))
    const which = { id: params.id, secretId: params.secret_id }
    const after = accountWire(context, await removeSecret(context.engine, call, which))
    request.state.told = { before, after }
    return undefined
  },
}

/** Only an id that an account has: people put the secret in its place. */
async function clientTold({ engine }: Scope['context'], clientId: string): Promise<JsonObject> {
  const account = await engine.catalog.view.identities.byName('service_account', clientId)
  return { client_id: account?.clientId ?? null }
}

/** RFC 6749 §2.3: one way of naming the client, never two. */
function credentialsOf(
  { request }: Scope,
  body: TokenRequest,
): Pick<ClientCredentials, 'clientId' | 'secret' | 'decodedSecret'> {
  const { authorization } = request.headers
  const basic = basicCredentials(authorization)
  const { client_id: id, client_secret: secret } = body
  if (authorization !== undefined) {
    if (basic === undefined) throw new HoldfastError('UNAUTHENTICATED')
    // §2.3.1 encodes both, which many clients do not do: no id has characters that it changes, but
    // a secret of the settings may.
    const clientId = formDecoded(basic.name) ?? basic.name
    const isOther = id !== undefined && id !== clientId
    if (secret !== undefined || isOther) malformed('the client is named in two ways')
    return { clientId, secret: basic.password, decodedSecret: formDecoded(basic.password) }
  }
  if (id === undefined || secret === undefined) malformed('client_id and client_secret are needed')
  return { clientId: id, secret }
}

/** Undefined for what is not encoded so. */
function formDecoded(text: string): string | undefined {
  try {
    return decodeURIComponent(text.replaceAll('+', '%20'))
  } catch {
    return undefined
  }
}

/** What is traded instead of asking anew; undefined for client credentials. */
function refreshTokenOf({ request }: Scope, given: TokenRequest): string | undefined {
  const { grant_type: type, refresh_token: token } = given
  if (type === 'refresh_token') return token ?? malformed('refresh_token is needed')
  if (type === 'client_credentials') return undefined
  if (type !== undefined) throw new HoldfastError('GRANT_TYPE_UNSUPPORTED')
  const isForm = request.headers['content-type']?.includes('form-urlencoded') === true
  if (isForm) malformed('grant_type is needed')
  return undefined
}

function malformed(reason: string): never {
  throw new HoldfastError('MALFORMED_REQUEST', { reason })
}

/** Only what the caller named, field by field: nothing else can be set this way. */
function patchOf(update: AccountUpdate): AccountPatch {
  const { description, roles, permissions, buckets, status, expires_at: expiresAt } = update
  const { rate_limit: rateLimit } = update
  return {
    ...(description === undefined ? {} : { description }),
    ...(roles === undefined ? {} : { roles }),
    ...(permissions === undefined ? {} : { permissions }),
    ...(buckets === undefined ? {} : { buckets }),
    ...(status === undefined ? {} : { status }),
    ...(expiresAt === undefined ? {} : { expiresAt }),
    ...(rateLimit === undefined ? {} : { rateLimit }),
  }
}

function accountWire({ engine, clock }: Scope['context'], one: ServiceAccount): AccountResponse {
  const usedMs = engine.keyUses.get(one.id)
  return {
    id: one.id,
    client_id: one.clientId,
    name: one.name,
    description: one.description,
    environment: one.environment,
    status: shownStatus(one, clock.now()),
    roles: one.roles.filter(isRole),
    permissions: [...one.permissions],
    buckets: one.buckets === null ? null : [...one.buckets],
    expires_at: one.expiresAt,
    rate_limit: one.rateLimit,
    secrets: one.secrets.map(secret => ({
      id: secret.id,
      prefix: secret.prefix,
      created_at: secret.createdAt,
      created_by: secret.createdBy,
      expires_at: secret.expiresAt,
    })),
    is_system: one.isSystem,
    last_token_at: usedMs === undefined ? null : new Date(usedMs).toISOString(),
    created_at: one.createdAt,
    created_by: one.createdBy,
    updated_at: one.updatedAt,
  }
}
