import type { User } from '@holdfast/core/identities.ts'
import type { Principal } from '@holdfast/core/principal.ts'
import { principalOfUser } from '@holdfast/engine/identity/principal-of-user.ts'
import type { TokenPair } from '@holdfast/engine/identity/sessions/tokens.ts'
import type { Scope } from '../../../http/exchange.ts'

/** Who acts from the answer on that has the tokens: the audit log names the session, too. */
export async function loggedIn(
  { engine }: Scope['context'],
  { user, tokens }: { readonly user: User; readonly tokens: TokenPair },
): Promise<Principal> {
  const { principal } = await principalOfUser(engine, user)
  return { ...principal, sessionId: tokens.sessionId }
}
