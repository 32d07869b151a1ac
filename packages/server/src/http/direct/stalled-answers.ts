import type { Server, ServerResponse } from 'node:http'

/** Node waits so much longer than it says: a request may be on its way when the time is over. */
export const KEEP_ALIVE_GRACE_MS = 1_000

type TimedServer = Pick<Server, 'keepAliveTimeout'>

/** How long a connection may say nothing after an answer; 0 without a limit. */
export function keepAliveMsOf({ socket }: ServerResponse): number {
  const server: TimedServer | undefined =
    socket === null ? undefined : Reflect.get(socket, 'server')
  return server?.keepAliveTimeout ?? 0
}

/**
 * Who takes nothing of an answer for twice as long as it may say nothing is gone: the answer holds
 * memory that others need, and so does what waits behind it. Node cuts the connection then.
 * `prefinish` tells that all of the answer was handed to the connection.
 */
export function limitStall(response: ServerResponse): void {
  response.once('prefinish', () => {
    const { socket } = response
    const keepAliveMs = keepAliveMsOf(response)
    if (socket === null || socket.writableLength === 0 || keepAliveMs === 0) return
    socket.setTimeout(2 * (keepAliveMs + KEEP_ALIVE_GRACE_MS))
    response.once('finish', () => {
      // Node has set its own time, unless the next answer has its turn: that may take longer.
      if (Reflect.get(socket, '_httpMessage') !== null) socket.setTimeout(0)
    })
  })
}
