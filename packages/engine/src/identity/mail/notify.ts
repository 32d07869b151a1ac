import type { User } from '@holdfast/core/identities.ts'
import type { Engine } from '../../engine.ts'
import type { Proof } from '../factors/spend-proof.ts'
import { noticeMail } from './texts.ts'

/** Tells the owner of a change; without an address or a mail server there is nobody to tell. */
export function notify(engine: Engine, user: User, change: string): void {
  const { email, id, username } = user
  if (email === null) return
  const mail = { to: email, ...noticeMail(username, change) }
  engine.identity.mails?.addNotice({ about: 'notice', userId: id, mail })
}

/** Of a recovery code its owner hears wherever it was used: it is what a thief of the list has. */
export function notifyProven(
  engine: Engine,
  { user, proof }: { readonly user: User; readonly proof: Proof | null },
  change: string,
): void {
  notify(engine, user, proof?.kind === 'recovery' ? `${change} with a recovery code` : change)
}
