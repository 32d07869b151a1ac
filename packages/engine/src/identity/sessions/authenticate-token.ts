import { HoldfastError } from '@holdfast/core/errors.ts'
import type { Principal } from '@holdfast/core/principal.ts'
import type { Engine } from '../../engine.ts'
import { requireFactor } from '../factors/require-factor.ts'
import { principalOfUser } from '../principal-of-user.ts'
import { checkToken } from './tokens.ts'

/**
 * Whose access token it is. What the user may is asked of the catalog, not of the token: a right
 * that was taken away is gone at once. A token that was checked before costs one look-up.
 */
export function authenticateToken(engine: Engine, token: string): Principal | Promise<Principal> {
  return engine.identity.tokens.get(token, engine.clock.now()) ?? checkAccess(engine, token)
}

async function checkAccess(engine: Engine, token: string): Promise<Principal> {
  const { tokens } = engine.identity
  const { moment } = tokens
  const checked = await checkToken(engine, token, 'access')
  const { identities } = engine.catalog.view
  const session = await identities.byId('session', checked.sessionId)
  const user = await identities.byId('user', checked.subject)
  if (session === undefined || session.belongsTo !== user?.id || user.status !== 'ACTIVE') {
    throw new HoldfastError('UNAUTHENTICATED')
  }
  requireFactor(engine, user)
  const made = await principalOfUser(engine, user)
  const principal = { ...made.principal, sessionId: session.id }
  const madeOf = [...made.madeOf, session.id]
  tokens.set(token, { principal, expiresMs: checked.expiresMs, madeOf }, moment)
  return principal
}
