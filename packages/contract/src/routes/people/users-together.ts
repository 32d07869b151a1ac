import { route } from '../../route.ts'
import { userStatistics } from '../../schemas/people/user-statistics.ts'

export const usersTogetherRoutes = {
  getUserStatistics: route({
    method: 'GET',
    path: '/api/v2/users/statistics',
    tag: 'Users',
    permission: 'admin:users',
    summary: 'How many users there are of each kind, and how many are active',
    answer: { status: 200, description: 'The counts.', schema: userStatistics },
  }),
} as const
