import { HoldfastError, isHoldfastError } from '@holdfast/core/errors.ts'
import type { Session } from '@holdfast/core/identities.ts'
import type { Principal } from '@holdfast/core/principal.ts'
import { toScope } from '../../access/narrow.ts'
import type { Engine } from '../../engine.ts'
import { isGoodAccount } from '../accounts/account-state.ts'
import { principalOfAccount } from '../accounts/principal-of-account.ts'
import { requireFactor } from '../factors/require-factor.ts'
import { OWN_ISSUER, UNKNOWN_ISSUER } from '../identity-counts.ts'
import { authenticateSubject } from '../outside/issuers/authenticate-subject.ts'
import type { KnownIssuer } from '../outside/issuers/issuer-list.ts'
import { mayAct, principalOfUser } from '../principal-of-user.ts'
import { requireUnlocked } from './lockout.ts'
import type { KnownToken } from './token-cache.ts'
import { asHolder, type CheckedToken, checkToken, issuerOf } from './tokens.ts'

/**
 * Whose access token it is. What the user may is asked of the catalog, not of the token: a right
 * that was taken away is gone at once. Only the roles of another issuer's subjects are those of
 * their tokens. A token that was checked before costs one look-up.
 */
export function authenticateToken(engine: Engine, token: string): Principal | Promise<Principal> {
  return engine.identity.tokens.get(token, engine.clock.now()) ?? checkAccess(engine, token)
}

async function checkAccess(engine: Engine, token: string): Promise<Principal> {
  const { counts, issuers, settings } = engine.identity
  // The name only chooses who must have signed it: it is checked with the signature.
  const iss = issuerOf(token)
  const foreign = issuers.signerOf(iss)
  const ours = iss === settings.issuer ? OWN_ISSUER : UNKNOWN_ISSUER
  const label = foreign?.issuer.issuer ?? ours
  try {
    const principal = await checkFresh(engine, token, foreign)
    counts.countValidation(label, 'success')
    return principal
  } catch (error) {
    counts.countValidation(label, isHoldfastError(error) ? error.code : 'INTERNAL')
    throw error
  }
}

async function checkFresh(
  engine: Engine,
  token: string,
  foreign: KnownIssuer | undefined,
): Promise<Principal> {
  const { tokens } = engine.identity
  const { moment } = tokens
  if (foreign !== undefined) {
    const known = await authenticateSubject(engine, token, foreign)
    tokens.set(token, known, { moment, nowMs: engine.clock.now() })
    return known.principal
  }
  const known = await holderOf(engine, await checkToken(engine, token, 'access'))
  tokens.set(token, known, { moment, nowMs: engine.clock.now() })
  return known.principal
}

/** Whose access token of ours it is, if all that it stands on is good as well. */
export async function holderOf(engine: Engine, checked: CheckedToken): Promise<KnownToken> {
  const find = checked.kind === 'service_account' ? ofAccount : ofUser
  return await asHolder(engine, checked, () => find(engine, checked))
}

async function ofUser(engine: Engine, checked: CheckedToken): Promise<KnownToken> {
  const { identities } = engine.catalog.view
  const session = await identities.byId('session', checked.sessionId)
  const user = await identities.byId('user', checked.subject)
  if (session === undefined || session.belongsTo !== user?.id || !mayAct(engine, user)) {
    throw new HoldfastError('UNAUTHENTICATED')
  }
  requireUnlocked(engine, user)
  requireFactor(engine, user)
  const made = await principalOfUser(engine, user)
  const { signedBy, expiresMs } = checked
  const principal = { ...made.principal, ...factsOf(session), signedBy }
  return { principal, expiresMs, madeOf: [...made.madeOf, session.id, signedBy] }
}

/** What a login adds to the principal of its user. */
export function factsOf(session: Session): Pick<Principal, 'sessionId' | 'confirmedAt'> {
  const { id: sessionId, confirmedAt } = session
  return { sessionId, ...(confirmedAt === undefined ? {} : { confirmedAt }) }
}

/** A token ends with the secret that it was issued for, with its session, and with the account. */
async function ofAccount(engine: Engine, checked: CheckedToken): Promise<KnownToken> {
  const { identities } = engine.catalog.view
  const account = await identities.byId('service_account', checked.subject)
  const session = await identities.byId('session', checked.sessionId)
  const isOwn = session !== undefined && session.belongsTo === checked.subject
  const secretId = isOwn ? session.client?.secretId : checked.sessionId
  const secret = account?.secrets.find(({ id }) => id === secretId)
  const nowMs = engine.clock.now()
  const secretMs = secret === undefined ? 0 : Date.parse(secret.expiresAt)
  const isGood = account !== undefined && isGoodAccount(account, nowMs)
  if (!isGood || secret === undefined || secretMs <= nowMs) {
    throw new HoldfastError('UNAUTHENTICATED')
  }
  const made = await principalOfAccount(engine, account)
  const { scopes, signedBy } = checked
  const madeOf = [...made.madeOf, signedBy, ...(isOwn ? [session.id] : [])]
  const ofSession = isOwn ? { sessionId: session.id } : {}
  const principal = { ...made.principal, ...ofSession, secretId: secret.id, signedBy }
  const ends = [checked.expiresMs, secretMs]
  if (account.expiresAt !== null) ends.push(Date.parse(account.expiresAt))
  return {
    principal: scopes === undefined ? principal : toScope(principal, scopes),
    expiresMs: Math.min(...ends),
    madeOf,
  }
}
