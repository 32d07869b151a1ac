import { HoldfastError } from '@holdfast/core/errors.ts'
import type { AccessKey } from '@holdfast/core/objects.ts'
import type { CatalogTransaction, Moment } from '@holdfast/core/ports/catalog.ts'
import { requireKeyRoom } from './key-room.ts'

export type PutAccessKeyArgs = Pick<
  AccessKey,
  'id' | 'name' | 'userId' | 'sealedSecret' | 'permissions' | 'buckets' | 'makerId' | 'expiresAt'
> & { readonly userKeysMax: number }

/** A new key, or the key of the settings again: who acts with it stays the same. */
export async function putAccessKeyTransaction(
  tx: CatalogTransaction,
  args: PutAccessKeyArgs,
  moment: Moment,
): Promise<AccessKey> {
  const known = await tx.accessKeys.byId(args.id)
  const { id, name, userId, permissions, buckets, makerId, expiresAt } = args
  // Whoever may log in makes keys. Those that act for themselves count for who made them.
  if (known === undefined) {
    const holderOf = (one: Pick<AccessKey, 'userId' | 'makerId'>) => one.userId ?? one.makerId
    const all = await tx.accessKeys.list()
    const holding = { holder: holderOf(args), holderOf, all, limit: args.userKeysMax }
    await requireKeyRoom(tx, holding, moment)
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
