import { isDeepStrictEqual } from 'node:util'
import { HoldfastError } from '@holdfast/core/errors.ts'
import type { OutsideIdentity, User, UserSource } from '@holdfast/core/identities.ts'
import type { CatalogTransaction, Moment } from '@holdfast/core/ports/catalog.ts'
import { endSessionsOf } from '../sessions/session-transactions.ts'
import { bearing, keepPastName } from '../users/past-names.ts'

export interface AdoptArgs {
  /** Made of issuer and subject by `subjectId`. */
  readonly id: string
  readonly source: Exclude<UserSource, 'local'>
  readonly outside: Omit<OutsideIdentity, 'closed'>
  readonly username: string
  readonly email: string | null
  readonly firstName: string
  readonly lastName: string
  readonly roles: readonly string[]
  readonly buckets: readonly string[] | null
  /** In lower case, by which it can log in here; none for who brings tokens. */
  readonly names: readonly string[]
}

/**
 * A user of another place as that place says it is now: made when it is seen first, changed where
 * it differs. What administrators decided here stays: their INACTIVE, DELETED and buckets.
 */
export async function adoptUserTransaction(
  tx: CatalogTransaction,
  args: AdoptArgs,
  moment: Moment,
): Promise<User> {
  const { outside, names, buckets, ...told } = args
  const before = await tx.identities.byId('user', args.id)
  if (before?.status === 'DELETED') return before
  requireSame(before, outside)
  const status = before?.outside?.closed === true ? 'ACTIVE' : (before?.status ?? 'ACTIVE')
  const given = { ...told, outside: { ...outside, closed: false }, status } as const
  const fresh = { buckets, createdAt: moment.now, createdBy: moment.actor, lastLoginAt: null }
  const none = { password: null, secondFactor: null }
  const fixed = { kind: 'user', belongsTo: null, ...none, isSystem: false } as const
  const count = { failures: 0, lockedUntil: null }
  const blank = { names: [], seq: 0, isLaterBearer: false }
  const kept = before ?? { ...fixed, ...fresh, ...count, ...given, ...blank }
  const free = await freeNames(tx, { id: args.id, username: args.username, names }, moment)
  const bearer = await bearing(tx, args)
  const user: User = { ...kept, ...given, ...bearer, names: free, updatedAt: moment.now }
  if (before !== undefined && before.username !== user.username) {
    await keepPastName(tx, before, moment)
  }
  if (before !== undefined && isSame(user, before)) return before
  await tx.put.identity({ ...user, seq: await tx.nextSeq() })
  const detail = { kind: 'user', id: user.id, username: user.username, source: user.source }
  const { claims: _, maps: __, ...mapped } = outside
  const rights = { roles: user.roles, ...mapped, before: before?.roles ?? null }
  await tx.note({ what: 'identity.set', detail: { ...detail, ...rights } })
  return user
}

/** Another subject under the same id would be a collision of SHA-256, or a forged record. */
function requireSame(before: User | undefined, outside: AdoptArgs['outside']): void {
  if (before === undefined) return
  const { issuer, subject } = before.outside ?? {}
  if (issuer !== outside.issuer || subject !== outside.subject) {
    throw new HoldfastError('UNAUTHENTICATED')
  }
}

/** Whether the user is recorded as the other place says it is. */
export function isSaid(user: User, { outside, buckets: _, ...args }: AdoptArgs): boolean {
  const given = { ...args, outside: { ...outside, closed: false } }
  return isDeepStrictEqual({ ...user, ...given }, user)
}

function isSame(user: User, before: User): boolean {
  return isDeepStrictEqual({ ...user, updatedAt: before.updatedAt }, before)
}

/**
 * Local users keep their names. A name that another user of the directory had is the newcomer's:
 * the directory gives each name once, so the other one has it no longer. Not as an address, which
 * people may choose: a user name goes before an address that is spelt like it.
 */
async function freeNames(
  tx: CatalogTransaction,
  { id, username, names: wanted }: Pick<AdoptArgs, 'id' | 'username' | 'names'>,
  moment: Moment,
): Promise<string[]> {
  const free: string[] = []
  for (const name of wanted) {
    const holder = await tx.identities.byName('user', name)
    if (holder !== undefined && holder.id !== id) {
      const isNameOfHolder = holder.username.toLowerCase() === name
      if (holder.source === 'local') continue
      if (isNameOfHolder && username.toLowerCase() !== name) continue
      const names = holder.names.filter(one => one !== name)
      if (isNameOfHolder) await keepPastName(tx, holder, moment)
      await tx.put.identity({ ...holder, names, seq: await tx.nextSeq() })
    }
    free.push(name)
  }
  return free
}

/** The other place says that the user is no more: out at once, until it says otherwise. */
export async function closeUserTransaction(
  tx: CatalogTransaction,
  args: { readonly id: string; readonly reason: string },
  moment: Moment,
): Promise<boolean> {
  const before = await tx.identities.byId('user', args.id)
  if (before?.outside == null || before.status !== 'ACTIVE') return false
  const outside = { ...before.outside, closed: true }
  const seq = await tx.nextSeq()
  const user: User = {
    ...{ ...before, outside, status: 'INACTIVE', updatedAt: moment.now },
    ...{ seq, endings: seq },
  }
  await tx.put.identity(user)
  await endSessionsOf(tx, user.id)
  const { id, username, status } = user
  const detail = { kind: 'user', id, username, status, reason: args.reason }
  await tx.note({ what: 'identity.set', detail })
  return true
}
