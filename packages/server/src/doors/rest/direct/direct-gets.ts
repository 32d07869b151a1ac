import type { IncomingMessage, ServerResponse } from 'node:http'
import type { LentBytes } from '@holdfast/core/ports/element.ts'
import type { Context } from '../../../context.ts'
import type { Direct, DirectExchange } from '../../../http/direct/direct-first.ts'
import { plainHeaders } from '../../../http/direct/plain-headers.ts'
import {
  canWriteWhole,
  requestIdField,
  type WholeWriter,
} from '../../../http/direct/write-whole.ts'
import { trackRequest, whileActive } from '../../../http/record-request.ts'
import { RequestState } from '../../../http/request-state.ts'
import { type Found, operationOf, type PlainContents } from './plain-content.ts'

/**
 * Answers the plainest and most frequent requests, GET and HEAD of whole small content, without the
 * framework: that is two thirds of their cost. Only good answers are given here, made of the same
 * parts; whatever is unusual, refused or unknown goes the way of all requests, which says why.
 */
export function directGets(context: Context, contents: PlainContents): Direct {
  const { writer } = contents
  return exchange => {
    const { request, response } = exchange
    if (request.method !== 'GET' && request.method !== 'HEAD') return false
    if (!isOpen(context, request, response)) return false
    const headers = plainHeaders(request.rawHeaders)
    const found = headers && contents.find(request.url ?? '', headers)
    if (found === undefined) return false
    const empty = request.method === 'HEAD' || found.content.size === 0
    const bytes = empty ? NONE : found.content.held()
    if (bytes !== undefined) send(exchange, { found, bytes, context, writer })
    else readAndSend(exchange, { found, context, writer })
    return true
  }
}

/** No default: the headers were looked through. */
const NO_ID = ''
const NONE = new Uint8Array(0)

function isOpen({ load, settings }: Context, request: IncomingMessage, to: ServerResponse) {
  if (load.stopping || load.active >= settings.requestsMax) return false
  return canWriteWhole(to) && request.httpVersionMinor === 1
}

interface Ready {
  readonly context: Context
  readonly writer: WholeWriter
  readonly found: Found
  readonly bytes: Uint8Array
}

function readAndSend(exchange: DirectExchange, ready: Omit<Ready, 'bytes'>): void {
  const { context, found } = ready
  const { content } = found
  const lent = content.lend()
  if (lent !== undefined && !(lent instanceof Promise)) {
    sendLent(exchange, ready, lent)
    return
  }
  exchange.enter()
  // The way of all requests meets the same failure, and has the words for it.
  const fail = () => otherwise(exchange, ready)
  const { load } = context
  if (lent !== undefined) {
    whileActive(load, lent).then(loan => sendLent(exchange, ready, loan), fail)
  } else {
    const read = whileActive(load, content.read())
    read.then(({ bytes }) => sendRead(exchange, ready, bytes), fail)
  }
}

function sendRead(
  exchange: DirectExchange,
  ready: Omit<Ready, 'bytes'>,
  bytes: Uint8Array | undefined,
): void {
  if (bytes === undefined || !canWriteWhole(exchange.response)) otherwise(exchange, ready)
  else send(exchange, { ...ready, bytes })
}

/** Once the answer is over, the kernel has all of it or the connection is no more. */
function sendLent(exchange: DirectExchange, ready: Omit<Ready, 'bytes'>, lent: LentBytes): void {
  const { response } = exchange
  if (!canWriteWhole(response)) {
    lent.release(true)
    otherwise(exchange, ready)
    return
  }
  response.once('close', () => lent.release(response.writableFinished))
  send(exchange, { ...ready, bytes: lent.bytes })
}

function send(exchange: DirectExchange, ready: Ready): void {
  const { writer, found, bytes } = ready
  const state = track(exchange, ready, bytes.length)
  const fields = requestIdField(state.requestId)
  writer.write(exchange.response, found.head, { fields, bytes })
}

/** For the log and the metrics, from now on until the connection is done with it. */
function track(
  exchange: DirectExchange,
  { context, found }: Pick<Ready, 'context' | 'found'>,
  sentBytes: number,
): RequestState {
  const state = new RequestState(context, exchange, found.requestId ?? NO_ID)
  state.principal = found.principal
  state.sentBytes = sentBytes
  trackRequest(state, () => operationOf(exchange.request.method, found.operation))
  return state
}

/** A client that left meanwhile goes no other way, and nobody else would tell of it. */
function otherwise(exchange: DirectExchange, ready: Omit<Ready, 'bytes'>): void {
  if (exchange.response.destroyed) track(exchange, ready, 0)
  else exchange.otherwise()
}
