import type { IncomingMessage, Server, ServerResponse } from 'node:http'
import type { Socket } from 'node:net'
import type { TLSSocket } from 'node:tls'
import type { Clock } from '@holdfast/core/ports/clock.ts'
import { addressKey } from '@holdfast/core/rates/address-key.ts'
import type { Log } from '../../telemetry/log.ts'

const WARN_AGAIN_MS = 60_000

/** A connection of any door, from its accept until it is closed. */
export class OpenConnection {
  readonly socket: Socket
  readonly server: Server
  readonly peer: Peer
  /** Its door takes no more requests: it ends with the answer that is on its way. */
  isClosing = false
  /** Those of its peer that went idle before and after it, while it is idle itself. */
  older: OpenConnection | undefined
  newer: OpenConnection | undefined
  #atWork = 0
  #isOver = false

  constructor(socket: Socket, server: Server, peer: Peer) {
    this.socket = socket
    this.server = server
    this.peer = peer
    peer.addIdle(this)
  }

  get isIdle(): boolean {
    return this.#atWork === 0
  }

  /** A request is at work, until `end`. */
  begin(): void {
    this.#atWork += 1
    if (this.#atWork === 1 && !this.#isOver) this.peer.dropIdle(this)
  }

  end(): void {
    this.#atWork -= 1
    if (this.#atWork === 0 && !this.#isOver) this.peer.addIdle(this)
  }

  /** It is not counted any more. */
  leave(): void {
    if (this.isIdle && !this.#isOver) this.peer.dropIdle(this)
    this.#isOver = true
  }
}

/** Connections of one address, the idle ones in a chain: who went idle first is found at once. */
class Peer {
  readonly key: string
  count = 0
  oldest: OpenConnection | undefined
  #newest: OpenConnection | undefined

  constructor(key: string) {
    this.key = key
  }

  addIdle(connection: OpenConnection): void {
    connection.older = this.#newest
    if (this.#newest === undefined) this.oldest = connection
    else this.#newest.newer = connection
    this.#newest = connection
  }

  dropIdle(connection: OpenConnection): void {
    const { older, newer } = connection
    if (older === undefined) this.oldest = newer
    else older.newer = newer
    if (newer === undefined) this.#newest = older
    else newer.older = older
    connection.older = undefined
    connection.newer = undefined
  }
}

export interface ConnectionOptions {
  /** At once, at all doors. */
  readonly max: number
  readonly clock: Pick<Clock, 'monotonic'>
  readonly log: Pick<Log, 'warn'>
}

/**
 * All connections of the process. Each takes one of the files that the system lets it open: were
 * they not bounded, strangers could leave none to the store. At the bound a newcomer gets the place
 * of who has been idle for longest among those of the address that has most; what is at work is
 * never cut. So no address keeps others out by connections that it only holds.
 */
export class OpenConnections {
  readonly max: number
  /** Since the start. */
  arrived = 0
  readonly closed = { idle: 0, refused: 0 }
  readonly #options: ConnectionOptions
  readonly #all = new Set<OpenConnection>()
  readonly #of = new WeakMap<Socket, OpenConnection>()
  readonly #peers = new Map<string, Peer>()
  /** Peers by how many connections they have, and the highest number. */
  readonly #ranks = new Map<number, Set<Peer>>()
  #most = 0
  readonly #answering = new WeakMap<ServerResponse, () => void>()
  #toldMs = Number.NEGATIVE_INFINITY

  constructor(options: ConnectionOptions) {
    this.#options = options
    this.max = options.max
  }

  get open(): number {
    return this.#all.size
  }

  /** Of a server whose listeners are there: these get only what has a place. */
  watch(server: Server): void {
    const listeners = server.listeners('connection')
    server.removeAllListeners('connection')
    server.on('connection', (socket: Socket) => {
      if (!this.#admit(socket, server)) return
      for (const listener of listeners) Reflect.apply(listener, server, [socket])
    })
    // Above it is another one, which requests are of.
    server.on('secureConnection', (secure: TLSSocket) => {
      const connection = this.#of.get(Reflect.get(secure, '_parent'))
      if (connection !== undefined) this.#of.set(secure, connection)
    })
    server.prependListener('request', this.#began)
    // Node knows neither of those that it was not given, nor of handshakes.
    server.closeIdleConnections = () => this.#close(server, ({ isIdle }) => isIdle)
    server.closeAllConnections = () => this.#close(server, () => true)
  }

  /** Of a socket that was let in, or what TLS made of it. */
  of(socket: Socket): OpenConnection {
    const connection = this.#of.get(socket)
    if (connection === undefined) throw new Error('a connection of a server that is not watched')
    return connection
  }

  /** Its refusal is written: what still comes of the request is thrown away, and is no work. */
  answered(response: ServerResponse): void {
    this.#answering.get(response)?.()
  }

  readonly #began = ({ socket }: IncomingMessage, response: ServerResponse): void => {
    const connection = this.#of.get(socket)
    // The same one comes twice where it expects something.
    if (connection === undefined || this.#answering.has(response)) return
    connection.begin()
    let isOver = false
    const over = () => {
      if (!isOver) connection.end()
      isOver = true
    }
    this.#answering.set(response, over)
    response.once('close', over)
  }

  #admit(socket: Socket, server: Server): boolean {
    if (this.#of.has(socket)) return true
    this.arrived += 1
    const key = addressKey(socket.remoteAddress ?? '')
    if (this.#all.size >= this.max && !this.#makeRoom(key)) {
      socket.destroy()
      this.#tell('refused')
      return false
    }
    const peer = this.#peers.get(key) ?? new Peer(key)
    this.#peers.set(key, peer)
    const connection = new OpenConnection(socket, server, peer)
    this.#of.set(socket, connection)
    this.#all.add(connection)
    this.#setCount(peer, peer.count + 1)
    socket.once('close', () => this.#leave(connection))
    return true
  }

  /** False where nobody gives way: none is idle, or only few, and the newcomer has most places. */
  #makeRoom(key: string): boolean {
    const giver = this.#mostWithIdle()
    if (giver?.oldest === undefined) return false
    const own = this.#peers.get(key)?.count ?? 0
    if (giver.key !== key && own > this.max / 2) return false
    const { oldest } = giver
    this.#leave(oldest)
    oldest.socket.destroy()
    this.#tell('idle')
    return true
  }

  #mostWithIdle(): Peer | undefined {
    for (let count = this.#most; count > 0; count -= 1) {
      for (const peer of this.#ranks.get(count) ?? []) {
        if (peer.oldest !== undefined) return peer
      }
    }
    return undefined
  }

  #leave(connection: OpenConnection): void {
    if (!this.#all.delete(connection)) return
    connection.leave()
    const { peer } = connection
    this.#setCount(peer, peer.count - 1)
    if (peer.count === 0) this.#peers.delete(peer.key)
  }

  #setCount(peer: Peer, count: number): void {
    const before = this.#ranks.get(peer.count)
    before?.delete(peer)
    if (before?.size === 0) this.#ranks.delete(peer.count)
    peer.count = count
    if (count > 0) {
      const rank = this.#ranks.get(count) ?? new Set()
      this.#ranks.set(count, rank.add(peer))
    }
    if (count > this.#most) this.#most = count
    else if (!this.#ranks.has(this.#most)) this.#most = count
  }

  #close(server: Server, isMeant: (connection: OpenConnection) => boolean): void {
    for (const connection of this.#all) {
      if (connection.server !== server) continue
      connection.isClosing = true
      if (isMeant(connection)) connection.socket.destroy()
    }
  }

  #tell(what: 'idle' | 'refused'): void {
    this.closed[what] += 1
    const { clock, log } = this.#options
    const nowMs = clock.monotonic()
    if (nowMs - this.#toldMs < WARN_AGAIN_MS) return
    this.#toldMs = nowMs
    const told = { max: this.max, ...this.closed }
    log.warn(told, 'connections are at their bound: idle ones make room, or newcomers are refused')
  }
}
