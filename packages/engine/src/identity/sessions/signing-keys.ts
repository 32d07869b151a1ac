import type { Call } from '@holdfast/core/call.ts'
import { HoldfastError } from '@holdfast/core/errors.ts'
import type { SigningKey } from '@holdfast/core/identities.ts'
import { systemPrincipal } from '@holdfast/core/principal.ts'
import { authorize } from '../../access/decide.ts'
import { requireWithin } from '../../access/keys/keys.ts'
import { commit } from '../../commit.ts'
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
export async function rotateSigningKey(
  engine: Engine,
  call: Call,
  { distrustFormer = false }: { readonly distrustFormer?: boolean | undefined } = {},
): Promise<SigningKey[]> {
  authorize(call.principal, 'admin:users', {})
  if (distrustFormer) {
    // The sessions of all end with it.
    requireWithin(call.principal, { permissions: ['*'] }, 'it shuts out whoever may more')
    await distrustSigningKeys(engine, call)
  } else {
    await requireFewAsked(engine)
    await engine.identity.ring.rotate(call.principal.id)
  }
  return await engine.identity.ring.list()
}

const SESSIONS_AT_A_TIME = 500

/**
 * A new key, and an end to the others with all that stands on their tokens: once it resolves none
 * of them is taken, and no session is left that a forged one may have renewed meanwhile.
 */
export async function distrustSigningKeys(engine: Engine, call: Call): Promise<void> {
  await engine.identity.ring.replace(call.principal.id)
  // Logins whose page has not come yet would open sessions afterwards.
  engine.identity.openId?.finished.clear()
  for (let after = ''; ; ) {
    const query = { kind: 'session', after, limit: SESSIONS_AT_A_TIME } as const
    const ids = (await engine.catalog.view.identities.list(query)).map(({ id }) => id)
    const last = ids.at(-1)
    if (last === undefined) return
    await commit(engine, call, { name: 'sessions.endListed', args: { ids } })
    after = last
  }
}

async function requireFewAsked(engine: Engine): Promise<void> {
  const nowMs = engine.clock.now()
  const ends = (await engine.identity.ring.list())
    .filter(({ createdBy }) => createdBy !== systemPrincipal.id)
    .map(({ verifiesUntil }) => Date.parse(verifiesUntil))
    .filter(endMs => endMs > nowMs)
  const limit = engine.identity.settings.askedKeysMax
  if (ends.length < limit) return
  const waitMs = Math.min(...ends) - nowMs
  const reason = 'so many keys made by request are still taken'
  throw new HoldfastError('TOO_MANY_REQUESTS', {
    ...{ reason, limit },
    retry_after: Math.ceil(waitMs / 1000),
  })
}
