import type { Server } from 'node:http'
import type { Socket } from 'node:net'
import type { OpenConnection, OpenConnections } from '../../connections/open-connections.ts'
import { KEEP_ALIVE_GRACE_MS } from '../stalled-answers.ts'
import type { ReadHeaders } from './quick-fields.ts'
import { type PlainQueries, type QuickHead, QuickHeads } from './quick-head.ts'
import { type Announced, isPut, type QuickPutHead, QuickPutHeads } from './quick-put-head.ts'

/** Writes the answer; `over` is to be called once, when the connection is done with it. */
export type QuickAnswer = (over: () => void) => void

/** What a door answers to a plain request; undefined when Node and the framework are to do it. */
export type Quick<Headers> = (
  request: QuickHead<Headers>,
  socket: Socket,
) => QuickAnswer | Promise<QuickAnswer | undefined> | undefined

/** A body that is being received, counted as at work until it is served or given up. */
export interface QuickIntake {
  /** Bytes that are still to come. */
  readonly missing: number
  /** Copies the bytes of the chunk from there on; no more than are missing. */
  add(chunk: Buffer, from: number): void
  /** Stores it, once nothing is missing. Never rejects; undefined when Node is to do it. */
  serve(socket: Socket): Promise<QuickAnswer | undefined>
  /** Head and body as far as they came, for Node; nothing may be asked after it. */
  giveUp(): Buffer
}

/** Takes the body of a plain PUT; undefined when Node and the framework are to do it. */
export type QuickPut<Headers extends Announced> = (
  head: QuickPutHead<Headers>,
  socket: Socket,
) => QuickIntake | undefined

/** How long the body of a plain PUT may pause. */
export const SILENT_BODY_MS = 1_000

/** How a door takes plain PUTs. */
export interface QuickPuts<Headers extends Announced> {
  readonly take: QuickPut<Headers>
  readonly readHeaders: ReadHeaders<Headers>
  /** How long a body may pause; then it is Node's. */
  readonly silentMs: number
  /** Answers a client that ended in the middle of a body. */
  readonly refuseCut: (socket: Socket) => void
}

export interface QuickOptions<Headers, Put extends Announced> {
  /** Those of all doors: what has no place there is not taken. */
  readonly connections: OpenConnections
  readonly quick: Quick<Headers>
  readonly readHeaders: ReadHeaders<Headers>
  /** Those that the door may answer; others are Node's. */
  readonly queries?: PlainQueries
  /** Without them PUTs are Node's. */
  readonly puts?: QuickPuts<Put> | undefined
  /** How long a new connection may say nothing. */
  readonly headersMs: number
  /** How long one may say nothing after an answer. */
  readonly keepAliveMs: number
  /** Told of a connection that is Node's from now on, before Node reads of it. */
  readonly handedOver?: (socket: Socket) => void
  /** Answers a connection that said nothing. */
  readonly refuseSilent: (socket: Socket) => void
}

/**
 * Takes the connections of a server before Node does, and answers plain requests on them. Node's
 * parser, its two streams for each request and what they do after the answer cost more than all
 * that we do ourselves. At the first byte that is not such a request, the connection is Node's for
 * good, with that byte: nothing is decided here that Node would decide otherwise.
 */
export function takeQuickly<Headers, Put extends Announced>(
  server: Server,
  options: QuickOptions<Headers, Put>,
): void {
  const nodes = server.listeners('connection')
  server.removeAllListeners('connection')
  server.on('connection', (socket: Socket) => {
    new QuickConnection(options.connections.of(socket), {
      ...options,
      handOver: () => {
        for (const listener of nodes) Reflect.apply(listener, server, [socket])
        options.handedOver?.(socket)
      },
    }).listen()
  })
  options.connections.watch(server)
}

/** A body that does not come quickly is for Node, where the pace of senders is judged. */
const PIECES_MAX = 64
const NO_QUERIES: PlainQueries = new Set<string>()

interface ConnectionOptions<Headers, Put extends Announced> extends QuickOptions<Headers, Put> {
  /** Gives the socket to Node. */
  handOver(): void
}

class QuickConnection<Headers, Put extends Announced> {
  readonly #socket: Socket
  readonly #open: OpenConnection
  readonly #options: ConnectionOptions<Headers, Put>
  readonly #heads: QuickHeads<Headers>
  readonly #putHeads: QuickPutHeads<Put> | undefined
  /** Set while the body of a PUT is being received. */
  #intake: QuickIntake | undefined
  #pieces = 0
  #answered = false
  #busy = false
  #stalled = false
  #isCounted = false

  constructor(open: OpenConnection, options: ConnectionOptions<Headers, Put>) {
    this.#socket = open.socket
    this.#open = open
    this.#options = options
    const { readHeaders, queries = NO_QUERIES, puts } = options
    this.#heads = new QuickHeads(readHeaders, queries)
    this.#putHeads = puts && new QuickPutHeads(puts.readHeaders, queries)
  }

  listen(): void {
    const socket = this.#socket
    socket.on('data', this.#read).on('end', this.#end)
    socket.on('error', this.#broken).on('close', this.#giveUp)
    socket.on('timeout', this.#silent).setTimeout(this.#options.headersMs)
  }

  /** From the head of a request until its answer is over, or all of it is Node's. */
  #count(isAtWork: boolean): void {
    if (isAtWork === this.#isCounted) return
    this.#isCounted = isAtWork
    if (isAtWork) this.#open.begin()
    else this.#open.end()
  }

  readonly #read = (chunk: Buffer): void => {
    if (this.#busy) {
      // Waits until the answer before it is over: `over` reads on.
      this.#socket.pause()
      this.#socket.unshift(chunk)
      return
    }
    if (this.#intake !== undefined) {
      this.#gather(this.#intake, chunk)
      return
    }
    const { puts } = this.#options
    if (puts !== undefined && isPut(chunk)) {
      this.#readPut(puts, chunk)
      return
    }
    const request = this.#heads.read(chunk)
    const answer = request && this.#options.quick(request, this.#socket)
    if (answer === undefined) this.#handOver(chunk)
    else if (answer instanceof Promise) this.#answerLater(answer, chunk)
    else this.#answer(answer)
  }

  #readPut(puts: QuickPuts<Put>, chunk: Buffer): void {
    const head = this.#putHeads?.read(chunk)
    // More than it says is the next request: two at once are for Node.
    const fits = head !== undefined && chunk.length - head.text.length <= head.headers.length
    const intake = fits ? puts.take(head, this.#socket) : undefined
    if (head === undefined || intake === undefined) {
      this.#handOver(chunk)
      return
    }
    intake.add(chunk, head.text.length)
    if (intake.missing === 0) {
      this.#serve(intake)
      return
    }
    this.#intake = intake
    this.#count(true)
    this.#pieces = 1
    this.#socket.setTimeout(puts.silentMs)
  }

  #gather(intake: QuickIntake, chunk: Buffer): void {
    this.#pieces += 1
    const isSlow = this.#pieces > PIECES_MAX && !this.#open.isClosing
    if (chunk.length > intake.missing || isSlow) {
      this.#handOver(Buffer.concat([intake.giveUp(), chunk]))
      return
    }
    intake.add(chunk, 0)
    if (intake.missing > 0) return
    this.#intake = undefined
    this.#socket.setTimeout(this.#options.keepAliveMs + KEEP_ALIVE_GRACE_MS)
    this.#serve(intake)
  }

  #serve(intake: QuickIntake): void {
    this.#busy = true
    this.#count(true)
    this.#socket.pause()
    void intake.serve(this.#socket).then(answer => {
      if (answer === undefined) this.#otherwise(intake.giveUp())
      else this.#answer(answer)
    })
  }

  /** A client that does not wait for its answer waits here. */
  #answerLater(answer: Promise<QuickAnswer | undefined>, chunk: Buffer): void {
    this.#busy = true
    this.#count(true)
    this.#socket.pause()
    const otherwise = () => this.#otherwise(chunk)
    answer.then(ready => (ready === undefined ? otherwise() : this.#answer(ready)), otherwise)
  }

  #otherwise(chunk: Buffer): void {
    // A stream that has ended takes nothing back, and Node would not answer either.
    if (this.#socket.readableEnded) this.#socket.destroy()
    else if (!this.#socket.destroyed) this.#handOver(chunk)
  }

  #answer(write: QuickAnswer): void {
    const socket = this.#socket
    if (!this.#answered) {
      this.#answered = true
      socket.setTimeout(this.#options.keepAliveMs + KEEP_ALIVE_GRACE_MS)
    }
    this.#busy = true
    this.#count(true)
    write(this.#over)
    // What a client does not read is not added to.
    if (socket.writableLength > 0) socket.pause()
  }

  readonly #over = (): void => {
    this.#busy = false
    this.#stalled = false
    this.#count(false)
    if (this.#socket.readableEnded || this.#open.isClosing) this.#socket.end()
    else if (this.#socket.isPaused()) this.#socket.resume()
  }

  readonly #end = (): void => {
    if (this.#busy) return
    if (this.#intake === undefined) this.#socket.end()
    else {
      this.#giveUp()
      this.#count(false)
      this.#options.puts?.refuseCut(this.#socket)
    }
  }

  readonly #giveUp = (): void => {
    this.#intake?.giveUp()
    this.#intake = undefined
  }

  readonly #broken = (): void => {
    this.#socket.destroy()
  }

  readonly #silent = (): void => {
    const socket = this.#socket
    if (this.#intake !== undefined && this.#open.isClosing) {
      // To Node it would be a new request, which a server that stops refuses; a stop ends anyway.
      socket.setTimeout(this.#options.keepAliveMs)
    } else if (this.#intake !== undefined) {
      this.#handOver(this.#intake.giveUp())
    } else if (this.#busy && !this.#stalled) {
      // Twice as long for who reads nothing of an answer: it holds memory that others need.
      this.#stalled = true
      socket.setTimeout(this.#options.keepAliveMs + KEEP_ALIVE_GRACE_MS)
    } else if (this.#busy || this.#answered || !socket.writable) socket.destroy()
    else this.#options.refuseSilent(socket)
  }

  /** Paused meanwhile, so that Node reads the chunk first and then what follows it. */
  #handOver(chunk: Buffer): void {
    const socket = this.#socket
    this.#intake = undefined
    socket.pause()
    socket.off('data', this.#read).off('end', this.#end)
    socket.off('error', this.#broken).off('close', this.#giveUp)
    socket.off('timeout', this.#silent).setTimeout(0)
    this.#count(false)
    socket.unshift(chunk)
    this.#options.handOver()
    socket.resume()
  }
}
