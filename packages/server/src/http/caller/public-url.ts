import type { Scope } from '../exchange.ts'

const HOST = /^([a-z\d]([\w.-]{0,252}[a-z\d])?|\[[\da-f:.]{2,45}\])(:\d{1,5})?$/i

/** Address of this server as the caller reaches it, for links in answers; no slash at its end. */
export function publicUrl({ context, request }: Pick<Scope, 'context' | 'request'>): string {
  const { publicUrl: given, host, port } = context.settings
  // Whoever calls names the host; only what can be one goes into an address.
  const named = HOST.test(request.host) ? request.host : `${host}:${port}`
  return given ?? `${request.protocol}://${named}`
}
