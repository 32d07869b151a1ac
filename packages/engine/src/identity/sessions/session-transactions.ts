import { HoldfastError } from '@holdfast/core/errors.ts'
import type { Session, User } from '@holdfast/core/identities.ts'
import type { CatalogTransaction, Moment } from '@holdfast/core/ports/catalog.ts'
import { type Proof, spendProof } from '../factors/spend-proof.ts'

export interface StartSessionArgs {
  readonly userId: string
  /** Of the second factor; null for who has none. */
  readonly proof: Proof | null
  readonly expiresAt: string
  readonly ip: string
  readonly agent: string
}

const SESSIONS_MAX = 100

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
  const before = spendProof(found, args.proof)
  const open = await tx.identities.list({
    kind: 'session',
    belongsTo: before.id,
    limit: SESSIONS_MAX + 1,
  })
  const [oldest] = open
  for (const one of open) if (one.expiresAt <= now) await tx.remove.identity(one.id)
  if (oldest !== undefined && open.length >= SESSIONS_MAX) await tx.remove.identity(oldest.id)
  const seq = await tx.nextSeq()
  const user: User = { ...before, seq, failures: 0, lockedUntil: null, lastLoginAt: now }
  const session: Session = {
    kind: 'session',
    id: moment.newId(),
    seq,
    names: [],
    belongsTo: user.id,
    generation: 1,
    expiresAt: args.expiresAt,
    ip: args.ip,
    agent: args.agent,
    createdAt: now,
    createdBy: user.id,
    updatedAt: now,
  }
  await tx.put.identity(user)
  await tx.put.identity(session)
  await tx.note({ what: 'identity.set', detail: { kind: 'session', id: session.id } })
  return { user, session }
}

/**
 * Trades the current refresh token for the next. One that was traded before is in two hands: the
 * whole session ends, and `undefined` tells so. A refusal by throwing would undo that.
 */
export async function renewSessionTransaction(
  tx: CatalogTransaction,
  args: { readonly id: string; readonly generation: number; readonly expiresAt: string },
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
    updatedAt: moment.now,
  }
  await tx.put.identity(session)
  await tx.note({ what: 'identity.set', detail: { kind: 'session', id: session.id } })
  return session
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

/** For transactions that shut somebody out. */
export async function endSessionsOf(tx: CatalogTransaction, ownerId: string): Promise<number> {
  const limit = SESSIONS_MAX + 1
  const open = await tx.identities.list({ kind: 'session', belongsTo: ownerId, limit })
  for (const { id } of open) await tx.remove.identity(id)
  return open.length
}
