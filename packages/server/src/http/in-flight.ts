import type { IncomingMessage, ServerResponse } from 'node:http'
import type { Duplex } from 'node:stream'

interface Flight {
  readonly request: IncomingMessage
  readonly response: ServerResponse
}

interface Waiting extends Flight {
  serve(): void
}

/** Requests that one connection may have waiting or at work. Clients that pipeline send ten. */
export const IN_LINE_MAX = 64
/** Requests that may wait on all connections of a door, but for the first of each: some 5 KB. */
export const WAITING_MAX = 8192
/** More than one read of the socket can hold: whoever goes on then does not listen. */
const TURNED_AWAY_MAX = 4096

/**
 * A coding in HTTP/1.0, which has none: whoever passed it on may have taken its body for the next
 * request (RFC 9112 §6.1).
 */
export function hasUnknownCoding({ headers, httpVersion }: IncomingMessage): boolean {
  return headers['transfer-encoding'] !== undefined && httpVersion !== '1.1'
}

/** What one connection has asked for and was not answered yet. */
class Line {
  /** The one at work. */
  current: Flight | undefined
  /** Nothing was done for them: to drop them costs nothing either. */
  waiting: Waiting[] = []
  turnedAway = 0

  get flights(): readonly Flight[] {
    return this.current === undefined ? this.waiting : [this.current, ...this.waiting]
  }

  /** Where it ends is in doubt, so nothing behind it is a request. */
  endAtUnknownCoding({ request, response }: Flight): void {
    if (!hasUnknownCoding(request)) return
    this.turnedAway = 1
    response.shouldKeepAlive = false
  }
}

/**
 * What is being answered on each connection. Pipelined requests wait for each other, because only
 * safe ones may run side by side (RFC 9112 §9.3.2), and bytes that are no request must not be
 * answered into the answer of the one before. One that waits is not begun: a stranger may send
 * thousands in one turn of the event loop, and leave in the next.
 */
export class InFlight {
  readonly #lines = new WeakMap<Duplex, Line>()
  readonly #neverBegan: (requests: number) => void
  #waiting = 0

  /** `neverBegan` hears how many waited on a connection that is closed. */
  constructor(neverBegan: (requests: number) => void) {
    this.#neverBegan = neverBegan
  }

  /** Serves a request now, or when those before it on its connection are answered; or never. */
  admit(request: IncomingMessage, response: ServerResponse, serve: () => void): void {
    const { socket } = request
    const line = this.#lines.get(socket)
    if (line === undefined) {
      serve()
      return
    }
    if (!this.#hasRoom(line)) {
      this.#turnAway(socket, line)
      return
    }
    if (line.current === undefined && line.waiting.length === 0) {
      serve()
      return
    }
    line.waiting.push({ request, response, serve })
    this.#waiting += 1
    line.endAtUnknownCoding({ request, response })
  }

  #hasRoom({ turnedAway, waiting }: Line): boolean {
    if (turnedAway > 0) return false
    // One always has: its client may have all of the answer before, of whose end Node tells later.
    if (waiting.length === 0) return true
    return waiting.length + 1 < IN_LINE_MAX && this.#waiting < WAITING_MAX
  }

  /**
   * The connection is closed when those before are answered (RFC 9112 §9.3.2 has clients expect
   * that): one read of 64 KiB can hold two thousand requests, each of which takes a hundred times
   * its bytes.
   */
  #turnAway(socket: Duplex, line: Line): void {
    line.turnedAway += 1
    if (line.turnedAway === 1) this.closeAfter(socket)
    if (line.turnedAway > TURNED_AWAY_MAX) socket.destroy()
    // Each time: what reads a body, if it is empty, starts the socket again.
    else socket.pause()
  }

  /** Takes the place of the one at work, before its first wait. */
  enter(request: IncomingMessage, response: ServerResponse): void {
    const { socket } = request
    const line = this.#lines.get(socket) ?? this.#open(socket)
    if (line.current?.response === response) return
    line.current = { request, response }
    line.endAtUnknownCoding(line.current)
    response.once('close', () => {
      line.current = undefined
      // When all who hear of its end have heard: it counts as at work until then.
      queueMicrotask(() => this.#goOn(socket, line))
    })
  }

  #open(socket: Duplex): Line {
    const line = new Line()
    this.#lines.set(socket, line)
    // Node tells the one that is being answered, but not after CONNECT.
    socket.once('close', () => {
      line.current?.response.destroy()
      const { length } = line.waiting
      if (length === 0) return
      line.waiting = []
      this.#waiting -= length
      this.#neverBegan(length)
    })
    return line
  }

  /** Some are answered at once and never enter. */
  #goOn(socket: Duplex, line: Line): void {
    while (line.current === undefined && !socket.destroyed) {
      const next = line.waiting.shift()
      if (next === undefined) return
      this.#waiting -= 1
      next.serve()
    }
  }

  /** Whether a refusal may be written to the socket: nothing else is being written to it. */
  isFree(socket: Duplex): boolean {
    const flights = this.#lines.get(socket)?.flights ?? []
    return flights.every(({ request, response }) => !request.complete && !response.headersSent)
  }

  /** Closes the connection once the requests that were received whole are answered. */
  closeAfter(socket: Duplex): void {
    const flights = this.#lines.get(socket)?.flights ?? []
    const whole = flights.findLast(({ request }) => request.complete)
    if (whole === undefined) socket.destroy()
    else whole.response.once('close', () => socket.destroy())
  }
}
