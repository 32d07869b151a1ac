import { password } from '../../people.ts'
import type { Row, World } from '../row.ts'
import { rules, sameFor } from '../rules.ts'

//                              adm ope use aud rea nar str con ano
const nobodys = sameFor(' 4   4   4   4   4   4   4   4   1 ')
let users = 0

/** Somebody else, logged in. */
const session = async ({ lab }: World) => {
  users += 1
  const username = `mx-session-${users}`
  const user = { username, password, roles: [], must_change_password: false }
  const { id } = await lab.must('POST', '/api/v2/users', user)
  await lab.must('POST', '/api/v2/auth/login', { username, password })
  const { items } = await lab.must('GET', `/api/v2/users/${id}/sessions`)
  return { id, session: items[0].id }
}
const byUser = ({ made: { id = '' } }: World) => ({ params: { id } })

export const sessionRows = {
  // The password is that of everybody here.
  confirmSession: { rule: rules.session, ask: () => ({ json: { password } }), once: true },
  listSessions: { rule: rules.self, ask: () => ({}), once: true },
  endSession: {
    rule: nobodys,
    prepare: session,
    ask: ({ made: { session: id = '' } }) => ({ params: { session_id: id } }),
    once: true,
  },
  endSessions: {
    rule: rules.self,
    // All but the one that asks, which goes on asking.
    ask: () => ({ query: { keep_current: 'true' } }),
    once: true,
  },
  listUserSessions: { rule: rules.administrators, prepare: session, ask: byUser, once: true },
  endUserSession: {
    rule: rules.administrators,
    prepare: session,
    ask: ({ made: { id = '', session: one = '' } }) => ({ params: { id, session_id: one } }),
    once: true,
  },
  getLoginWays: { rule: rules.open, ask: () => ({}), once: true },
  // Nobody is told of a token that is none.
  validateToken: { rule: rules.self, ask: () => ({ json: { token: 'none' } }), once: true },
  getUserStatistics: { rule: rules.administrators, ask: () => ({}), once: true },
  actOnUsers: {
    rule: rules.administrators,
    prepare: session,
    ask: ({ made: { id = '' } }) => ({ json: { action: 'unlock', ids: [id] } }),
    inner: answer => answer?.results?.[0]?.status,
    once: true,
  },
  endUserSessions: { rule: rules.administrators, prepare: session, ask: byUser, once: true },
} as const satisfies Record<string, Row>
