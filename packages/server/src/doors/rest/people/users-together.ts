import type { UserStatisticsResponse } from '@holdfast/contract/schemas/people/user-statistics.ts'
import {
  type UserStatistics,
  userStatistics,
} from '@holdfast/engine/identity/users/user-statistics.ts'
import type { Operations } from '../../../http/exchange.ts'

export const usersTogetherOperations: Pick<Operations, 'getUserStatistics'> = {
  getUserStatistics: async ({ context, call }) => {
    const counted = await userStatistics(context.engine, call)
    return statisticsWire(counted, context.clock.now())
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
