import { HoldfastError } from '@holdfast/core/errors.ts'
import type { Session, User } from '@holdfast/core/identities.ts'
import { newUuid } from '@holdfast/core/ids.ts'
import type { JWSHeaderParameters, JWTPayload } from 'jose'
import { decodeJwt, errors, jwtVerify, SignJWT } from 'jose'
import type { Engine } from '../../engine.ts'
import type { TokenUse } from './key-ring.ts'

/** An access token and what renews it, as RFC 6749 §5.1 names the parts. */
export interface TokenPair {
  readonly accessToken: string
  readonly refreshToken: string
  readonly expiresInS: number
  readonly issuedAtS: number
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
  const { clock, identity, random } = engine
  const { accessSeconds } = identity.settings
  const { kid, key } = await identity.ring.signer()
  const nowS = Math.floor(clock.now() / 1000)
  const refreshUntilS = Math.floor(Date.parse(session.expiresAt) / 1000)
  const sign = async (use: TokenUse, jti: string, expiresS: number, claims: JWTPayload) =>
    await new SignJWT({ ...claims, type: use, username: user.username, sid: session.id })
      .setProtectedHeader({ alg: 'RS256', typ: TYPES[use], kid })
      .setIssuer(identity.settings.issuer)
      .setAudience(AUDIENCE)
      .setSubject(user.id)
      .setJti(jti)
      .setIssuedAt(nowS)
      .setNotBefore(nowS)
      .setExpirationTime(expiresS)
      .sign(key)
  const { email, roles } = user
  const claims = { kind: 'user', roles: [...roles], ...(email === null ? {} : { email }) }
  const expiresS = Math.min(nowS + accessSeconds, refreshUntilS)
  return {
    accessToken: await sign('access', newUuid(clock, random), expiresS, claims),
    refreshToken: await sign('refresh', refreshId(session), refreshUntilS, {}),
    expiresInS: expiresS - nowS,
    issuedAtS: nowS,
  }
}

export interface CheckedToken {
  readonly subject: string
  readonly sessionId: string
  readonly jti: string
  readonly expiresMs: number
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
  const keyOf = async ({ kid }: JWSHeaderParameters) => {
    const key = typeof kid === 'string' ? await identity.ring.verifier(kid, use) : undefined
    if (key === undefined) throw new HoldfastError('UNAUTHENTICATED')
    return key
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
    const { sub, sid, jti, exp, type } = payload
    if (type !== use || sub === undefined || typeof sid !== 'string' || jti === undefined) {
      throw new HoldfastError('UNAUTHENTICATED')
    }
    return { subject: sub, sessionId: sid, jti, expiresMs: (exp ?? 0) * 1000 }
  } catch (error) {
    if (error instanceof errors.JWTExpired) throw new HoldfastError('CREDENTIAL_EXPIRED')
    throw new HoldfastError('UNAUTHENTICATED', {}, { cause: error })
  }
}

/** What an unchecked token says about its issuer; undefined where nothing can be read. */
export function issuerOf(token: string): string | undefined {
  if (token.length > TOKEN_CHARS_MAX) return undefined
  try {
    const { iss } = decodeJwt(token)
    return typeof iss === 'string' ? iss : undefined
  } catch {
    return undefined
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

/** The header of a JWT is an object in base64url, so it begins with `eyJ`; no key of ours does. */
export function looksLikeToken(credential: string): boolean {
  return /^eyJ[\w-]*\.[\w-]+\.[\w-]*$/.test(credential)
}
