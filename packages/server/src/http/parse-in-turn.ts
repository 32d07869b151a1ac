import type { IncomingMessage, Server, ServerResponse } from 'node:http'
import type { Socket } from 'node:net'

/** Waited for before a head is parsed; undefined where it may be at once. */
export type ParseTurn = (socket: Socket) => Promise<void> | undefined

type OnData = (bytes: Buffer) => void
type OnEnd = () => void

const HEAD_END = Buffer.from('\r\n\r\n')
const NOTHING = Buffer.alloc(0)

/**
 * Gives Node's parser of each connection one request at a time. By itself it parses all that came
 * in one read: 64 KiB hold thousands of requests, of which each takes a hundred times its bytes,
 * and hundreds of connections may be read in one turn of the event loop. The next one is parsed
 * when the one before is answered, as only safe ones may run side by side (RFC 9112 §9.3.2), and
 * when it is its turn; until then it is bytes, and its connection is not read.
 *
 * Node's own listeners decide all else: they are only handed the bytes in pieces.
 */
export class ParseInTurn {
  readonly #connections = new WeakMap<object, ParsedConnection>()
  readonly #turn: ParseTurn

  constructor(server: Server, turn: ParseTurn) {
    this.#turn = turn
    server.prependListener('request', (request, response) => {
      this.#connections.get(request.socket)?.began(request, response)
    })
    // Node's parser is not to be asked any more: it failed, or is another connection's by now.
    server.prependListener('connect', ({ socket }: IncomingMessage) => {
      this.#connections.get(socket)?.endParsing()
    })
    server.prependListener('clientError', (_error, socket) => {
      this.#connections.get(socket)?.endParsing()
    })
  }

  /** Of a socket that Node listens to already, and has read nothing of. */
  readonly take = (socket: Socket): void => {
    this.#connections.set(socket, new ParsedConnection(socket, this.#turn))
  }
}

class ParsedConnection {
  readonly #socket: Socket
  readonly #turn: ParseTurn
  readonly #onData: OnData
  readonly #onEnd: OnEnd
  /** What came and is not parsed. */
  #held: Buffer = NOTHING
  /** The end of what was parsed, where the end of a head may have begun. */
  #tail: Buffer = NOTHING
  #newest: IncomingMessage | undefined
  /** Bytes of its body that are to come; 0 where nobody knows. */
  #bodyLeft = 0
  #open = 0
  #turnIs: 'none' | 'awaited' | 'here' = 'none'
  #hasEnded = false
  #isOver = false

  constructor(socket: Socket, turn: ParseTurn) {
    this.#socket = socket
    this.#turn = turn
    this.#onData = takeListener(socket, 'data')
    this.#onEnd = takeListener(socket, 'end')
    socket.on('data', this.#read).on('end', this.#ended).on('resume', this.#resumed)
  }

  began(request: IncomingMessage, response: ServerResponse): void {
    // The same one comes twice where it expects something.
    if (request === this.#newest) return
    this.#newest = request
    const { 'content-length': length, 'transfer-encoding': coding } = request.headers
    this.#bodyLeft = coding === undefined ? Number(length ?? 0) : 0
    this.#open += 1
    response.once('close', () => {
      this.#open -= 1
      if (this.#open === 0) this.#wake()
    })
  }

  endParsing(): void {
    this.#isOver = true
    this.#held = NOTHING
  }

  readonly #read = (chunk: Buffer): void => {
    if (this.#isOver) return
    if (this.#held.length === 0) this.#parse(chunk)
    else this.#hold(Buffer.concat([this.#held, chunk]))
  }

  /** Reading a body, if it is empty, starts the socket again; so do we. */
  readonly #resumed = (): void => {
    if (this.#held.length === 0 || this.#socket.isPaused()) return
    const held = this.#held
    this.#held = NOTHING
    this.#parse(held)
    if (this.#hasEnded && this.#held.length === 0) this.#onEnd()
  }

  readonly #ended = (): void => {
    this.#hasEnded = true
    if (this.#held.length === 0) this.#onEnd()
  }

  #parse(bytes: Buffer): void {
    for (let at = 0; at < bytes.length; ) {
      if (!this.#mayGoOn()) {
        this.#hold(bytes.subarray(at))
        return
      }
      const end = this.#pieceEnd(bytes, at)
      const piece = bytes.subarray(at, end)
      this.#rememberTail(piece)
      if (this.#bodyLeft > 0) this.#bodyLeft -= piece.length
      this.#onData(piece)
      if (this.#isOver || !this.#socket.writable) return
      at = end
    }
  }

  /** Somebody else stops the socket, too: Node where answers are not read, and senders of tiny pieces. */
  #mayGoOn(): boolean {
    if (this.#socket.isPaused()) return false
    if (this.#newest?.complete === false) return true
    if (this.#open > 0 || this.#turnIs === 'awaited') return false
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

  #hold(bytes: Buffer): void {
    this.#held = bytes
    this.#socket.pause()
  }

  #wake(): void {
    if (this.#held.length > 0) this.#socket.resume()
  }

  /** Where a head ends, or a body of known length, or perhaps one in chunks. */
  #pieceEnd(bytes: Buffer, at: number): number {
    if (this.#bodyLeft > 0) return Math.min(at + this.#bodyLeft, bytes.length)
    const inSeam = this.#endInSeam(bytes.subarray(at, at + HEAD_END.length - 1))
    if (inSeam > 0) return at + inSeam
    const end = bytes.indexOf(HEAD_END, at)
    return end < 0 ? bytes.length : end + HEAD_END.length
  }

  /** Of these first bytes those that end a head which was parsed in part; 0 where none is ended. */
  #endInSeam(first: Buffer): number {
    const { length } = this.#tail
    if (length === 0) return 0
    const found = Buffer.concat([this.#tail, first]).indexOf(HEAD_END)
    return found < 0 ? 0 : found + HEAD_END.length - length
  }

  #rememberTail(piece: Buffer): void {
    if (this.#bodyLeft > 0) {
      this.#tail = NOTHING
      return
    }
    const last = piece.subarray(-HEAD_END.length)
    const end = last.length < HEAD_END.length ? Buffer.concat([this.#tail, last]) : last
    this.#tail = endsHead(end) ? NOTHING : end.subarray(1 - HEAD_END.length)
  }
}

function endsHead(bytes: Buffer): boolean {
  return bytes.subarray(-HEAD_END.length).equals(HEAD_END)
}

/** That of Node's HTTP server, taken off. The socket itself has some that were there before. */
function takeListener(socket: Socket, event: 'data' | 'end'): (...args: Buffer[]) => void {
  const listener = socket.listeners(event).at(-1)
  if (listener === undefined) throw new Error(`Node does not listen to ${event}`)
  socket.off(event, listener as () => void)
  return (...args) => Reflect.apply(listener, socket, args)
}
