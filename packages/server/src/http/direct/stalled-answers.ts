import type { Server, ServerResponse } from 'node:http'
import { Socket } from 'node:net'
import type { TLSSocket } from 'node:tls'

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

const asked = new WeakSet<Socket>()

/**
 * Cuts a connection of TLS whose answer waits for a client that the kernel knows to be gone. When
 * a record that is no answer meets the reset (the tickets after a handshake, an alert), Node drops
 * that error, the only one there is, and all that is written later waits behind the record for
 * ever. So the kernel is asked again, with nothing to send: EPIPE.
 */
export function cutWhenGone(connection: TLSSocket): void {
  const below: unknown = Reflect.get(connection, '_parent')
  if (connection.writableLength === 0 || !(below instanceof Socket) || asked.has(below)) return
  // Behind what a slow client has still to take the question waits as well: one is enough.
  asked.add(below)
  below.write('', error => {
    asked.delete(below)
    if (error) connection.destroy()
  })
}
