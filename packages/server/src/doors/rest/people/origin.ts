import type { Scope } from '../../../http/exchange.ts'

const AGENT_CHARS_MAX = 256

/** Where a login comes from, for the list of sessions. */
export function originOf({ request }: Pick<Scope, 'request'>) {
  const agent = request.headers['user-agent'] ?? ''
  return { ip: request.state.ip, agent: agent.slice(0, AGENT_CHARS_MAX) }
}
