import { HoldfastError } from '@holdfast/core/errors.ts'
import type { Engine } from '../../engine.ts'
import { openChallenge, stateOf } from '../factors/challenge.ts'
import { factorOf, type Proof } from '../factors/spend-proof.ts'
import { notify } from '../mail/notify.ts'
import { recheckUser } from '../outside/directory/recheck.ts'
import { mayAct } from '../principal-of-user.ts'
import { requireUnlocked } from './lockout.ts'
import {
  type LoggedIn,
  type Origin,
  requireCode,
  requireFreshPassword,
  startSession,
} from './login.ts'

export interface CodeLogin {
  /** From the answer to the right password. */
  readonly challenge: string
  /** Of the authenticator, or a recovery code. */
  readonly code: string
}

/**
 * The second step of a login. Wrong codes count like wrong passwords and wait in the same line; the
 * session starts in the transaction that spends the code, so that a code opens one session at most.
 */
export async function loginWithCode(
  engine: Engine,
  { challenge, code }: CodeLogin,
  origin: Origin,
): Promise<LoggedIn & { readonly by: Proof['kind'] }> {
  const { userId, state } = openChallenge(engine, challenge)
  return await engine.identity.turns.take(userId, async () => {
    const { identities } = engine.catalog.view
    const asked = await identities.byId('user', userId)
    if (asked === undefined || factorOf(asked) === undefined || stateOf(asked) !== state) {
      throw new HoldfastError('UNAUTHENTICATED')
    }
    requireUnlocked(engine, asked)
    // Minutes may lie between password and code: who was closed there since is out here.
    await recheckUser(engine, asked)
    const user = await identities.byId('user', userId)
    if (!mayAct(engine, user)) throw new HoldfastError('ACCOUNT_DISABLED')
    requireFreshPassword(engine, user)
    const proof = await requireCode(engine, user, code)
    const entered = await startSession(engine, { user, proof }, origin)
    if (proof.kind === 'recovery') notify(engine, user, 'A recovery code was used to log in')
    return { ...entered, by: proof.kind }
  })
}
