import { HoldfastError, isHoldfastError, type RefusedHolder } from '@holdfast/core/errors.ts'
import type { Session, User } from '@holdfast/core/identities.ts'
import { newUuid } from '@holdfast/core/ids.ts'
import type { JWSHeaderParameters, JWTPayload } from 'jose'
import { decodeJwt, errors, jwtVerify, SignJWT } from 'jose'
import type { Engine } from '../../engine.ts'
import type { ReusedSession, TokenUse } from '../identity-counts.ts'

/** An access token and what renews it, as RFC 6749 §5.1 names the parts. */
export interface TokenPair {
  readonly accessToken: string
  readonly refreshToken: string
  readonly expiresInS: number
  readonly issuedAtS: number
  readonly sessionId: string
}

const AUDIENCE = 'holdfast'
const TOKEN_CHARS_MAX = 8192
/** RFC 9068 §2.1 for the first; the second is ours. Either is refused where the other is due. */
const TYPES: Readonly<Record<TokenUse, string>> = { access: 'at+jwt', refresh: 'rt+jwt' }

export async function issueTokens(
  engine: Engine,
  user: User,
  session: Session,
): Promise<TokenPair> {
  const { email, outside, roles, username } = user
  const expiresMs = Date.parse(session.expiresAt)
  const whose = { subject: user.id, sid: session.id, expiresMs }
  const claims = { username, kind: 'user', roles: [...roles] }
  const access = await signAccess(engine, {
    ...whose,
    // Ours last: whatever the directory is asked for, it speaks of nothing else.
    claims: { ...outside?.claims, ...claims, ...(email === null ? {} : { email }) },
  })
  const { issuedAtS } = access
  const refreshToken = await signRefresh(engine, session, { subject: user.id, issuedAtS, username })
  return { ...access, refreshToken, sessionId: session.id }
}

/** What renews the session once; `claims` are those beside the times and ids. */
export async function signRefresh(
  engine: Engine,
  session: Session,
  { subject, issuedAtS, ...claims }: RefreshFacts,
): Promise<string> {
  const expiresMs = Date.parse(session.expiresAt)
  const facts = { subject, sid: session.id, expiresMs, issuedAtS, claims }
  return await sign(engine, { ...facts, use: 'refresh', jti: refreshId(session) })
}

interface RefreshFacts {
  readonly subject: string
  readonly issuedAtS: number
  readonly username?: string
  readonly kind?: 'service_account'
}

interface TokenFacts {
  readonly subject: string
  /** What it ends with: a session, or a secret. */
  readonly sid: string
  /** It never lives longer than that. */
  readonly expiresMs: number
  readonly claims: JWTPayload
}

export async function signAccess(
  engine: Engine,
  facts: TokenFacts,
): Promise<Omit<TokenPair, 'refreshToken' | 'sessionId'>> {
  const { clock, identity, random } = engine
  const issuedAtS = Math.floor(clock.now() / 1000)
  const expiresMs = Math.min((issuedAtS + identity.settings.accessSeconds) * 1000, facts.expiresMs)
  const jti = newUuid(clock, random)
  const accessToken = await sign(engine, { ...facts, use: 'access', jti, issuedAtS, expiresMs })
  return { accessToken, issuedAtS, expiresInS: Math.floor(expiresMs / 1000) - issuedAtS }
}

async function sign(
  { identity }: Engine,
  facts: TokenFacts & { readonly use: TokenUse; readonly jti: string; readonly issuedAtS: number },
): Promise<string> {
  const { use, claims, sid, issuedAtS } = facts
  const { kid, key } = await identity.ring.signer()
  const kind = claims.kind === 'service_account' ? claims.kind : 'user'
  identity.counts.created[kind][use] += 1
  return await new SignJWT({ ...claims, type: use, sid })
    .setProtectedHeader({ alg: 'RS256', typ: TYPES[use], kid })
    .setIssuer(identity.settings.issuer)
    .setAudience(AUDIENCE)
    .setSubject(facts.subject)
    .setJti(facts.jti)
    .setIssuedAt(issuedAtS)
    .setNotBefore(issuedAtS)
    .setExpirationTime(Math.floor(facts.expiresMs / 1000))
    .sign(key)
}

export interface CheckedToken {
  readonly subject: string
  readonly kind: 'user' | 'service_account'
  /** Of a service account the secret that it was issued for. */
  readonly sessionId: string
  readonly jti: string
  readonly expiresMs: number
  /** Id of the key that signed it. */
  readonly signedBy: string
  /** What it is narrowed to; absent: all that its subject may. */
  readonly scopes?: readonly string[]
}

/**
 * What an authentic token of ours says: UNAUTHENTICATED for any other, CREDENTIAL_EXPIRED for one
 * that was good once. The algorithm is ours to choose and never read from the token; of its header
 * only `kid` counts, as a name to look up (RFC 8725 §3.1, §3.5, §3.10, §3.11).
 */
export async function checkToken(
  engine: Engine,
  token: string,
  use: TokenUse,
): Promise<CheckedToken> {
  if (token.length > TOKEN_CHARS_MAX) throw new HoldfastError('UNAUTHENTICATED')
  const { identity, clock } = engine
  let signedBy = ''
  const keyOf = async ({ kid }: JWSHeaderParameters) => {
    const found = typeof kid === 'string' ? await identity.ring.verifier(kid, use) : undefined
    if (found === undefined) throw new HoldfastError('UNAUTHENTICATED')
    signedBy = found.id
    return found.key
  }
  try {
    const { payload } = await jwtVerify(token, keyOf, {
      algorithms: ['RS256'],
      issuer: identity.settings.issuer,
      audience: AUDIENCE,
      typ: TYPES[use],
      requiredClaims: ['sub', 'jti', 'iat', 'nbf', 'exp'],
      currentDate: new Date(clock.now()),
    })
    const { sub, sid, jti, exp, type, kind, scope } = payload
    if (type !== use || sub === undefined || typeof sid !== 'string' || jti === undefined) {
      throw new HoldfastError('UNAUTHENTICATED')
    }
    return {
      subject: sub,
      kind: kind === 'service_account' ? kind : 'user',
      sessionId: sid,
      jti,
      expiresMs: (exp ?? 0) * 1000,
      signedBy,
      ...(typeof scope === 'string' ? { scopes: scope.split(' ') } : {}),
    }
  } catch (error) {
    if (error instanceof errors.JWTExpired) throw new HoldfastError('CREDENTIAL_EXPIRED')
    throw new HoldfastError('UNAUTHENTICATED', {}, { cause: error })
  }
}

/** Does what an authentic token is for; a refusal tells the audit log whose token it was. */
export async function asHolder<T>(
  engine: Engine,
  checked: CheckedToken,
  work: () => Promise<T>,
): Promise<T> {
  try {
    return await work()
  } catch (error) {
    if (!isHoldfastError(error)) throw error
    const holder = error.holder ?? (await refusedHolder(engine, checked))
    // A new one: those who waited for the same thing may have got one error together.
    throw new HoldfastError(error.code, error.details, { cause: error.cause, holder })
  }
}

/** Two hold the tokens of a session that ended for it: whose it was is for the audit log. */
export async function tellReused(
  engine: Engine,
  checked: CheckedToken,
  { ip, agent }: Pick<ReusedSession, 'ip' | 'agent'>,
): Promise<void> {
  const { who } = await refusedHolder(engine, checked)
  engine.identity.counts.onReused({ who, sessionId: checked.sessionId, ip, agent })
}

async function refusedHolder(
  { catalog }: Engine,
  { kind, subject, sessionId }: Pick<CheckedToken, 'kind' | 'subject' | 'sessionId'>,
): Promise<RefusedHolder> {
  const { identities } = catalog.view
  if (kind === 'user') {
    const user = await identities.byId('user', subject)
    return { who: { user_id: subject, username: user?.username ?? null }, sessionId }
  }
  const account = await identities.byId('service_account', subject)
  const session = await identities.byId('session', sessionId)
  const who = { account_id: subject, client_id: account?.clientId ?? null }
  // Without a session the token names the secret that it was issued for.
  return { who, sessionId: session?.id }
}

/** What an unchecked token says about its issuer: undefined if nothing, empty if unreadable. */
export function issuerOf(token: string): string | undefined {
  if (token.length > TOKEN_CHARS_MAX) return ''
  try {
    const { iss } = decodeJwt(token)
    return iss === undefined || typeof iss === 'string' ? iss : ''
  } catch {
    return ''
  }
}

/** Names one refresh token of a session: only that of the current generation is good. */
export function refreshId({ id, generation }: Pick<Session, 'id' | 'generation'>): string {
  return `${id}.${generation}`
}

export function generationOf(jti: string): number | undefined {
  const text = /^[0-9a-f-]{36}\.(\d{1,9})$/.exec(jti)?.[1]
  return text === undefined ? undefined : Number(text)
}

/** Whether a refresh token is the one of its session that is traded next. */
export async function isNext({ catalog }: Engine, { jti, sessionId }: CheckedToken) {
  const session = await catalog.view.identities.byId('session', sessionId)
  return session?.generation === generationOf(jti)
}

/** The header of a JWT is an object in base64url, so it begins with `eyJ`; no key of ours does. */
export function looksLikeToken(credential: string): boolean {
  return /^eyJ[\w-]*\.[\w-]+\.[\w-]*$/.test(credential)
}
