import Type, { type Static } from 'typebox'
import { time } from '../fields.ts'

const count = Type.Integer({ minimum: 0 })

export const userStatistics = Type.Object(
  {
    total: Type.Integer({ minimum: 0, description: 'All but the deleted ones.' }),
    by_status: Type.Object({ ACTIVE: count, INACTIVE: count, LOCKED: count, DELETED: count }),
    by_role: Type.Object(
      { ADMIN: count, OPERATOR: count, USER: count, AUDITOR: count, READONLY: count },
      { description: 'Who has several is counted in each.' },
    ),
    without_role: count,
    by_source: Type.Object({ local: count, ldap: count, oidc: count, token: count }),
    with_second_factor: count,
    must_change_password: count,
    never_logged_in: Type.Integer({
      minimum: 0,
      description: 'Without those who bring tokens of another issuer and never log in here.',
    }),
    active: Type.Object(
      { last_day: count, last_7_days: count, last_30_days: count },
      { description: 'Logged in within so long, or used a session.' },
    ),
    counted_at: time('When this was counted.'),
  },
  { title: 'UserStatistics' },
)
export type UserStatisticsResponse = Static<typeof userStatistics>
