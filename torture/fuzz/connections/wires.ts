import { once } from 'node:events'
import { type AddressInfo, connect, createServer, type Socket } from 'node:net'
import { type Duplex, Transform } from 'node:stream'
import { type TLSSocket, connect as tlsConnect } from 'node:tls'
import type { Way } from './ways.ts'

const handshakesAgain = 6

/** A connection as its client has it. */
export interface Wire {
  /** Of TCP: its end is the end of the connection. */
  readonly socket: Socket
  /** What is written and read here goes through TLS, where that is spoken. */
  readonly stream: Duplex
  /** Nothing more is to come; what the other side has still to say is read. */
  halfClose(): void
}

export function plainWire(port: number): Wire {
  // A reset is one only while neither end is closed: Node would spin on its own end for ever.
  const socket = connect({ port, host: '127.0.0.1', allowHalfOpen: true }).setNoDelay()
  socket.on('error', () => {})
  return { socket, stream: socket, halfClose: () => socket.end() }
}

export async function tlsWire(port: number, ca: Buffer, way: Way): Promise<Wire> {
  const plain = plainWire(port)
  if (way.kind === 'bare') return plain
  const { socket } = plain
  const { maxVersion } = way
  const below = await throughGate(socket, way)
  const stream = tlsConnect({ socket: below, ca, host: '127.0.0.1', maxVersion })
  let isSecure = false
  stream.on('error', () => {})
  stream.once('secureConnect', () => {
    isSecure = true
    if (way.kind === 'again') shakeAgain(stream, handshakesAgain)
  })
  const halfClose = () => {
    // Without a handshake there is no word to end with.
    if (isSecure && !way.isWordless) stream.end()
    else socket.end()
  }
  return { socket, stream, halfClose }
}

function shakeAgain(stream: TLSSocket, times: number): void {
  if (times === 0 || stream.destroyed) return
  stream.renegotiate({}, error => {
    if (error === null) shakeAgain(stream, times - 1)
  })
}

/**
 * A socket whose bytes reach the other one as far as the way lets them pass. TLS wants a socket of
 * the system below it, so this is one, to a port of our own: Node does not survive a reset of the
 * one that its TLS stands on.
 */
async function throughGate(socket: Socket, way: Way): Promise<Socket> {
  const relay = createServer({ allowHalfOpen: true })
  relay.listen(0, '127.0.0.1')
  await once(relay, 'listening')
  const { port } = relay.address() as AddressInfo
  const near = connect({ port, host: '127.0.0.1', allowHalfOpen: true }).setNoDelay()
  const [far]: Socket[] = await once(relay, 'connection')
  relay.close()
  if (far === undefined) throw new RangeError('no connection to the relay')
  const gate = new Gate(way)
  far
    .pipe(new Transform({ transform: (chunk, _, done) => done(null, gate.pass(chunk)) }))
    .pipe(socket)
  socket.pipe(far)
  for (const one of [near, far]) one.on('error', () => {})
  socket.once('close', () => far.destroy())
  far.once('close', () => socket.destroy())
  return near
}

/** Lets pass so many bytes, and then others or none. */
class Gate {
  readonly #way: Way
  #left: number

  constructor(way: Way) {
    this.#way = way
    this.#left = way.passes
  }

  pass(chunk: Buffer): Uint8Array {
    if (chunk.length <= this.#left) {
      this.#left -= chunk.length
      return chunk
    }
    const kept = chunk.subarray(0, Math.max(0, this.#left))
    const isFirst = this.#left >= 0
    this.#left = -1
    if (!isFirst || this.#way.kind !== 'garbage') return kept
    return Buffer.concat([kept, this.#way.garbage])
  }
}
