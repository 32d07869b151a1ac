import type { Call } from '@holdfast/core/call.ts'
import { HoldfastError } from '@holdfast/core/errors.ts'
import type { Engine } from '../engine.ts'
import { currentPrincipal } from './links/current-principal.ts'

/** The state of all users, accounts, groups, grants and keys; it differs after any change. */
export function rightsMoment({ identity }: Engine): number {
  return identity.tokens.moment
}

/**
 * The same call with what its caller may by now, for work that took long; UNAUTHENTICATED where it
 * was shut out meanwhile. Rights of foreign tokens and of links are those that they came with.
 */
export async function rightsNow(engine: Engine, call: Call): Promise<Call> {
  const { requestId, signal, principal } = call
  const { kind, id, within, sessionId, request } = principal
  if (kind !== 'user' && kind !== 'service_account' && kind !== 'api_key') return call
  // Key pairs of S3 that act for themselves have ids of their own, which name no key here.
  const isPair = kind === 'api_key' && (await engine.catalog.view.keys.byId(id)) === undefined
  if (isPair) return call
  const current = await currentPrincipal(engine, { kind, id })
  if (current === undefined) throw new HoldfastError('UNAUTHENTICATED')
  const more = {
    ...(within === undefined ? {} : { within }),
    ...(sessionId === undefined ? {} : { sessionId }),
    ...(request === undefined ? {} : { request }),
  }
  return { requestId, signal, principal: { ...current, ...more } }
}
