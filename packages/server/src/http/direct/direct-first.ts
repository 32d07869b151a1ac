import type { IncomingMessage, RequestListener, ServerResponse } from 'node:http'
import type { InFlight } from '../in-flight.ts'
import { originForm } from '../parse/raw-path.ts'

/** A request that a door may answer by itself. */
export interface DirectExchange {
  readonly request: IncomingMessage
  readonly response: ServerResponse
  /** To be called before the first wait: what follows on the connection has to know of it. */
  enter(): void
  /** Sends the request the way of all others after all. Nothing may have been answered yet. */
  otherwise(): void
}

/** True when the request is answered, or will be. */
export type Direct = (exchange: DirectExchange) => boolean

/** Asks the door first, and hands on what it leaves. */
export function directFirst(
  direct: Direct,
  inFlight: InFlight,
  handler: RequestListener,
): RequestListener {
  return (request, response) => {
    const exchange: DirectExchange = {
      request,
      response,
      enter: () => inFlight.enter(request, response),
      otherwise: () => {
        if (!response.destroyed) handler(request, response)
      },
    }
    readTarget(request)
    if (!direct(exchange)) handler(request, response)
  }
}

/** Before anybody reads it: the router and we would not find the same path in a whole address. */
function readTarget(request: IncomingMessage): void {
  const { url = '/' } = request
  if (url.startsWith('/')) return
  const target = originForm(url)
  if (target === undefined) return
  request.url = target.url
  request.headers.host = target.host
}
