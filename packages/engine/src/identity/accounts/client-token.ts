import { timingSafeEqual } from 'node:crypto'
import { HoldfastError, isHoldfastError } from '@holdfast/core/errors.ts'
import type { ClientSecret, ServiceAccount, Session } from '@holdfast/core/identities.ts'
import { isScope, permissions } from '@holdfast/core/principal.ts'
import { mayEver } from '../../access/decide.ts'
import { hashOfSecret } from '../../access/keys/key-secret.ts'
import { toScope } from '../../access/narrow.ts'
import { commit } from '../../commit.ts'
import { type Engine, systemCall } from '../../engine.ts'
import {
  checkToken,
  generationOf,
  signAccess,
  signRefresh,
  tellReused,
} from '../sessions/tokens.ts'
import { isGoodAccount } from './account-state.ts'
import { principalOfAccount } from './principal-of-account.ts'

export interface ClientCredentials {
  readonly clientId: string
  readonly secret: string
  /** What the secret is where its text was encoded, as in HTTP Basic (§2.3.1). */
  readonly decodedSecret?: string | undefined
  /** Permissions separated by spaces; absent: all that the account may. */
  readonly scope?: string | undefined
  /** One that it was given before, to be traded for the next. */
  readonly refreshToken?: string | undefined
  readonly origin?: Origin | undefined
}

export interface ClientToken {
  readonly account: ServiceAccount
  readonly accessToken: string
  /** Only where the settings have it. */
  readonly refreshToken: string | undefined
  readonly expiresInS: number
  readonly issuedAtS: number
  /** What the token permits. */
  readonly scope: string
}

interface Origin {
  readonly ip: string
  readonly agent: string
}

const nowhere: Origin = { ip: '', agent: '' }
/** As long as the settings may give one. */
const SECRET_CHARS_MAX = 1024
const SCOPE_CHARS_MAX = 2048

/**
 * A short-lived access token of the same kind as those of users (RFC 6749 §4.4). UNAUTHENTICATED
 * for a wrong id or secret; what is wrong with the account or an old secret is told only to who
 * knows the secret. A token is bound to its secret, and ends with it. Nothing is written, unless
 * the settings have refresh tokens for programs: then it is bound to a session as well. Such a
 * token is traded only by who knows the secret (§6), once: GRANT_INVALID for any other.
 */
export async function issueClientToken(
  engine: Engine,
  { scope: wanted, refreshToken, origin = nowhere, ...client }: ClientCredentials,
): Promise<ClientToken> {
  const { account, used } = await findClient(engine, client)
  const nowMs = engine.clock.now()
  if (!isGoodAccount(account, nowMs)) throw new HoldfastError('ACCOUNT_DISABLED')
  if (Date.parse(used.expiresAt) <= nowMs) throw new HoldfastError('SECRET_EXPIRED')
  const { principal } = await principalOfAccount(engine, account)
  const given = { account, used, origin }
  const renewed =
    refreshToken === undefined ? undefined : await renew(engine, refreshToken, { ...given, wanted })
  const scope = wanted ?? renewed?.client?.scope ?? undefined
  const scopes = scope === undefined ? undefined : requireScopes(scope)
  const session = renewed ?? (await begin(engine, { ...given, scopes }))
  const narrowed = scopes === undefined ? principal : toScope(principal, scopes)
  // A session that was renewed with the next secret still ends with the one that it began with.
  const ends = account.secrets.filter(({ id }) => [used.id, session?.client?.secretId].includes(id))
  const expiresMs = Math.min(...ends.map(secret => endMs(account, secret)))
  const signed = await signAccess(engine, {
    subject: account.id,
    sid: session?.id ?? used.id,
    expiresMs,
    claims: {
      kind: 'service_account',
      client_id: account.clientId,
      name: account.name,
      roles: [...account.roles],
      ...(principal.rateLimit === undefined ? {} : { rate_limit: principal.rateLimit.perMinute }),
      ...(scopes === undefined ? {} : { scope: scopes.join(' ') }),
    },
  })
  engine.keyUses.set(account.id, nowMs)
  const { issuedAtS } = signed
  const facts = { subject: account.id, issuedAtS, kind: 'service_account' } as const
  const next = session === undefined ? undefined : await signRefresh(engine, session, facts)
  const granted = permissions.filter(permission => mayEver(narrowed, permission))
  return { account, ...signed, refreshToken: next, scope: (scopes ?? granted).join(' ') }
}

interface Given {
  readonly account: ServiceAccount
  readonly used: ClientSecret
  readonly origin: Origin
}

/** A session for the refresh token; undefined where the settings have none. */
async function begin(
  engine: Engine,
  { account, used, origin, scopes }: Given & { readonly scopes: readonly string[] | undefined },
): Promise<Session | undefined> {
  if (!engine.identity.settings.accountRefresh) return undefined
  const client = { secretId: used.id, scope: scopes?.join(' ') ?? null }
  const expiresAt = refreshUntil(engine, endMs(account, used))
  const args = { accountId: account.id, client, expiresAt, ...origin }
  return await commit(engine, systemCall('token'), { name: 'accounts.startSession', args })
}

async function renew(
  engine: Engine,
  token: string,
  { account, origin, wanted }: Given & { readonly wanted: string | undefined },
): Promise<Session> {
  const refused = () => new HoldfastError('GRANT_INVALID')
  if (!engine.identity.settings.accountRefresh) throw new HoldfastError('GRANT_TYPE_UNSUPPORTED')
  const checked = await checkToken(engine, token, 'refresh').catch(() => undefined)
  const generation = generationOf(checked?.jti ?? '')
  const isOwn = checked?.kind === 'service_account' && checked.subject === account.id
  if (!isOwn || generation === undefined) throw refused()
  const { sessionId: id } = checked
  const before = await engine.catalog.view.identities.byId('session', id)
  const secret = account.secrets.find(one => one.id === before?.client?.secretId)
  const isGood = secret !== undefined && Date.parse(secret.expiresAt) > engine.clock.now()
  if (before?.belongsTo !== account.id || !isGood) throw refused()
  // No more than was granted first (§6); asked before the token is used up.
  const scope = before.client?.scope?.split(' ')
  const isWider = scope !== undefined && wanted?.split(' ').some(one => !scope.includes(one))
  if (isWider === true) throw new HoldfastError('SCOPE_INVALID')
  if (wanted !== undefined) requireScopes(wanted)
  const args = {
    id,
    generation,
    expiresAt: refreshUntil(engine, endMs(account, secret)),
    ...origin,
  }
  const renewing = commit(engine, systemCall('refresh'), { name: 'sessions.renew', args })
  const session = await renewing.catch(error => {
    // Ended since it was looked up: the secret was right, only the grant is not.
    if (isHoldfastError(error) && error.code === 'UNAUTHENTICATED') throw refused()
    throw error
  })
  if (session === undefined) {
    await tellReused(engine, checked, origin)
    throw refused()
  }
  return session
}

function refreshUntil(engine: Engine, latestMs: number): string {
  const untilMs = engine.clock.now() + engine.identity.settings.refreshSeconds * 1000
  return new Date(Math.min(untilMs, latestMs)).toISOString()
}

/** Held against every secret, each in constant time: time tells neither which nor how much fits. */
async function findClient(
  engine: Engine,
  given: Pick<ClientCredentials, 'clientId' | 'secret' | 'decodedSecret'>,
): Promise<{ readonly account: ServiceAccount; readonly used: ClientSecret }> {
  const { identities } = engine.catalog.view
  // Its other name is for people, not for programs.
  const isClientId = given.clientId.startsWith('sa_')
  const account = isClientId
    ? await identities.byName('service_account', given.clientId)
    : undefined
  const hashes = [given.secret, given.decodedSecret ?? given.secret].map(text => {
    return Buffer.from(hashOfSecret(text.length <= SECRET_CHARS_MAX ? text : ''))
  })
  let used: ClientSecret | undefined
  for (const secret of account?.secrets ?? []) {
    for (const hash of hashes) {
      if (timingSafeEqual(hash, Buffer.from(secret.hash))) used = secret
    }
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

function endMs({ expiresAt }: ServiceAccount, secret: ClientSecret): number {
  const secretMs = Date.parse(secret.expiresAt)
  return expiresAt === null ? secretMs : Math.min(secretMs, Date.parse(expiresAt))
}
