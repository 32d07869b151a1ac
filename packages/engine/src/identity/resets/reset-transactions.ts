import { HoldfastError } from '@holdfast/core/errors.ts'
import type { Password, PasswordReset, User } from '@holdfast/core/identities.ts'
import type { CatalogTransaction, Moment } from '@holdfast/core/ports/catalog.ts'
import { endSessionsOf } from '../sessions/session-transactions.ts'

/** Of the tokens of a user the newest alone is good. */
export async function beginResetTransaction(
  tx: CatalogTransaction,
  args: { readonly userId: string; readonly hash: string; readonly expiresAt: string },
  moment: Moment,
): Promise<User | undefined> {
  const user = await tx.identities.byId('user', args.userId)
  if (user === undefined || !canReset(user)) return undefined
  await endResetsOf(tx, user.id)
  const reset: PasswordReset = {
    kind: 'password_reset',
    id: moment.newId(),
    seq: await tx.nextSeq(),
    names: [args.hash],
    belongsTo: user.id,
    expiresAt: args.expiresAt,
    createdAt: moment.now,
    createdBy: moment.actor,
    updatedAt: moment.now,
  }
  await tx.put.identity(reset)
  await tx.note({ what: 'identity.set', detail: { kind: reset.kind, user_id: user.id } })
  return user
}

/**
 * Trades the token for a new password. Sessions end; a lock, the failures before it and the second
 * factor stay: a mailbox is no way around them.
 */
export async function useResetTransaction(
  tx: CatalogTransaction,
  args: { readonly hash: string; readonly password: Password },
  moment: Moment,
): Promise<User> {
  const reset = await tx.identities.byName('password_reset', args.hash)
  const before = reset && (await tx.identities.byId('user', reset.belongsTo ?? ''))
  if (before === undefined || !canReset(before) || reset === undefined) {
    throw new HoldfastError('RESET_INVALID')
  }
  if (reset.expiresAt <= moment.now) throw new HoldfastError('RESET_INVALID')
  await endResetsOf(tx, before.id)
  const { password } = args
  const user = { ...before, password, seq: await tx.nextSeq(), updatedAt: moment.now }
  await tx.put.identity(user)
  await endSessionsOf(tx, user.id)
  const detail = { kind: 'user', id: user.id, password: 'reset by mail' }
  await tx.note({ what: 'identity.set', detail })
  return user
}

/** Who has a password here, an address, and is not shut out. */
export function canReset(user: User): boolean {
  const { status, source, email, password } = user
  return status === 'ACTIVE' && source === 'local' && email !== null && password !== null
}

/** For transactions after which what was mailed must not count: one of each user at most. */
export async function endResetsOf(tx: CatalogTransaction, userId: string): Promise<void> {
  const open = await tx.identities.list({ kind: 'password_reset', belongsTo: userId, limit: 10 })
  for (const { id } of open) await tx.remove.identity(id)
}
