import { route } from '../../route.ts'
import { userParams } from '../../schemas/people/identity.ts'
import {
  confirmation,
  confirmed,
  endSessionsQuery,
  sessionList,
  sessionParams,
  sessionsEnded,
  userSessionParams,
} from '../../schemas/people/session.ts'

const own = '/api/v2/auth/sessions'
const ofUser = '/api/v2/users/{id}/sessions'
const self = { tag: 'Login', permission: 'self' } as const
const guarded = { tag: 'Users', permission: 'admin:users' } as const

export const sessionRoutes = {
  confirmSession: route({
    ...self,
    method: 'POST',
    path: '/api/v2/auth/confirm',
    summary: 'Prove again who you are, for what a session alone is not enough for',
    description:
      'What gives rights to others or outlives the session takes a login, or this, within ' +
      '`STORAGE_CONFIRMATION_LIFETIME`; else it is refused with CONFIRMATION_REQUIRED. Wrong ' +
      'passwords and codes count as at a login. API keys and service accounts are not asked; ' +
      'people of an OpenID provider log in there again.',
    body: { kind: 'json', schema: confirmation },
    answer: { status: 200, description: 'Proven for a while.', schema: confirmed },
    errors: [
      ...['UNAUTHENTICATED', 'ACCOUNT_DISABLED', 'ACCOUNT_LOCKED', 'PASSWORD_CHANGE_REQUIRED'],
      ...['SECOND_FACTOR_REQUIRED', 'IDENTITY_UNAVAILABLE'],
    ] as const,
  }),
  listSessions: route({
    ...self,
    method: 'GET',
    path: own,
    summary: 'Own sessions: where one is logged in',
    answer: { status: 200, description: 'Newest first.', schema: sessionList },
  }),
  endSession: route({
    ...self,
    method: 'DELETE',
    path: `${own}/{session_id}`,
    summary: 'End one of the own sessions',
    params: sessionParams,
    answer: { status: 204, description: 'Its tokens are refused from now on.' },
    errors: ['SESSION_NOT_FOUND'],
  }),
  endSessions: route({
    ...self,
    method: 'DELETE',
    path: own,
    summary: 'End all own sessions, or all but the current one',
    query: endSessionsQuery,
    answer: { status: 200, description: 'How many ended.', schema: sessionsEnded },
  }),
  listUserSessions: route({
    ...guarded,
    method: 'GET',
    path: ofUser,
    summary: 'Sessions of a user',
    params: userParams,
    answer: { status: 200, description: 'Newest first.', schema: sessionList },
    errors: ['USER_NOT_FOUND'],
  }),
  endUserSession: route({
    ...guarded,
    method: 'DELETE',
    path: `${ofUser}/{session_id}`,
    summary: 'End a session of a user',
    params: userSessionParams,
    answer: { status: 204, description: 'Its tokens are refused from now on.' },
    errors: ['USER_NOT_FOUND', 'SESSION_NOT_FOUND'],
  }),
  endUserSessions: route({
    ...guarded,
    method: 'DELETE',
    path: ofUser,
    summary: 'End all sessions of a user',
    params: userParams,
    answer: { status: 200, description: 'How many ended.', schema: sessionsEnded },
    errors: ['USER_NOT_FOUND'],
  }),
} as const
