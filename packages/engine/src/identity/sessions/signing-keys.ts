import type { Call } from '@holdfast/core/call.ts'
import { HoldfastError } from '@holdfast/core/errors.ts'
import type { SigningKey } from '@holdfast/core/identities.ts'
import { systemPrincipal } from '@holdfast/core/principal.ts'
import { authorize } from '../../access/decide.ts'
import type { Engine } from '../../engine.ts'

/** A public key as a JWKS publishes it (RFC 7517 §4). */
export interface PublicKey {
  readonly kty: string
  readonly n: string
  readonly e: string
  readonly kid: string
  readonly use: string
  readonly alg: string
}

/** Of the keys whose access tokens are taken. */
export async function publicKeys(engine: Engine): Promise<PublicKey[]> {
  const nowMs = engine.clock.now()
  const good = (await engine.identity.ring.list()).filter(
    ({ verifiesUntil }) => Date.parse(verifiesUntil) > nowMs,
  )
  return good.map(({ publicJwk }) => {
    const text = (name: string) => String(publicJwk[name] ?? '')
    const [kty, n, e] = [text('kty'), text('n'), text('e')]
    return { kty, n, e, kid: text('kid'), use: text('use'), alg: text('alg') }
  })
}

export async function listSigningKeys(engine: Engine, call: Call): Promise<SigningKey[]> {
  authorize(call.principal, 'admin:users', {})
  return await engine.identity.ring.list()
}

/** TOO_MANY_REQUESTS beyond `askedKeysMax`: every key stands in the JWKS until its tokens end. */
export async function rotateSigningKey(engine: Engine, call: Call): Promise<SigningKey[]> {
  authorize(call.principal, 'admin:users', {})
  const nowMs = engine.clock.now()
  const ends = (await engine.identity.ring.list())
    .filter(({ createdBy }) => createdBy !== systemPrincipal.id)
    .map(({ verifiesUntil }) => Date.parse(verifiesUntil))
    .filter(endMs => endMs > nowMs)
  const limit = engine.identity.settings.askedKeysMax
  if (ends.length >= limit) {
    const waitMs = Math.min(...ends) - nowMs
    const reason = 'so many keys made by request are still taken'
    throw new HoldfastError('TOO_MANY_REQUESTS', {
      ...{ reason, limit },
      retry_after: Math.ceil(waitMs / 1000),
    })
  }
  await engine.identity.ring.rotate(call.principal.id)
  return await engine.identity.ring.list()
}
