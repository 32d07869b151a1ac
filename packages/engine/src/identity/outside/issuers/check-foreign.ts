import { HoldfastError } from '@holdfast/core/errors.ts'
import {
  type CryptoKey,
  errors,
  type JWSHeaderParameters,
  type JWTVerifyOptions,
  jwtVerify,
} from 'jose'
import type { Engine } from '../../../engine.ts'
import { isSubject, subjectId } from '../subject-id.ts'
import { claimAt, textAt } from './claims.ts'
import type { Issuer } from './issuer.ts'
import type { KnownIssuer } from './issuer-list.ts'

export interface CheckedForeign {
  readonly payload: object
  readonly subject: string
  readonly id: string
  readonly expiresMs: number
}

/** The last moment that there is to JavaScript (ECMA-262 §21.4.1.1): `exp` may be any number. */
const LAST_MS = 8.64e15

/**
 * What an authentic token of that issuer says: UNAUTHENTICATED for any other, CREDENTIAL_EXPIRED
 * for one that was good once, IDENTITY_UNAVAILABLE while its keys could not be loaded. Algorithm
 * and key are those of the settings; of the header only `kid` counts, as a name to look up. Keys
 * and addresses of keys in it are not looked at (RFC 8725 §3.1, §3.5, §3.10).
 */
export async function checkForeign(
  engine: Engine,
  token: string,
  { issuer, keys }: KnownIssuer,
): Promise<CheckedForeign> {
  const keyOf = ({ kid }: JWSHeaderParameters): CryptoKey | Uint8Array => {
    if (keys instanceof Uint8Array) return keys
    const key = keys.find(kid)
    if (key !== undefined) return key
    throw new HoldfastError(keys.isLoaded ? 'UNAUTHENTICATED' : 'IDENTITY_UNAVAILABLE')
  }
  try {
    const { payload } = await jwtVerify(token, async header => keyOf(header), {
      algorithms: [issuer.algorithm],
      ...namesOf(issuer),
      clockTolerance: issuer.skewSeconds,
      ...(issuer.maxAgeSeconds === undefined ? {} : { maxTokenAge: issuer.maxAgeSeconds }),
      currentDate: new Date(engine.clock.now()),
      ...(issuer.tokenType === undefined ? {} : { typ: issuer.tokenType }),
    })
    const subject = textAt(payload, issuer.claims.subject)
    if (!isSubject(subject)) throw new HoldfastError('UNAUTHENTICATED')
    // Made for somebody else, who is named (RFC 7519 §4.1.3).
    if (issuer.audiences === undefined && (payload.aud ?? payload.iss) !== undefined) {
      throw new HoldfastError('UNAUTHENTICATED')
    }
    const { exp = 0, iat = 0, nbf = 0 } = payload
    // A number of JSON may be beyond all that JavaScript has: it reads as infinite.
    if (![exp, iat, nbf].every(Number.isFinite)) throw new HoldfastError('UNAUTHENTICATED')
    const { maxAgeSeconds = Number.POSITIVE_INFINITY, skewSeconds } = issuer
    const expiresMs = (Math.min(exp, iat + maxAgeSeconds) + skewSeconds) * 1000
    const isNumber = typeof claimAt(payload, issuer.claims.subject) === 'number'
    const id = subjectId(issuer.issuer, isNumber ? Number(subject) : subject)
    return { payload, subject, id, expiresMs: Math.min(expiresMs, LAST_MS) }
  } catch (error) {
    if (error instanceof errors.JWTExpired) throw new HoldfastError('CREDENTIAL_EXPIRED')
    if (error instanceof HoldfastError) throw error
    throw new HoldfastError('UNAUTHENTICATED', {}, { cause: error })
  }
}

/** Who must be named in it; where nobody is, its times must all be there instead. */
function namesOf({ issuer, audiences }: Issuer): JWTVerifyOptions {
  if (audiences === undefined) return { requiredClaims: ['exp', 'iat', 'nbf'] }
  return { issuer, audience: [...audiences], requiredClaims: ['exp'] }
}
