import type { Call } from '@holdfast/core/call.ts'
import { HoldfastError } from '@holdfast/core/errors.ts'
import type { Principal } from '@holdfast/core/principal.ts'
import type { Engine } from '../engine.ts'
import { findAccessKey } from './keys/access-keys.ts'
import { currentPrincipal, type Maker } from './links/current-principal.ts'

/** The state of all users, accounts, groups, grants and keys; it differs after any change. */
export function rightsMoment({ identity }: Engine): number {
  return identity.tokens.moment
}

/**
 * The same call with what its caller may by now, for work that took long; UNAUTHENTICATED where it
 * was shut out meanwhile, or its session, secret or key pair ended. Rights of foreign tokens and of
 * links are those that they came with.
 */
export async function rightsNow(engine: Engine, call: Call): Promise<Call> {
  const { requestId, signal, principal } = call
  const { kind, id, within, sessionId, secretId, request } = principal
  if (kind !== 'user' && kind !== 'service_account' && kind !== 'api_key') return call
  // Some that act within the process have ids of their own, which name no key here.
  const isOther = kind === 'api_key' && (await engine.catalog.view.keys.byId(id)) === undefined
  if (isOther && principal.pairId === undefined) return call
  const current = await holderNow(engine, { ...principal, kind })
  if (current === undefined) throw new HoldfastError('UNAUTHENTICATED')
  const more = {
    ...(within === undefined ? {} : { within }),
    ...(sessionId === undefined ? {} : { sessionId }),
    ...(secretId === undefined ? {} : { secretId }),
    ...(request === undefined ? {} : { request }),
  }
  return { requestId, signal, principal: { ...current, ...more } }
}

/** Undefined once what it came with is no longer good. */
async function holderNow(
  engine: Engine,
  holder: Maker & Pick<Principal, 'sessionId' | 'secretId' | 'pairId'>,
): Promise<Principal | undefined> {
  const { id, sessionId, secretId, pairId } = holder
  const { identities } = engine.catalog.view
  if (sessionId !== undefined && (await identities.byId('session', sessionId)) === undefined) {
    return undefined
  }
  if (secretId !== undefined) {
    const account = await identities.byId('service_account', id)
    if (account?.secrets.some(secret => secret.id === secretId) !== true) return undefined
  }
  if (pairId !== undefined) return (await findAccessKey(engine, pairId))?.principal
  return await currentPrincipal(engine, holder)
}
