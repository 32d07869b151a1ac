import { route } from '../../route.ts'
import {
  codeLogin,
  factorBegin,
  factorEnrolment,
  factorProof,
  recoveryCodes,
} from '../../schemas/people/factors.ts'
import { tokenResponse, userParams, userResponse } from '../../schemas/people/identity.ts'

const factor = '/api/v2/auth/second-factor'
const refusals = ['UNAUTHENTICATED', 'ACCOUNT_DISABLED', 'ACCOUNT_LOCKED'] as const

export const factorRoutes = {
  loginWithCode: route({
    method: 'POST',
    path: '/api/v2/auth/login/code',
    tag: 'Login',
    permission: 'open',
    summary: 'Finish a login with the code of the second factor',
    description:
      'Wrong codes count like wrong passwords. A code is good once, a challenge for one login; ' +
      'it is no token for anything else.',
    body: { kind: 'json', schema: codeLogin },
    answer: { status: 200, description: 'Tokens of a new session.', schema: tokenResponse },
    errors: [
      ...refusals,
      ...(['CREDENTIAL_EXPIRED', 'PASSWORD_CHANGE_REQUIRED', 'IDENTITY_UNAVAILABLE'] as const),
    ],
  }),
  beginSecondFactor: route({
    method: 'POST',
    path: factor,
    tag: 'Login',
    permission: 'open',
    summary: 'Get a secret for an authenticator app',
    description:
      'Time-based codes of RFC 6238: SHA-1, six digits, thirty seconds. It counts when a code of ' +
      'it was confirmed. Works also where a login is refused because there is none yet.',
    body: { kind: 'json', schema: factorBegin },
    answer: { status: 201, description: 'The secret, once.', schema: factorEnrolment },
    errors: [...refusals, 'SECOND_FACTOR_EXISTS'],
  }),
  confirmSecondFactor: route({
    method: 'POST',
    path: `${factor}/confirm`,
    tag: 'Login',
    permission: 'open',
    summary: 'Switch the second factor on with its first code',
    description: 'Ends all sessions: they began without it.',
    body: { kind: 'json', schema: factorProof },
    answer: { status: 200, description: 'Ten recovery codes, once.', schema: recoveryCodes },
    errors: [...refusals, 'SECOND_FACTOR_EXISTS'],
  }),
  disableSecondFactor: route({
    method: 'POST',
    path: `${factor}/disable`,
    tag: 'Login',
    permission: 'open',
    summary: 'Switch the second factor off, proving both',
    description: 'Ends all sessions.',
    body: { kind: 'json', schema: factorProof },
    answer: { status: 204, description: 'Off.' },
    errors: [...refusals, 'SECOND_FACTOR_MISSING'],
  }),
  renewRecoveryCodes: route({
    method: 'POST',
    path: `${factor}/recovery-codes`,
    tag: 'Login',
    permission: 'open',
    summary: 'Get new recovery codes; the ones before are good no longer',
    body: { kind: 'json', schema: factorProof },
    answer: { status: 200, description: 'Ten recovery codes, once.', schema: recoveryCodes },
    errors: [...refusals, 'SECOND_FACTOR_MISSING'],
  }),
  removeUserSecondFactor: route({
    method: 'DELETE',
    path: '/api/v2/users/{id}/second-factor',
    tag: 'Users',
    permission: 'admin:users',
    summary: 'Take the second factor off somebody who lost it',
    description: 'Ends the sessions of the user. Nobody takes off their own this way.',
    params: userParams,
    answer: { status: 200, description: 'The user.', schema: userResponse },
    errors: ['CONFIRMATION_REQUIRED', 'USER_NOT_FOUND', 'SECOND_FACTOR_MISSING'],
  }),
} as const
