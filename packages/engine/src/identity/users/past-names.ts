import type { PastName, User } from '@holdfast/core/identities.ts'
import type { CatalogTransaction, Moment } from '@holdfast/core/ports/catalog.ts'

/**
 * Names of users come free again, but policies know users by name: whoever has one after somebody
 * else must not be meant by a policy that was written for the one before. The first one stays
 * remembered.
 */
export async function keepPastName(
  tx: CatalogTransaction,
  { id, username, names }: Pick<User, 'id' | 'username' | 'names'>,
  moment: Moment,
): Promise<void> {
  const name = username.toLowerCase()
  if (!names.includes(name)) return
  if ((await tx.identities.byName('past_name', name)) !== undefined) return
  const past: PastName = {
    kind: 'past_name',
    id: moment.newId(),
    seq: await tx.nextSeq(),
    names: [name],
    belongsTo: id,
    createdAt: moment.now,
    createdBy: moment.actor,
    updatedAt: moment.now,
  }
  await tx.put.identity(past)
}

/** Whether somebody else had the name before. */
export async function bearing(
  tx: CatalogTransaction,
  { id, username }: Pick<User, 'id' | 'username'>,
): Promise<Pick<User, 'isLaterBearer'>> {
  const past = await tx.identities.byName('past_name', username.toLowerCase())
  return { isLaterBearer: past !== undefined && past.belongsTo !== id }
}
