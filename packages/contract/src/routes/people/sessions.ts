import { route } from '../../route.ts'
import { userParams } from '../../schemas/people/identity.ts'
import {
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
