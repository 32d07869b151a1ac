import { HoldfastError } from '@holdfast/core/errors.ts'
import type { Share } from '@holdfast/core/identities.ts'
import type { CatalogTransaction, Moment } from '@holdfast/core/ports/catalog.ts'
import { isGoodAccount } from '../identity/accounts/account-state.ts'

export type NewShare = Pick<
  Share,
  'makerKind' | 'makerName' | 'target' | 'note' | 'passwordHash' | 'expiresAt' | 'usesMax'
> & { readonly tokenHash: string; readonly makerId: string; readonly sharesMax: number }

/** How long a share that has ended is still shown to its maker. */
const REMEMBERED_MS = 30 * 86_400_000

export async function addShareTransaction(
  tx: CatalogTransaction,
  args: NewShare,
  moment: Moment,
): Promise<Share> {
  const { tokenHash, makerId, sharesMax: limit, ...given } = args
  const query = { kind: 'share', belongsTo: makerId, limit } as const
  const known = await tx.identities.list(query)
  const before = new Date(Date.parse(moment.now) - REMEMBERED_MS).toISOString()
  const old = known.filter(share => share.expiresAt < before || (share.revokedAt ?? '~') < before)
  if (known.length - old.length >= limit) throw new HoldfastError('TOO_MANY_ITEMS', { limit })
  for (const share of old) await tx.remove.identity(share.id)
  const share: Share = {
    kind: 'share',
    id: moment.newId(),
    seq: await tx.nextSeq(),
    names: [tokenHash],
    belongsTo: makerId,
    ...given,
    failures: 0,
    lockedUntil: null,
    uses: 0,
    lastUsedAt: null,
    revokedAt: null,
    revokedBy: null,
    createdAt: moment.now,
    createdBy: moment.actor,
    updatedAt: moment.now,
  }
  await tx.put.identity(share)
  const { target, expiresAt, usesMax } = share
  const told = { ...target, kind: 'share', target: target.kind, expiresAt, usesMax }
  await tx.note({ what: 'identity.set', detail: { ...told, id: share.id, maker: makerId } })
  return share
}

/**
 * Counts one download, before any of its bytes leave. Every condition is asked for again here,
 * where nothing runs beside it: so there are never more uses than the share is good for, and none
 * after it was revoked.
 */
export async function useShareTransaction(
  tx: CatalogTransaction,
  args: { readonly id: string },
  moment: Moment,
): Promise<Share> {
  const before = await tx.identities.byId('share', args.id)
  const end = before === undefined ? 'unknown' : endOf(before, moment.now)
  if (before === undefined || end !== undefined) {
    throw new HoldfastError('SHARE_NOT_FOUND', {}, { cause: end })
  }
  if (!(await isMakerGood(tx, before, moment.now))) {
    throw new HoldfastError('SHARE_NOT_FOUND', {}, { cause: 'withdrawn' })
  }
  // Who came in before too many guesses does not end the lock that they made.
  const isLocked = before.lockedUntil !== null && before.lockedUntil > moment.now
  const share: Share = {
    ...before,
    seq: await tx.nextSeq(),
    uses: before.uses + 1,
    lastUsedAt: moment.now,
    ...(isLocked ? {} : { failures: 0, lockedUntil: null }),
  }
  await tx.put.identity(share)
  await tx.note({ what: 'identity.set', detail: { kind: 'share', id: share.id, use: share.uses } })
  return share
}

/** Whether who made it may still act. What it may is asked before, when the content is opened. */
async function isMakerGood(tx: CatalogTransaction, share: Share, now: string): Promise<boolean> {
  const id = share.belongsTo ?? ''
  switch (share.makerKind) {
    case 'system':
      return true
    case 'user':
    case 'service_account':
      return await isGood(tx, id, now)
    case 'api_key': {
      const key = await tx.keys.byId(id)
      if (key?.revokedAt !== null || (key.expiresAt !== null && key.expiresAt <= now)) return false
      return key.makerId === null || (await isGood(tx, key.makerId, now))
    }
  }
}

async function isGood(tx: CatalogTransaction, id: string, now: string): Promise<boolean> {
  const account = await tx.identities.byId('service_account', id)
  if (account !== undefined) return isGoodAccount(account, Date.parse(now))
  return (await tx.identities.byId('user', id))?.status === 'ACTIVE'
}

/** A wrong password; the last of too many locks it for a while. */
export async function failShareTransaction(
  tx: CatalogTransaction,
  args: { readonly id: string; readonly failuresMax: number; readonly lockMs: number },
  moment: Moment,
): Promise<undefined> {
  const before = await tx.identities.byId('share', args.id)
  if (before === undefined) return undefined
  const served = before.lockedUntil !== null && before.lockedUntil <= moment.now
  const failures = (served ? 0 : before.failures) + 1
  const untilMs = Date.parse(moment.now) + args.lockMs
  const lockedUntil = failures >= args.failuresMax ? new Date(untilMs).toISOString() : null
  await tx.put.identity({ ...before, seq: await tx.nextSeq(), failures, lockedUntil })
  await tx.note({ what: 'login.failed', detail: { share_id: before.id } })
  return undefined
}

/** Revoking twice changes nothing. */
export async function revokeShareTransaction(
  tx: CatalogTransaction,
  args: { readonly id: string },
  moment: Moment,
): Promise<Share> {
  const before = await tx.identities.byId('share', args.id)
  if (before === undefined) throw new HoldfastError('SHARE_NOT_FOUND')
  if (before.revokedAt !== null) return before
  const { now, actor } = moment
  const revoked = { revokedAt: now, revokedBy: actor, updatedAt: now }
  const share: Share = { ...before, seq: await tx.nextSeq(), ...revoked }
  await tx.put.identity(share)
  await tx.note({ what: 'identity.set', detail: { kind: 'share', id: share.id, revoked: true } })
  return share
}

export type ShareEnd = 'revoked' | 'expired' | 'used_up'

/** Why the record itself says that it opens nothing more; undefined while it is good. */
export function endOf(share: Share, now: string): ShareEnd | undefined {
  if (share.revokedAt !== null) return 'revoked'
  if (share.expiresAt <= now) return 'expired'
  return share.usesMax !== null && share.uses >= share.usesMax ? 'used_up' : undefined
}
