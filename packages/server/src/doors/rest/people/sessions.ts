import type { SessionResponse } from '@holdfast/contract/schemas/people/session.ts'
import { confirmSession } from '@holdfast/engine/identity/sessions/confirm.ts'
import {
  endSession,
  endSessions,
  listSessions,
  type ShownSession,
} from '@holdfast/engine/identity/sessions/sessions.ts'
import type { Operations } from '../../../http/exchange.ts'

type Names =
  | 'confirmSession'
  | 'listSessions'
  | 'endSession'
  | 'endSessions'
  | 'listUserSessions'
  | 'endUserSession'
  | 'endUserSessions'

export const sessionOperations: Pick<Operations, Names> = {
  confirmSession: async ({ context, call, body: { password, code } }) => {
    return { confirmed_until: await confirmSession(context.engine, call, { password, code }) }
  },

  listSessions: async ({ context, call }) => {
    const items = (await listSessions(context.engine, call)).map(sessionWire)
    return { items, total: items.length }
  },

  endSession: async ({ context, call, params }) => {
    await endSession(context.engine, call, { id: params.session_id })
    return undefined
  },

  endSessions: async ({ context, call, query, request }) => {
    const keepCurrent = query.keep_current === true
    const ended = await endSessions(context.engine, call, { keepCurrent })
    request.state.told = { ended }
    return { ended }
  },

  listUserSessions: async ({ context, call, params }) => {
    const items = (await listSessions(context.engine, call, params.id)).map(sessionWire)
    return { items, total: items.length }
  },

  endUserSession: async ({ context, call, params }) => {
    await endSession(context.engine, call, { userId: params.id, id: params.session_id })
    return undefined
  },

  endUserSessions: async ({ context, call, params, request }) => {
    const which = { userId: params.id, keepCurrent: false }
    const ended = await endSessions(context.engine, call, which)
    request.state.told = { ended }
    return { ended }
  },
}

function sessionWire({ session, isCurrent, lastUsedAt }: ShownSession): SessionResponse {
  return {
    id: session.id,
    current: isCurrent,
    ip: session.ip,
    agent: session.agent,
    last_ip: session.lastIp,
    last_agent: session.lastAgent,
    created_at: session.createdAt,
    last_used_at: lastUsedAt,
    expires_at: session.expiresAt,
  }
}
