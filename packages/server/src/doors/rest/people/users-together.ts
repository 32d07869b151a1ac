import type { UserActionResult } from '@holdfast/contract/schemas/people/user-actions.ts'
import type { UserStatisticsResponse } from '@holdfast/contract/schemas/people/user-statistics.ts'
import {
  type ActedUser,
  actOnUsers,
  type UserAction,
} from '@holdfast/engine/identity/users/act-on-users.ts'
import {
  type UserStatistics,
  userStatistics,
} from '@holdfast/engine/identity/users/user-statistics.ts'
import { auditPart } from '../../../http/caller/audited.ts'
import { answer, type Operations } from '../../../http/exchange.ts'
import { partProblem, statusOf } from '../statuses.ts'
import { userWire } from '../wire/identity-wire.ts'

/** The operation that does it to one user; under its name it stands in the audit log. */
const ALONE: Readonly<Record<UserAction, string>> = {
  activate: 'updateUser',
  deactivate: 'updateUser',
  unlock: 'unlockUser',
  delete: 'removeUser',
  end_sessions: 'endUserSessions',
  require_password_change: 'requirePasswordChange',
}

export const usersTogetherOperations: Pick<Operations, 'getUserStatistics' | 'actOnUsers'> = {
  getUserStatistics: async ({ context, call }) => {
    const counted = await userStatistics(context.engine, call)
    return statisticsWire(counted, context.clock.now())
  },

  actOnUsers: async exchange => {
    const { context, call, body, request } = exchange
    const { action, ids } = body
    const wire = (acted: ActedUser) => actedWire(acted, context.clock.now())
    const tell = async (acted: ActedUser) => {
      const { id, status, user, ended } = wire(acted)
      const change = acted.done && {
        before: userWire(acted.done.before, context.clock.now()),
        // Who only lost sessions is as before.
        ...(ended === undefined ? { after: user ?? null } : { ended }),
      }
      const detail = { by: 'actOnUsers', ...change }
      const part = { action: ALONE[action], resource: { id }, detail, status }
      await auditPart(context, request, { ...part, error: acted.error })
    }
    const results = (await actOnUsers(context.engine, call, { action, ids, tell })).map(wire)
    const failed = results.filter(({ error }) => error !== undefined).length
    const succeeded = results.length - failed
    request.state.told = { action, succeeded, failed }
    return await answer(exchange, failed === 0 ? 200 : 207, { results, succeeded, failed })
  },
}

function statisticsWire(counted: UserStatistics, nowMs: number): UserStatisticsResponse {
  const { day, week, month } = counted.active
  return {
    total: counted.total,
    by_status: { ...counted.byStatus },
    by_role: { ...counted.byRole },
    without_role: counted.withoutRole,
    by_source: { ...counted.bySource },
    with_second_factor: counted.withSecondFactor,
    must_change_password: counted.mustChangePassword,
    never_logged_in: counted.neverLoggedIn,
    active: { last_day: day, last_7_days: week, last_30_days: month },
    counted_at: new Date(nowMs).toISOString(),
  }
}

function actedWire({ id, done, error }: ActedUser, nowMs: number): Result {
  if (error !== undefined) return { id, status: statusOf(error.code), error: partProblem(error) }
  const { user, ended } = done ?? {}
  return {
    ...{ id, status: 200 },
    ...(user === undefined ? {} : { user: userWire(user, nowMs) }),
    ...(ended === undefined ? {} : { ended }),
  }
}

type Result = UserActionResult['results'][number]
