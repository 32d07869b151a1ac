import { route } from '../../route.ts'
import { loginWays, tokenStatus, tokenValidation } from '../../schemas/people/token.ts'

export const tokenRoutes = {
  getLoginWays: route({
    method: 'GET',
    path: '/api/v2/auth/status',
    tag: 'Login',
    permission: 'open',
    summary: 'Which ways to log in are offered',
    answer: { status: 200, description: 'The ways.', schema: loginWays },
  }),
  validateToken: route({
    method: 'POST',
    path: '/api/v2/auth/validate',
    tag: 'Login',
    permission: 'self',
    summary: 'Whether a token is good now, and whose it is',
    description:
      'Of the own tokens; with `admin:users` of any. `active: false` is the one answer for all ' +
      'that is not good, is of somebody else or is no token. Changes nothing: an old refresh ' +
      'token ends no session here. Whether a directory would refresh it is not asked there.',
    body: { kind: 'json', schema: tokenValidation },
    answer: { status: 200, description: 'What is known of it.', schema: tokenStatus },
  }),
} as const
