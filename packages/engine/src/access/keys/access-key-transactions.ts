import { HoldfastError } from '@holdfast/core/errors.ts'
import type { AccessKey } from '@holdfast/core/objects.ts'
import type { CatalogTransaction, Moment } from '@holdfast/core/ports/catalog.ts'

export type PutAccessKeyArgs = Pick<
  AccessKey,
  'id' | 'name' | 'userId' | 'sealedSecret' | 'permissions' | 'buckets' | 'makerId' | 'expiresAt'
> & { readonly userKeysMax: number }

/** How long a key counts after it was made, whatever became of it: what was made is kept. */
const COUNTED_MS = 30 * 86_400_000

/** A new key, or the key of the settings again: who acts with it stays the same. */
export async function putAccessKeyTransaction(
  tx: CatalogTransaction,
  args: PutAccessKeyArgs,
  moment: Moment,
): Promise<AccessKey> {
  const known = await tx.accessKeys.byId(args.id)
  const { id, name, userId, permissions, buckets, makerId, expiresAt } = args
  if (known === undefined && userId !== null) {
    await requireRoom(tx, { userId, limit: args.userKeysMax }, moment)
  }
  const key: AccessKey = {
    id,
    seq: await tx.nextSeq(),
    name,
    principalId: userId ?? known?.principalId ?? moment.newId(),
    userId,
    sealedSecret: args.sealedSecret,
    permissions,
    buckets,
    makerId,
    createdAt: known?.createdAt ?? moment.now,
    createdBy: known?.createdBy ?? moment.actor,
    expiresAt,
    revokedAt: null,
  }
  await tx.put.accessKey(key)
  const rights = { permissions, buckets, expires_at: expiresAt }
  const detail = {
    access_key_id: id,
    principal_id: key.principalId,
    user_id: userId,
    name,
    ...rights,
  }
  await tx.note({ what: 'access_key.created', detail })
  return key
}

/** Whoever may log in makes keys, and each is looked through wherever keys are looked for. */
async function requireRoom(
  tx: CatalogTransaction,
  { userId, limit }: { readonly userId: string; readonly limit: number },
  moment: Moment,
): Promise<void> {
  const since = new Date(Date.parse(moment.now) - COUNTED_MS).toISOString()
  const counted = (await tx.accessKeys.list()).filter(key => {
    if (key.userId !== userId) return false
    const isOpen = key.revokedAt === null && (key.expiresAt ?? '~') > moment.now
    return isOpen || key.createdAt > since
  })
  if (counted.length >= limit) throw new HoldfastError('TOO_MANY_ITEMS', { limit })
}

export async function revokeAccessKeyTransaction(
  tx: CatalogTransaction,
  args: { readonly id: string },
  moment: Moment,
): Promise<AccessKey> {
  const key = await tx.accessKeys.byId(args.id)
  if (key === undefined) throw new HoldfastError('KEY_NOT_FOUND', { key_id: args.id })
  if (key.revokedAt !== null) return key
  const revoked: AccessKey = { ...key, seq: await tx.nextSeq(), revokedAt: moment.now }
  await tx.put.accessKey(revoked)
  const detail = { access_key_id: key.id, name: key.name }
  await tx.note({ what: 'access_key.revoked', detail })
  return revoked
}
