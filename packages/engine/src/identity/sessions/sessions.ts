import type { Call } from '@holdfast/core/call.ts'
import { HIDDEN, HoldfastError } from '@holdfast/core/errors.ts'
import type { Session } from '@holdfast/core/identities.ts'
import { authorize } from '../../access/decide.ts'
import { commit } from '../../commit.ts'
import type { Engine } from '../../engine.ts'
import { requireManageable } from '../users/users.ts'
import { SESSIONS_MAX } from './session-transactions.ts'

export interface ShownSession {
  readonly session: Session
  /** The one that the caller's own token belongs to. */
  readonly isCurrent: boolean
  /** Of the last refresh, or of the last request since the server started. */
  readonly lastUsedAt: string
}

/** Of the caller, or, for who administers users, of a user. Newest first. */
export async function listSessions(
  engine: Engine,
  call: Call,
  userId?: string,
): Promise<ShownSession[]> {
  const belongsTo = await requireOwner(engine, call, { userId, changes: false })
  const { identities } = engine.catalog.view
  const open = await identities.list({ kind: 'session', belongsTo, limit: SESSIONS_MAX + 1 })
  const nowMs = engine.clock.now()
  return open
    .filter(({ expiresAt }) => Date.parse(expiresAt) > nowMs)
    .reverse()
    .map(session => {
      const seenMs = engine.identity.tokens.seenMs(session.id) ?? 0
      const lastMs = Math.max(seenMs, Date.parse(session.updatedAt))
      const isCurrent = session.id === call.principal.sessionId
      return { session, isCurrent, lastUsedAt: new Date(lastMs).toISOString() }
    })
}

/** Its tokens are refused from the moment it resolves. One of somebody else is as if not there. */
export async function endSession(
  engine: Engine,
  call: Call,
  which: { readonly userId?: string | undefined; readonly id: string },
): Promise<void> {
  const ownerId = await requireOwner(engine, call, { userId: which.userId, changes: true })
  const id = which.id.toLowerCase()
  const session = await engine.catalog.view.identities.byId('session', id)
  if (session?.belongsTo !== ownerId) {
    const cause = session === undefined ? {} : { cause: HIDDEN }
    throw new HoldfastError('SESSION_NOT_FOUND', { session_id: which.id }, cause)
  }
  await commit(engine, call, { name: 'sessions.end', args: { id } })
}

/** Tells how many ended. */
export async function endSessions(
  engine: Engine,
  call: Call,
  which: { readonly userId?: string | undefined; readonly keepCurrent: boolean },
): Promise<number> {
  const ownerId = await requireOwner(engine, call, { userId: which.userId, changes: true })
  const keep = which.keepCurrent ? (call.principal.sessionId ?? null) : null
  return await commit(engine, call, { name: 'sessions.endAll', args: { ownerId, keep } })
}

async function requireOwner(
  engine: Engine,
  call: Call,
  { userId, changes }: { readonly userId: string | undefined; readonly changes: boolean },
): Promise<string> {
  const { id, within } = call.principal
  if (userId === undefined) {
    // Its scope may be a single permission, and none of them is for this.
    if (within === undefined) return id
    throw new HoldfastError('FORBIDDEN', { reason: 'a token with a scope rules no sessions' })
  }
  // Nobody shuts out a user who may more than they do.
  if (changes) return (await requireManageable(engine, call, userId)).id
  authorize(call.principal, 'admin:users', {})
  const user = await engine.catalog.view.identities.byId('user', userId.toLowerCase())
  if (user === undefined) throw new HoldfastError('USER_NOT_FOUND', { user_id: userId })
  return user.id
}
