import type { IncomingMessage, ServerResponse } from 'node:http'
import type { Socket } from 'node:net'
import type { Clock } from '@holdfast/core/ports/clock.ts'
import type { Context } from '../context.ts'

const ROUNDS = 10
const ROUND_MS = 1000
const LINGER_BYTES = 256 * 1024 * 1024

/**
 * Sends a refusal to a client that is still sending its body. Closing at once would reset the
 * connection and destroy the answer before it is read (RFC 9112 §9.6), so what comes is thrown
 * away for a while, within limits, and only then the connection is closed.
 */
export async function refuseWhileSending(
  exchange: { readonly request: IncomingMessage; readonly response: ServerResponse },
  answer: { readonly status: number; readonly headers: object; readonly body: string },
  { clock, connections }: Pick<Context, 'clock' | 'connections'>,
): Promise<void> {
  const { request, response } = exchange
  const body = Buffer.from(answer.body)
  response.writeHead(answer.status, {
    ...answer.headers,
    'content-length': body.length,
    connection: 'close',
  })
  response.write(body)
  connections.answered(response)
  const over = new AbortController()
  let bytes = 0
  const end = () => over.abort()
  request.on('data', (chunk: Buffer) => {
    bytes += chunk.length
    if (bytes > LINGER_BYTES) end()
  })
  request.on('end', end).on('error', end).on('close', end)
  if (request.readableEnded || request.destroyed) end()
  for (let round = 0; round < ROUNDS && !over.signal.aborted; round += 1) {
    const before = bytes
    await clock.sleep(ROUND_MS, over.signal).catch(() => {})
    if (bytes === before) end()
  }
  response.end()
}

/** How long a connection may stay open after its last bytes. */
const ENDED_MS = 2_000

/**
 * Ends a connection with these bytes. Who does not end it as well is cut, whether it sends more or
 * nothing: Node leaves that to whoever answers what it could not read.
 */
export function endConnection(socket: Socket, text: string, clock: Clock): void {
  const closed = new AbortController()
  socket.once('close', () => closed.abort())
  socket.end(text)
  clock.sleep(ENDED_MS, closed.signal).then(
    () => socket.destroy(),
    () => {},
  )
}
