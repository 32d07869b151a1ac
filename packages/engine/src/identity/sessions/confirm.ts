import type { Call } from '@holdfast/core/call.ts'
import { HoldfastError } from '@holdfast/core/errors.ts'
import type { UserSource } from '@holdfast/core/identities.ts'
import { commit } from '../../commit.ts'
import type { Engine } from '../../engine.ts'
import { notify } from '../mail/notify.ts'
import { placeOf } from '../passwords/place-of.ts'
import { passwordHashOf } from '../users/same-password.ts'
import { proveUser, requireFreshPassword } from './login.ts'

/** Where the password lies that confirms a session; with a provider, only a login there does. */
export type ConfirmsWith = 'password' | 'directory' | 'provider'

const MEANS: Partial<Record<UserSource, ConfirmsWith>> = {
  local: 'password',
  ldap: 'directory',
  oidc: 'provider',
}

/** Null for whoever is asked for no confirmation, such as programs. */
export async function confirmsWith(
  engine: Engine,
  { principal: { kind, id, sessionId } }: Pick<Call, 'principal'>,
): Promise<ConfirmsWith | null> {
  if (kind !== 'user' || sessionId === undefined) return null
  const user = await engine.catalog.view.identities.byId('user', id)
  return (user && MEANS[user.source]) ?? null
}

/**
 * Marks the session of the caller, who proves the password and the code of who has a second factor.
 * Tells until when it counts. Wrong ones count as they do at a login. Who comes from a provider of
 * logins has no password here and logs in there again.
 */
export async function confirmSession(
  engine: Engine,
  call: Call,
  given: { readonly password: string; readonly code: string | undefined },
): Promise<string> {
  const { kind, id: userId, sessionId: id } = call.principal
  if (kind !== 'user' || id === undefined) {
    throw new HoldfastError('FORBIDDEN', { reason: 'only logins of people are confirmed' })
  }
  const known = await engine.catalog.view.identities.byId('user', userId)
  const [name] = known?.names ?? []
  if (known === undefined || known.source === 'oidc' || name === undefined) {
    throw new HoldfastError('FORBIDDEN', {
      reason: 'you have no password here: log in again at your provider',
    })
  }
  const { user, proof } = await proveUser(engine, { name, ...given, place: placeOf(call) })
  if (user.id !== userId) throw new HoldfastError('UNAUTHENTICATED')
  requireFreshPassword(engine, user)
  const nowMs = engine.clock.now()
  const confirmedAt = new Date(nowMs).toISOString()
  const args = { id, userId, proof, passwordHash: passwordHashOf(user), confirmedAt }
  await commit(engine, call, { name: 'sessions.confirm', args })
  engine.identity.guessedNames.forget(user.names)
  if (proof?.kind === 'recovery') {
    notify(engine, user, 'A recovery code was used to prove a session')
  }
  return new Date(nowMs + engine.identity.settings.confirmSeconds * 1000).toISOString()
}
