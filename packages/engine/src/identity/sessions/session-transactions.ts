import { HoldfastError } from '@holdfast/core/errors.ts'
import type { Session, User } from '@holdfast/core/identities.ts'
import type { CatalogTransaction, Moment } from '@holdfast/core/ports/catalog.ts'
import { type Proof, spendProof } from '../factors/spend-proof.ts'
import { requireSamePassword } from '../users/same-password.ts'

export interface StartSessionArgs {
  readonly userId: string
  /** Of the second factor; null for who has none. */
  readonly proof: Proof | null
  /** What the password was held against. */
  readonly passwordHash: string | null
  /** `endings` of the user when a provider said who it is; null: not known from there. */
  readonly endings: number | null
  /** When it was proved who they are. */
  readonly confirmedAt: string
  readonly expiresAt: string
  readonly ip: string
  readonly agent: string
}

interface Origin {
  readonly ip: string
  readonly agent: string
}

export interface StartAccountSessionArgs extends Origin {
  readonly accountId: string
  readonly client: NonNullable<Session['client']>
  readonly expiresAt: string
}

export interface RenewSessionArgs {
  readonly id: string
  readonly generation: number
  readonly expiresAt: string
  readonly ip: string
  readonly agent: string
}

export const SESSIONS_MAX = 100

/** A login that succeeded: forgets the failures before it. The oldest session makes room. */
export async function startSessionTransaction(
  tx: CatalogTransaction,
  args: StartSessionArgs,
  moment: Moment,
): Promise<{ readonly user: User; readonly session: Session }> {
  const { now } = moment
  const found = await tx.identities.byId('user', args.userId)
  // Between the check of the password and this moment an administrator may have acted.
  if (found === undefined || found.status !== 'ACTIVE') throw new HoldfastError('UNAUTHENTICATED')
  if (found.password?.mustChange === true) throw new HoldfastError('PASSWORD_CHANGE_REQUIRED')
  // A code waits for its page up to a minute, in which all may have been ended.
  const isEnded = args.endings !== null && args.endings !== (found.endings ?? 0)
  if (isEnded) throw new HoldfastError('UNAUTHENTICATED')
  requireSamePassword(found, args.passwordHash)
  requireNoLock(found, now)
  const before = spendProof(found, args.proof)
  await makeRoom(tx, before.id, now)
  const seq = await tx.nextSeq()
  const user: User = { ...before, seq, failures: 0, lockedUntil: null, lastLoginAt: now }
  const { confirmedAt } = args
  const session = { ...newSession({ ...args, ownerId: user.id, seq }, moment), confirmedAt }
  await tx.put.identity(user)
  await tx.put.identity(session)
  await tx.note({ what: 'identity.set', detail: { kind: 'session', id: session.id } })
  return { user, session }
}

/** Guesses that came after the right password was seen: it must not end the lock they made. */
export function requireNoLock({ lockedUntil }: User, now: string): void {
  if (lockedUntil !== null && lockedUntil > now) throw new HoldfastError('UNAUTHENTICATED')
}

/** A program that trades its secret for tokens, one of which gets the next. */
export async function startAccountSessionTransaction(
  tx: CatalogTransaction,
  args: StartAccountSessionArgs,
  moment: Moment,
): Promise<Session> {
  const account = await tx.identities.byId('service_account', args.accountId)
  // Between the check of the secret and this moment an administrator may have acted.
  const isKept = account?.secrets.some(({ id }) => id === args.client.secretId)
  if (account?.status !== 'ACTIVE' || isKept !== true) throw new HoldfastError('UNAUTHENTICATED')
  await makeRoom(tx, account.id, moment.now)
  const seq = await tx.nextSeq()
  const { client } = args
  const session = { ...newSession({ ...args, ownerId: account.id, seq }, moment), client }
  await tx.put.identity(session)
  await tx.note({ what: 'identity.set', detail: { kind: 'session', id: session.id } })
  return session
}

async function makeRoom(tx: CatalogTransaction, ownerId: string, now: string): Promise<void> {
  const limit = SESSIONS_MAX + 1
  const open = await tx.identities.list({ kind: 'session', belongsTo: ownerId, limit })
  const [oldest] = open
  for (const one of open) if (one.expiresAt <= now) await tx.remove.identity(one.id)
  if (oldest !== undefined && open.length >= SESSIONS_MAX) await tx.remove.identity(oldest.id)
}

function newSession(
  args: Origin & { readonly ownerId: string; readonly seq: number; readonly expiresAt: string },
  moment: Moment,
): Session {
  return {
    kind: 'session',
    id: moment.newId(),
    seq: args.seq,
    names: [],
    belongsTo: args.ownerId,
    generation: 1,
    expiresAt: args.expiresAt,
    ip: args.ip,
    agent: args.agent,
    lastIp: args.ip,
    lastAgent: args.agent,
    createdAt: moment.now,
    createdBy: args.ownerId,
    updatedAt: moment.now,
  }
}

/**
 * Trades the current refresh token for the next. One that was traded before is in two hands: the
 * whole session ends, and `undefined` tells so. A refusal by throwing would undo that.
 */
export async function renewSessionTransaction(
  tx: CatalogTransaction,
  args: RenewSessionArgs,
  moment: Moment,
): Promise<Session | undefined> {
  const before = await tx.identities.byId('session', args.id)
  if (before === undefined) throw new HoldfastError('UNAUTHENTICATED')
  if (before.generation !== args.generation) {
    await tx.remove.identity(before.id)
    const detail = { kind: 'session', id: before.id, reason: 'a refresh token was used twice' }
    await tx.note({ what: 'identity.removed', detail })
    return undefined
  }
  const session: Session = {
    ...before,
    seq: await tx.nextSeq(),
    generation: before.generation + 1,
    expiresAt: args.expiresAt,
    lastIp: args.ip,
    lastAgent: args.agent,
    updatedAt: moment.now,
  }
  await tx.put.identity(session)
  await tx.note({ what: 'identity.set', detail: { kind: 'session', id: session.id } })
  return session
}

export type ConfirmSessionArgs = Pick<
  StartSessionArgs,
  'userId' | 'proof' | 'passwordHash' | 'confirmedAt'
> & {
  readonly id: string
}

/** Its user proved again who they are: the session may do for a while what takes that. */
export async function confirmSessionTransaction(
  tx: CatalogTransaction,
  args: ConfirmSessionArgs,
  { now }: Moment,
): Promise<undefined> {
  const found = await tx.identities.byId('user', args.userId)
  const before = await tx.identities.byId('session', args.id)
  // Between the check of the password and this moment somebody may have acted.
  if (found?.status !== 'ACTIVE' || before?.belongsTo !== found.id) {
    throw new HoldfastError('UNAUTHENTICATED')
  }
  requireSamePassword(found, args.passwordHash)
  requireNoLock(found, now)
  const spent = spendProof(found, args.proof)
  const seq = await tx.nextSeq()
  await tx.put.identity({ ...spent, seq, failures: 0, lockedUntil: null })
  await tx.put.identity({ ...before, seq, confirmedAt: args.confirmedAt })
  const detail = { kind: 'session', id: before.id, confirmed: true }
  await tx.note({ what: 'identity.set', detail })
  return undefined
}

/** Ending what has ended already changes nothing. */
export async function endSessionTransaction(
  tx: CatalogTransaction,
  args: { readonly id: string },
): Promise<undefined> {
  const session = await tx.identities.byId('session', args.id)
  if (session === undefined) return undefined
  await tx.remove.identity(session.id)
  await tx.note({ what: 'identity.removed', detail: { kind: 'session', id: session.id } })
  return undefined
}

/** All of somebody, but for the one to keep; tells how many ended. */
export async function endSessionsTransaction(
  tx: CatalogTransaction,
  args: { readonly ownerId: string; readonly keep: string | null },
): Promise<number> {
  const ended = await endSessionsOf(tx, args.ownerId, args.keep)
  const user = await tx.identities.byId('user', args.ownerId)
  // Their logins may be under way where no session is open yet.
  const isUnderWay = user?.source === 'oidc'
  if (ended === 0 && !isUnderWay) return 0
  const seq = await tx.nextSeq()
  if (isUnderWay) await tx.put.identity({ ...user, seq, endings: seq })
  const detail = { kind: 'session', owner_id: args.ownerId, ended }
  await tx.note({ what: 'identity.removed', detail })
  return ended
}

/** Of whoever they are. */
export async function endListedTransaction(
  tx: CatalogTransaction,
  args: { readonly ids: readonly string[] },
): Promise<undefined> {
  for (const id of args.ids) await tx.remove.identity(id)
  await tx.note({ what: 'identity.removed', detail: { kind: 'session', ended: args.ids.length } })
  return undefined
}

/** For transactions that shut somebody out. */
export async function endSessionsOf(
  tx: CatalogTransaction,
  ownerId: string,
  keep: string | null = null,
): Promise<number> {
  const limit = SESSIONS_MAX + 1
  const open = await tx.identities.list({ kind: 'session', belongsTo: ownerId, limit })
  const ending = open.filter(({ id }) => id !== keep)
  for (const { id } of ending) await tx.remove.identity(id)
  return ending.length
}
