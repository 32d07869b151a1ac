import { route } from '../../route.ts'
import { passwordReset, resetRequest } from '../../schemas/people/identity.ts'

export const resetRoutes = {
  forgotPassword: route({
    method: 'POST',
    path: '/api/v2/auth/password/forgot',
    tag: 'Login',
    permission: 'open',
    summary: 'Ask for a mail that lets its reader choose a new password',
    description:
      'The answer is the same, after the same work, whether there is such an account or not, and ' +
      'whether it has an address. Three mails at once for each user, thirty requests from each ' +
      'address, and as many again within an hour.',
    body: { kind: 'json', schema: resetRequest },
    answer: { status: 202, description: 'If there is such an account, a mail is on its way.' },
    errors: ['TOO_MANY_REQUESTS', 'RESET_UNAVAILABLE'],
  }),
  resetPassword: route({
    method: 'POST',
    path: '/api/v2/auth/password/reset',
    tag: 'Login',
    permission: 'open',
    summary: 'Choose a new password with the token of a mail',
    description:
      'The token is good once. All sessions end and none begins; a lock and the second factor ' +
      'stay. A password that breaks the rules leaves the token good.',
    body: { kind: 'json', schema: passwordReset },
    answer: { status: 204, description: 'Changed.' },
    errors: ['RESET_INVALID'],
  }),
} as const
