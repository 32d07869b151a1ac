import Type, { type Static } from 'typebox'
import { closed, time, uuid } from '../fields.ts'
import { code } from './factors.ts'
import { loginRequest } from './identity.ts'

const ip = Type.String({ description: 'Address that the login came from.' })
const agent = Type.String({ description: 'User-Agent of the login; anybody can send any.' })

export const sessionResponse = Type.Object(
  {
    id: uuid('Session id: `sid` of its tokens.'),
    current: Type.Boolean({ description: 'The one that the token of this request belongs to.' }),
    ip,
    agent,
    last_ip: Type.String({ description: 'Address that the last refresh came from.' }),
    last_agent: Type.String({ description: 'User-Agent of the last refresh.' }),
    created_at: time('When the login was.'),
    last_used_at: time('Of the last refresh, or request since the server started.'),
    expires_at: time('When it ends unless it is refreshed.'),
  },
  { title: 'SessionResponse', description: 'A login, and all tokens that came from it.' },
)
export type SessionResponse = Static<typeof sessionResponse>

export const sessionList = Type.Object(
  { items: Type.Array(sessionResponse), total: Type.Integer({ minimum: 0 }) },
  { title: 'SessionList' },
)

export const confirmation = Type.Object(
  { password: loginRequest.properties.password, code: Type.Optional(code) },
  { ...closed, title: 'Confirmation' },
)

export const confirmed = Type.Object(
  { confirmed_until: time('Until then nothing of this session asks for it again.') },
  { title: 'Confirmed' },
)

export const sessionsEnded = Type.Object(
  { ended: Type.Integer({ minimum: 0, description: 'How many sessions ended.' }) },
  { title: 'SessionsEnded' },
)

export const sessionParams = Type.Object({ session_id: uuid('Session id.') })
export const userSessionParams = Type.Object({
  id: uuid('User id.'),
  session_id: uuid('Session id.'),
})
export const endSessionsQuery = Type.Object(
  {
    keep_current: Type.Optional(
      Type.Boolean({ default: false, description: 'All others: the one of this request stays.' }),
    ),
  },
  closed,
)
