import type { IncomingMessage, ServerResponse } from 'node:http'
import type { Duplex } from 'node:stream'

interface Flight {
  readonly request: IncomingMessage
  readonly response: ServerResponse
  readonly over: Promise<void>
}

/**
 * What is being answered on each connection. Pipelined requests wait for each other, because only
 * safe ones may run side by side (RFC 9112 §9.3.2), and bytes that are no request must not be
 * answered into the answer of the one before.
 */
export class InFlight {
  readonly #flights = new WeakMap<Duplex, Flight[]>()

  /** Resolves when the requests that came before on this connection are answered. */
  enter(request: IncomingMessage, response: ServerResponse): Promise<void> | undefined {
    const { socket } = request
    const flights = this.#flights.get(socket) ?? []
    const entered = flights.findIndex(flight => flight.response === response)
    if (entered >= 0) return flights[entered - 1]?.over
    const before = flights.at(-1)?.over
    const over = new Promise<void>(resolve => {
      response.once('close', () => {
        flights.shift()
        resolve()
      })
    })
    flights.push({ request, response, over })
    this.#flights.set(socket, flights)
    return before
  }

  /** Whether a refusal may be written to the socket: nothing else is being written to it. */
  isFree(socket: Duplex): boolean {
    const flights = this.#flights.get(socket) ?? []
    return flights.every(({ request, response }) => !request.complete && !response.headersSent)
  }

  /** Closes the connection once the requests that were received whole are answered. */
  closeAfter(socket: Duplex): void {
    const flights = this.#flights.get(socket) ?? []
    const whole = flights.findLast(({ request }) => request.complete)
    if (whole === undefined) socket.destroy()
    else whole.over.then(() => socket.destroy())
  }
}
