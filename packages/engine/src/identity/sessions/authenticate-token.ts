import { HoldfastError } from '@holdfast/core/errors.ts'
import type { Principal } from '@holdfast/core/principal.ts'
import type { Engine } from '../../engine.ts'
import { requireFactor } from '../factors/require-factor.ts'
import { authenticateSubject } from '../outside/issuers/authenticate-subject.ts'
import { mayAct, principalOfUser } from '../principal-of-user.ts'
import { checkToken, issuerOf } from './tokens.ts'

/**
 * Whose access token it is. What the user may is asked of the catalog, not of the token: a right
 * that was taken away is gone at once. Only the roles of another issuer's subjects are those of
 * their tokens. A token that was checked before costs one look-up.
 */
export function authenticateToken(engine: Engine, token: string): Principal | Promise<Principal> {
  return engine.identity.tokens.get(token, engine.clock.now()) ?? checkAccess(engine, token)
}

async function checkAccess(engine: Engine, token: string): Promise<Principal> {
  const { tokens } = engine.identity
  const { moment } = tokens
  // The name only chooses who must have signed it: it is checked with the signature.
  const foreign = engine.identity.issuers.get(issuerOf(token) ?? '')
  if (foreign !== undefined) {
    const { principal, madeOf, expiresMs } = await authenticateSubject(engine, token, foreign)
    tokens.set(token, { principal, expiresMs, madeOf }, moment)
    return principal
  }
  const checked = await checkToken(engine, token, 'access')
  const { identities } = engine.catalog.view
  const session = await identities.byId('session', checked.sessionId)
  const user = await identities.byId('user', checked.subject)
  if (session === undefined || session.belongsTo !== user?.id || !mayAct(engine, user)) {
    throw new HoldfastError('UNAUTHENTICATED')
  }
  requireFactor(engine, user)
  const made = await principalOfUser(engine, user)
  const principal = { ...made.principal, sessionId: session.id }
  const madeOf = [...made.madeOf, session.id]
  tokens.set(token, { principal, expiresMs: checked.expiresMs, madeOf }, moment)
  return principal
}
