import type { Server } from 'node:http'
import type { Socket } from 'node:net'
import type { Clock } from '@holdfast/core/ports/clock.ts'

/** For what a client says first, and once more for the rest of a handshake. */
export const HANDSHAKE_MS = 10_000
/** A record of TLS with its head; those of clients have some two thousand bytes. */
const HELLO_BYTES_MAX = 16_384 + 5
const RECORD_HEAD = 5
const MESSAGE_HEAD = 4
const HANDSHAKE = 22
const CLIENT_HELLO = 1

/**
 * Gives Node's TLS a connection when all that a client says first is there, and when it is its
 * turn. The signature that answers it is most of what a handshake costs: a thousand at once, in one
 * turn of the event loop, were half a second in which nobody was served.
 */
export function holdHellos(
  server: Server,
  turn: (socket: Socket) => Promise<void> | undefined,
  clock: Pick<Clock, 'monotonic'>,
): void {
  const nodes = server.listeners('connection')
  server.removeAllListeners('connection')
  server.on('connection', (socket: Socket) => {
    const beganMs = clock.monotonic()
    let bytes = Buffer.alloc(0)
    const cut = () => socket.destroy()
    const handOver = () => {
      // What broke it may have yet to be told.
      if (socket.destroyed) return
      socket.off('error', cut).off('timeout', cut).setTimeout(0)
      for (const listener of nodes) Reflect.apply(listener, server, [socket])
    }
    const read = (chunk: Buffer) => {
      bytes = Buffer.concat([bytes, chunk])
      const isLate = clock.monotonic() - beganMs > HANDSHAKE_MS
      if (!isHelloWhole(bytes)) {
        if (isLate || bytes.length > HELLO_BYTES_MAX) cut()
        return
      }
      // Node reads first what it finds there.
      socket.off('data', read).pause().unshift(bytes)
      const waiting = turn(socket)
      if (waiting === undefined) handOver()
      else void waiting.then(handOver)
    }
    socket.on('data', read).on('error', cut).on('timeout', cut).setTimeout(HANDSHAKE_MS)
  })
}

/** Whether a ClientHello is there with its end (RFC 8446 §4, §5.1), or something else. */
export function isHelloWhole(bytes: Buffer): boolean {
  const head: number[] = []
  let received = 0
  for (let at = 0; at < bytes.length; ) {
    if (bytes[at] !== HANDSHAKE) return true
    if (at + RECORD_HEAD > bytes.length) return false
    const end = at + RECORD_HEAD + bytes.readUInt16BE(at + 3)
    const part = bytes.subarray(at + RECORD_HEAD, end)
    head.push(...part.subarray(0, MESSAGE_HEAD - head.length))
    received += part.length
    const [type, ...length] = head
    if (type !== undefined && type !== CLIENT_HELLO) return true
    if (head.length === MESSAGE_HEAD) {
      const needed = length.reduce((sum, byte) => sum * 256 + byte, 0)
      if (received >= MESSAGE_HEAD + needed) return true
    }
    at = end
  }
  return false
}
