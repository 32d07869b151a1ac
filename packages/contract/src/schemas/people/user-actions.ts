import Type, { type Static } from 'typebox'
import { partProblem } from '../batch.ts'
import { closed, uuid } from '../fields.ts'
import { userResponse } from './identity.ts'

export const userActions = Type.Object(
  {
    action: Type.Enum(
      [
        ...['activate', 'deactivate', 'unlock', 'delete', 'end_sessions'],
        'require_password_change',
      ] as const,
      { description: 'What is done to each of them.' },
    ),
    ids: Type.Array(uuid('User id.'), { minItems: 1, maxItems: 100 }),
  },
  { ...closed, title: 'UserActions' },
)

export const userActionResult = Type.Object(
  {
    results: Type.Array(
      Type.Object({
        id: uuid('User id.'),
        status: Type.Integer({ description: '200, or the status this user alone would have got.' }),
        user: Type.Optional(userResponse),
        ended: Type.Optional(Type.Integer({ minimum: 0, description: 'Sessions that ended.' })),
        error: Type.Optional(partProblem),
      }),
    ),
    succeeded: Type.Integer({ minimum: 0 }),
    failed: Type.Integer({ minimum: 0 }),
  },
  { title: 'UserActionResult', description: 'One result for each user, in the order sent.' },
)
export type UserActionResult = Static<typeof userActionResult>
