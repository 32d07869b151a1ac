import type { IncomingMessage, ServerResponse } from 'node:http'
import type { Duplex } from 'node:stream'

interface Flight {
  readonly request: IncomingMessage
  readonly response: ServerResponse
  readonly over: Promise<void>
}

/** Requests that one connection may have waiting or at work. Clients that pipeline send ten. */
export const IN_LINE_MAX = 64
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
  readonly flights: Flight[] = []
  turnedAway = 0

  constructor(socket: Duplex) {
    // Node tells the one that is being answered, and after CONNECT none of those behind it.
    socket.once('close', () => {
      for (const { response } of [...this.flights]) response.destroy()
    })
  }

  leave(response: ServerResponse): void {
    const at = this.flights.findIndex(flight => flight.response === response)
    if (at >= 0) this.flights.splice(at, 1)
  }
}

/**
 * What is being answered on each connection. Pipelined requests wait for each other, because only
 * safe ones may run side by side (RFC 9112 §9.3.2), and bytes that are no request must not be
 * answered into the answer of the one before.
 */
export class InFlight {
  readonly #lines = new WeakMap<Duplex, Line>()

  /**
   * Whether the connection may ask for one more. Else it is closed when those before are answered
   * (RFC 9112 §9.3.2 has clients expect that): one read of 64 KiB can hold two thousand requests,
   * each of which takes a hundred times its bytes.
   */
  admits({ socket }: IncomingMessage): boolean {
    const line = this.#lines.get(socket)
    if (line === undefined) return true
    if (line.turnedAway === 0 && line.flights.length < IN_LINE_MAX) return true
    line.turnedAway += 1
    if (line.turnedAway === 1) this.closeAfter(socket)
    if (line.turnedAway > TURNED_AWAY_MAX) socket.destroy()
    // Each time: what reads a body, if it is empty, starts the socket again.
    else socket.pause()
    return false
  }

  /** Resolves when the requests that came before on this connection are answered. */
  enter(request: IncomingMessage, response: ServerResponse): Promise<void> | undefined {
    const { socket } = request
    const line = this.#lines.get(socket) ?? new Line(socket)
    this.#lines.set(socket, line)
    const { flights } = line
    const entered = flights.findIndex(flight => flight.response === response)
    if (entered >= 0) return flights[entered - 1]?.over
    if (hasUnknownCoding(request)) {
      // Where it ends is in doubt, so nothing behind it is a request.
      line.turnedAway = 1
      response.shouldKeepAlive = false
    }
    const before = flights.at(-1)?.over
    const over = new Promise<void>(resolve => {
      response.once('close', () => {
        line.leave(response)
        resolve()
      })
    })
    flights.push({ request, response, over })
    return before
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
    else whole.over.then(() => socket.destroy())
  }
}
