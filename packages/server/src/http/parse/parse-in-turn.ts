import type { IncomingMessage, Server, ServerResponse } from 'node:http'
import type { Socket } from 'node:net'

/** Waited for before a request begins that had to wait already; undefined where it may at once. */
export type ParseTurn = (socket: Socket) => Promise<void> | undefined

/** What a parser could not go on with, as Node tells it in `clientError`, with bytes of it. */
export interface ParseError {
  readonly code?: string | undefined
  readonly rawPacket?: unknown
  readonly bytesParsed?: number | undefined
}

type Begin = (request: Upgradable, keepsAlive: boolean) => number

/** What we touch of Node's parser. No public interface stops one; our version of Node is given. */
interface NodeParser {
  /** Called with each head. What it returns is what llhttp does next. */
  onIncoming: Begin
  resume(): void
}

/** `HPE_PAUSED` of llhttp: nothing behind the head is looked at until `resume`. */
const PAUSE = 21

/**
 * Lets Node's parser of each connection begin one request at a time. By itself it begins all that
 * came in one read: 64 KiB hold thousands of requests, of which each takes a hundred times its
 * bytes, and hundreds of connections may be read in one turn of the event loop. The next one begins
 * when the one before is answered, as only safe ones may run side by side (RFC 9112 §9.3.2), and
 * when it is its turn; until then what follows is bytes, and its connection is not read.
 */
export class ParseInTurn {
  readonly #connections = new WeakMap<object, ParsedConnection>()
  readonly #turn: ParseTurn

  constructor(server: Server, turn: ParseTurn) {
    this.#turn = turn
    server.prependListener('request', (request, response) => {
      this.#connections.get(request.socket)?.began(response)
    })
  }

  /** Of a socket that Node listens to already, and has read nothing of. */
  readonly take = (socket: Socket): void => {
    this.#connections.set(socket, new ParsedConnection(socket, this.#turn))
  }

  /** Whether a `clientError` is no error, or one of a connection that was given up before. */
  isHeld(error: ParseError, socket: object): boolean {
    return this.#connections.get(socket)?.isHeld(error) ?? false
  }
}

/** A request whose head was parsed, and what came behind that. */
interface Held {
  readonly request: Upgradable
  readonly keepsAlive: boolean
  rest: Buffer | undefined
}

class ParsedConnection {
  readonly #socket: Socket
  readonly #parser: NodeParser
  readonly #begin: Begin
  readonly #turn: ParseTurn
  readonly #onEnd: () => void
  #held: Held | undefined
  #open = 0
  #turnIs: 'none' | 'awaited' | 'here' = 'none'
  #hasEnded = false
  #isOver = false
  #isTunnel = false
  #closesNext = false

  constructor(socket: Socket, turn: ParseTurn) {
    this.#socket = socket
    this.#turn = turn
    this.#parser = parserOf(socket)
    this.#begin = this.#parser.onIncoming
    this.#parser.onIncoming = this.#incoming
    this.#onEnd = takeEnd(socket)
    socket.on('end', this.#ended).on('resume', this.#resumed)
  }

  began(response: ServerResponse): void {
    this.#open += 1
    response.once('close', () => {
      this.#open -= 1
      if (this.#open > 0) return
      if (this.#closesNext) this.#socket.destroySoon()
      else this.#wake()
    })
  }

  isHeld({ code, rawPacket, bytesParsed }: ParseError): boolean {
    const held = this.#held
    if (this.#isOver) return true
    if (code !== 'HPE_PAUSED' || held === undefined || !Buffer.isBuffer(rawPacket)) {
      this.#isOver = true
      return false
    }
    // Of a read that was under way the stopped parser has seen nothing.
    held.rest =
      held.rest === undefined
        ? rawPacket.subarray(bytesParsed)
        : Buffer.concat([held.rest, rawPacket])
    this.#socket.pause()
    return true
  }

  readonly #incoming: Begin = (request, keepsAlive) => {
    // What follows is not HTTP: Node's parser is stopped for good.
    if (request.method === 'CONNECT') {
      this.#isOver = true
      this.#isTunnel = true
    }
    if (this.#isOver || this.#open === 0) return this.#begin(request, keepsAlive)
    if (isUpgrade(request)) {
      // Node cannot be stopped at one, and nobody pipelines them: RFC 9112 §9.3.2 lets clients ask
      // again on another connection.
      request.upgrade = false
      this.#isOver = true
      this.#closesNext = true
      return PAUSE
    }
    this.#held = { request, keepsAlive, rest: undefined }
    return PAUSE
  }

  /** Of one that waited: by then many may be due at once. */
  #isItsTurn(): boolean {
    if (this.#turnIs === 'awaited') return false
    if (this.#turnIs === 'here') {
      this.#turnIs = 'none'
      return true
    }
    const turn = this.#turn(this.#socket)
    if (turn === undefined) return true
    this.#turnIs = 'awaited'
    void turn.then(() => {
      this.#turnIs = 'here'
      this.#wake()
    })
    return false
  }

  #wake(): void {
    if (this.#held !== undefined) this.#socket.resume()
  }

  /** Reading a body, if it is empty, starts the socket again; so do we. */
  readonly #resumed = (): void => {
    const held = this.#held
    if (held === undefined || this.#isOver || this.#socket.isPaused()) return
    if (!this.#socket.writable) return
    if (this.#open > 0 || !this.#isItsTurn()) {
      this.#socket.pause()
      return
    }
    this.#held = undefined
    this.#goOn(held)
    if (this.#hasEnded) this.#ended()
  }

  #goOn({ request, keepsAlive, rest = NOTHING }: Held): void {
    this.#begin(request, keepsAlive)
    this.#parser.resume()
    // Also where nothing is left: the parser has yet to tell that the request was whole.
    this.#socket.emit('data', rest)
  }

  readonly #ended = (): void => {
    this.#hasEnded = true
    // Behind a tunnel Node has given the parser to another connection.
    if (this.#held === undefined && !this.#isTunnel) this.#onEnd()
  }
}

/** Not of a buffer of its own: to Node's parser, no address is the end of the connection. */
const NOTHING = Buffer.from(' ').subarray(1)

/** Set by Node's parser for whoever asks for one, as clients of HTTP/2 do; no type tells of it. */
type Upgradable = IncomingMessage & { upgrade?: boolean }

function isUpgrade({ upgrade }: Upgradable): boolean {
  return upgrade === true
}

function parserOf(socket: Socket): NodeParser {
  const { parser } = socket as Socket & { readonly parser?: NodeParser | null }
  if (typeof parser?.onIncoming !== 'function') throw new Error('Node parses in another way')
  return parser
}

/** What Node's HTTP server does at the end, taken off. The socket listens itself, before it. */
function takeEnd(socket: Socket): () => void {
  const listener = socket.listeners('end').at(-1)
  if (listener === undefined) throw new Error('Node ends connections in another way')
  socket.off('end', listener as () => void)
  return () => Reflect.apply(listener, socket, [])
}
