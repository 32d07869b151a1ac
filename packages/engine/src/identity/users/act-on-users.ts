import type { Call } from '@holdfast/core/call.ts'
import type { HoldfastError } from '@holdfast/core/errors.ts'
import type { User } from '@holdfast/core/identities.ts'
import { authorize } from '../../access/decide.ts'
import { rightsNow } from '../../access/rights-now.ts'
import { asHoldfastError } from '../../as-holdfast-error.ts'
import { commit } from '../../commit.ts'
import type { Engine } from '../../engine.ts'
import { requireConfirmed } from '../sessions/require-confirmed.ts'
import { endSessions } from '../sessions/sessions.ts'
import { isOwnAccount } from './own-account.ts'
import { getUser, removeUser, requireManageable, unlockUser, updateUser } from './users.ts'

export type UserAction =
  | 'activate'
  | 'deactivate'
  | 'unlock'
  | 'delete'
  | 'end_sessions'
  | 'require_password_change'

export interface ActedUser {
  readonly id: string
  /** Absent where it was refused. */
  /** How the user was; `user` is absent where it is gone, and where only sessions ended. */
  readonly done?: { readonly before: User; readonly user?: User; readonly ended?: number }
  readonly error?: HoldfastError
}

/**
 * Does the same to several users, each judged for itself as if it had come alone, with what the
 * caller may by then; `tell` is waited for after each. The caller's own account comes last: who is
 * shut out by it may do no more. What takes a proof for each is refused as a whole without one.
 */
export async function actOnUsers(
  engine: Engine,
  call: Call,
  what: {
    readonly action: UserAction
    readonly ids: readonly string[]
    readonly tell: (acted: ActedUser) => Promise<void>
  },
): Promise<ActedUser[]> {
  const { action, ids, tell } = what
  authorize(call.principal, 'admin:users', {})
  if (action === 'activate' || action === 'unlock') requireConfirmed(engine, call)
  const given = [...new Set(ids.map(id => id.toLowerCase()))]
  const results = new Map<string, ActedUser>()
  for (const id of await ownLast(engine, call, given)) {
    call.signal.throwIfAborted()
    const acted = await actAlone(engine, call, { action, id })
    await tell(acted)
    results.set(id, acted)
  }
  return given.flatMap(id => results.get(id) ?? [])
}

async function ownLast(engine: Engine, call: Call, ids: readonly string[]): Promise<string[]> {
  const others: string[] = []
  const own: string[] = []
  for (const id of ids) {
    if (await isOwnAccount(engine, call, id)) own.push(id)
    else others.push(id)
  }
  return [...others, ...own]
}

async function actAlone(
  engine: Engine,
  call: Call,
  { action, id }: { readonly action: UserAction; readonly id: string },
): Promise<ActedUser> {
  try {
    return { id, done: await act(engine, await rightsNow(engine, call), { action, id }) }
  } catch (error) {
    return { id, error: asHoldfastError(error) }
  }
}

async function act(
  engine: Engine,
  call: Call,
  { action, id }: { readonly action: UserAction; readonly id: string },
): Promise<NonNullable<ActedUser['done']>> {
  const before = await getUser(engine, call, id)
  switch (action) {
    case 'activate':
      return { before, user: await updateUser(engine, call, { id, patch: { status: 'ACTIVE' } }) }
    case 'deactivate':
      return { before, user: await updateUser(engine, call, { id, patch: { status: 'INACTIVE' } }) }
    case 'unlock':
      return { before, user: await unlockUser(engine, call, id) }
    case 'delete':
      await removeUser(engine, call, id)
      return { before }
    case 'end_sessions': {
      const which = { userId: id, keepCurrent: false }
      return { before, ended: await endSessions(engine, call, which) }
    }
    case 'require_password_change':
      return { before, user: await requirePasswordChange(engine, call, id) }
  }
}

/** All sessions end, and the next begins only when its owner has chosen another password. */
async function requirePasswordChange(engine: Engine, call: Call, id: string): Promise<User> {
  const user = await requireManageable(engine, call, id)
  return await commit(engine, call, { name: 'users.requireChange', args: { id: user.id } })
}
