import { isDeepStrictEqual } from 'node:util'
import type { Call } from '@holdfast/core/call.ts'
import { HoldfastError, isHoldfastError } from '@holdfast/core/errors.ts'
import type { Principal } from '@holdfast/core/principal.ts'
import type { Engine } from '../engine.ts'
import { requireFactor } from '../identity/factors/require-factor.ts'
import { mayAct, principalOfUser } from '../identity/principal-of-user.ts'
import { factsOf } from '../identity/sessions/authenticate-token.ts'
import { requireUnlocked } from '../identity/sessions/lockout.ts'
import { findAccessKey } from './keys/access-keys.ts'
import { currentPrincipal } from './links/current-principal.ts'
import { narrow } from './narrow.ts'

/** The state of all users, accounts, groups, grants and keys; it differs after any change. */
export function rightsMoment({ identity }: Engine): number {
  return identity.tokens.moment
}

/** The same call with what its caller may by now, for work that took long. */
export async function rightsNow(engine: Engine, call: Call): Promise<Call> {
  const moment = rightsMoment(engine)
  if (call.moment === moment) return call
  const { requestId, signal, address, line } = call
  const principal = await principalNow(engine, call.principal)
  return { requestId, signal, address, line, principal, moment }
}

/** The same for who does many things one after the other: asked before each, until it is gone. */
export function rightsOfEach(engine: Engine, call: Call): () => Promise<Call> {
  let known = call
  return async () => {
    call.signal.throwIfAborted()
    known = await rightsNow(engine, known)
    return known
  }
}

const ATTEMPTS_MAX = 5

/**
 * Authorises and commits, anew when what was decided by changed in between: then also by what the
 * caller may by now.
 */
export async function authorisedAnew<T>(
  engine: Engine,
  call: Call,
  attempt: (now: Call) => Promise<T>,
  attemptsMax = ATTEMPTS_MAX,
): Promise<T> {
  let known = call
  for (let count = 1; ; count += 1) {
    try {
      return await attempt(known)
    } catch (error) {
      const again = isHoldfastError(error) && error.code === 'CHANGED_MEANWHILE'
      if (!again || count >= attemptsMax) throw error
    }
    known = await rightsNow(engine, known)
  }
}

/**
 * The same caller as of now, which may do less or more. UNAUTHENTICATED where it was shut out
 * meanwhile, or its session, secret or key pair ended; LINK_INVALID where the maker of a link was.
 * That the time of a token is up ends nothing that it began.
 */
export async function principalNow(engine: Engine, principal: Principal): Promise<Principal> {
  const current = await holderNow(engine, principal)
  if (current === principal) return principal
  if (current === undefined) {
    throw new HoldfastError(principal.kind === 'link' ? 'LINK_INVALID' : 'UNAUTHENTICATED')
  }
  const { within, sessionId, secretId, signedBy, request } = principal
  return {
    ...(within === undefined ? current : { ...narrow(current, within), within }),
    ...(sessionId === undefined ? {} : { sessionId }),
    ...(secretId === undefined ? {} : { secretId }),
    ...(signedBy === undefined ? {} : { signedBy }),
    ...(request === undefined ? {} : { request }),
  }
}

/** Undefined once what it came with is no longer good. */
async function holderNow(engine: Engine, principal: Principal): Promise<Principal | undefined> {
  const { kind, id, pairId, signedBy } = principal
  if (pairId !== undefined) return (await findAccessKey(engine, pairId))?.principal
  const { identities } = engine.catalog.view
  const isDistrusted =
    signedBy !== undefined && (await identities.byId('signing_key', signedBy)) === undefined
  if (isDistrusted) return undefined
  switch (kind) {
    case 'system':
    case 'anonymous':
    // It only reads, and its maker is asked about at each use.
    case 'share':
      return principal
    case 'link':
      return await linkNow(engine, principal)
    case 'external':
      return await subjectNow(engine, principal)
    case 'user':
      return await userNow(engine, principal)
    case 'service_account':
      return await accountNow(engine, principal)
    case 'api_key': {
      // Some that act within the process have ids of their own, which name no key here.
      const isOther = (await engine.catalog.view.keys.byId(id)) === undefined
      return isOther ? principal : await currentPrincipal(engine, { kind, id })
    }
  }
}

/** Who came with a session is refused as at a login: ACCOUNT_LOCKED, and where a factor is due. */
async function userNow(
  engine: Engine,
  { id, sessionId }: Pick<Principal, 'id' | 'sessionId'>,
): Promise<Principal | undefined> {
  if (sessionId === undefined) return await currentPrincipal(engine, { kind: 'user', id })
  const { identities } = engine.catalog.view
  const user = await identities.byId('user', id)
  const session = await identities.byId('session', sessionId)
  if (session === undefined || !mayAct(engine, user)) return undefined
  requireUnlocked(engine, user)
  requireFactor(engine, user)
  return { ...(await principalOfUser(engine, user)).principal, ...factsOf(session) }
}

async function accountNow(
  engine: Engine,
  { id, sessionId, secretId }: Pick<Principal, 'id' | 'sessionId' | 'secretId'>,
): Promise<Principal | undefined> {
  const { identities } = engine.catalog.view
  const isOut = sessionId !== undefined && !(await identities.byId('session', sessionId))
  if (isOut) return undefined
  const account = await identities.byId('service_account', id)
  const isLost =
    secretId !== undefined && account?.secrets.some(secret => secret.id === secretId) !== true
  return isLost ? undefined : await currentPrincipal(engine, { kind: 'service_account', id })
}

async function linkNow(engine: Engine, link: Principal): Promise<Principal | undefined> {
  const { id, actsFor } = link
  if (actsFor === undefined) return undefined
  const maker = await currentPrincipal(engine, { kind: actsFor, id })
  return maker && { ...maker, kind: 'link', actsFor }
}

/**
 * Who came with a token of another issuer. Its roles are those of that token, which the record of
 * the user need not have; so it gains nothing here, but may lose groups and grants.
 */
async function subjectNow(engine: Engine, subject: Principal): Promise<Principal | undefined> {
  const user = await engine.catalog.view.identities.byId('user', subject.id)
  if (!mayAct(engine, user)) return undefined
  const { principal } = await principalOfUser(engine, user)
  const { groups = [], grants = [], buckets } = principal
  const kept = {
    groups: subject.groups?.filter(group => groups.includes(group)),
    grants: subject.grants?.filter(grant => grants.some(one => isDeepStrictEqual(one, grant))),
  }
  return {
    ...subject,
    buckets,
    // Who had none is the same as before.
    ...(kept.groups === undefined ? {} : { groups: kept.groups }),
    ...(kept.grants === undefined ? {} : { grants: kept.grants }),
  }
}
