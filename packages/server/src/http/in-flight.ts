import type { IncomingMessage, ServerResponse } from 'node:http'
import type { Duplex } from 'node:stream'

interface Flight {
  readonly request: IncomingMessage
  readonly response: ServerResponse
}

/**
 * A coding in HTTP/1.0, which has none: whoever passed it on may have taken its body for the next
 * request (RFC 9112 §6.1).
 */
export function hasUnknownCoding({ headers, httpVersion }: IncomingMessage): boolean {
  return headers['transfer-encoding'] !== undefined && httpVersion !== '1.1'
}

/** Node would answer it with no more than a status, and go on with what is behind it. */
export function lacksHost({ headers, httpVersion }: IncomingMessage): boolean {
  return headers.host === undefined && httpVersion === '1.1'
}

/**
 * What is being answered on each connection: bytes that are no request must not be answered into
 * the answer of the one before. It is one, as the next is parsed when that is over (`ParseInTurn`).
 */
export class InFlight {
  readonly #flights = new WeakMap<Duplex, Flight>()

  /** To be called before the first wait. */
  enter(request: IncomingMessage, response: ServerResponse): void {
    const { socket } = request
    const known = this.#flights.get(socket)
    if (known?.response === response) return
    // What it is or where it ends is in doubt, so nothing behind it is a request.
    if (hasUnknownCoding(request) || lacksHost(request)) response.shouldKeepAlive = false
    this.#flights.set(socket, { request, response })
    // Node tells the one that is being answered, but not after CONNECT.
    const leave = () => response.destroy()
    socket.once('close', leave)
    response.once('close', () => {
      socket.off('close', leave)
      this.#flights.delete(socket)
    })
  }

  /** Whether a refusal may be written to the socket: nothing else is being written to it. */
  isFree(socket: Duplex): boolean {
    const flight = this.#flights.get(socket)
    return flight === undefined || (!flight.request.complete && !flight.response.headersSent)
  }

  /** Closes the connection once the request that was received whole is answered. */
  closeAfter(socket: Duplex): void {
    const flight = this.#flights.get(socket)
    if (flight?.request.complete !== true) socket.destroy()
    else flight.response.once('close', () => socket.destroy())
  }
}
