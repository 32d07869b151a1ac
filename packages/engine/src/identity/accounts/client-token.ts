import { timingSafeEqual } from 'node:crypto'
import { HoldfastError } from '@holdfast/core/errors.ts'
import type { ClientSecret, ServiceAccount } from '@holdfast/core/identities.ts'
import { isScope, permissions } from '@holdfast/core/principal.ts'
import { mayEver } from '../../access/decide.ts'
import { hashOfSecret } from '../../access/key-secret.ts'
import { toScope } from '../../access/narrow.ts'
import type { Engine } from '../../engine.ts'
import { signAccess } from '../sessions/tokens.ts'
import { isGoodAccount } from './account-state.ts'
import { principalOfAccount } from './principal-of-account.ts'

export interface ClientCredentials {
  readonly clientId: string
  readonly secret: string
  /** Permissions separated by spaces; absent: all that the account may. */
  readonly scope?: string | undefined
}

export interface ClientToken {
  readonly account: ServiceAccount
  readonly accessToken: string
  readonly expiresInS: number
  readonly issuedAtS: number
  /** What the token permits. */
  readonly scope: string
}

const SECRET_CHARS_MAX = 256
const SCOPE_CHARS_MAX = 2048

/**
 * A short-lived access token of the same kind as those of users (RFC 6749 §4.4). UNAUTHENTICATED
 * for a wrong id or secret; what is wrong with the account or an old secret is told only to who
 * knows the secret. Nothing is written: a token is bound to its secret, and ends with it.
 */
export async function issueClientToken(
  engine: Engine,
  { clientId, secret, scope }: ClientCredentials,
): Promise<ClientToken> {
  const { account, used } = await findClient(engine, { clientId, secret })
  const nowMs = engine.clock.now()
  if (!isGoodAccount(account, nowMs)) throw new HoldfastError('ACCOUNT_DISABLED')
  if (Date.parse(used.expiresAt) <= nowMs) throw new HoldfastError('SECRET_EXPIRED')
  const { principal } = await principalOfAccount(engine, account)
  const scopes = scope === undefined ? undefined : requireScopes(scope)
  const narrowed = scopes === undefined ? principal : toScope(principal, scopes)
  const expiresMs = Math.min(Date.parse(used.expiresAt), endMs(account))
  const signed = await signAccess(engine, {
    subject: account.id,
    sid: used.id,
    expiresMs,
    claims: {
      kind: 'service_account',
      client_id: account.clientId,
      name: account.name,
      roles: [...account.roles],
      ...(scopes === undefined ? {} : { scope: scopes.join(' ') }),
    },
  })
  engine.keyUses.set(account.id, nowMs)
  const granted = permissions.filter(permission => mayEver(narrowed, permission))
  return { account, ...signed, scope: (scopes ?? granted).join(' ') }
}

/** Held against every secret, each in constant time: time tells neither which nor how much fits. */
async function findClient(
  engine: Engine,
  given: { readonly clientId: string; readonly secret: string },
): Promise<{ readonly account: ServiceAccount; readonly used: ClientSecret }> {
  const { identities } = engine.catalog.view
  // Its other name is for people, not for programs.
  const isClientId = given.clientId.startsWith('sa_')
  const account = isClientId
    ? await identities.byName('service_account', given.clientId)
    : undefined
  const isPlain = given.secret.length <= SECRET_CHARS_MAX
  const hash = Buffer.from(hashOfSecret(isPlain ? given.secret : ''))
  let used: ClientSecret | undefined
  for (const secret of account?.secrets ?? []) {
    if (timingSafeEqual(hash, Buffer.from(secret.hash))) used = secret
  }
  if (account === undefined || used === undefined) throw new HoldfastError('UNAUTHENTICATED')
  return { account, used }
}

function requireScopes(scope: string): string[] {
  const scopes = [...new Set(scope.split(' ').filter(one => one !== ''))]
  const isGood = scopes.length > 0 && scope.length <= SCOPE_CHARS_MAX && scopes.every(isScope)
  if (!isGood) throw new HoldfastError('SCOPE_INVALID')
  return scopes
}

function endMs({ expiresAt }: ServiceAccount): number {
  return expiresAt === null ? Number.POSITIVE_INFINITY : Date.parse(expiresAt)
}
