import { route } from '../../route.ts'
import { userActionResult, userActions } from '../../schemas/people/user-actions.ts'
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
  actOnUsers: route({
    method: 'POST',
    path: '/api/v2/users/batch',
    tag: 'Users',
    permission: 'admin:users',
    summary: 'Do the same to several users, each for itself',
    description:
      'Each is judged as if it had come alone, and stands in the audit log so. Not all or none: ' +
      'one that is refused keeps no other from it. The own account comes last.',
    body: { kind: 'json', schema: userActions },
    answer: { status: 200, description: 'Done to all.', schema: userActionResult },
    also: [{ status: 207, description: 'Some were refused.', schema: userActionResult }],
    errors: ['CONFIRMATION_REQUIRED'],
  }),
} as const
