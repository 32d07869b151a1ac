import type { IncomingMessage, ServerResponse } from 'node:http'
import type { LentBytes } from '@holdfast/core/ports/element.ts'
import type { Principal } from '@holdfast/core/principal.ts'
import type { Asset } from '@holdfast/core/records.ts'
import type { Content } from '@holdfast/engine/assets/get.ts'
import { peekContentById, peekContentByKey } from '@holdfast/engine/assets/peek.ts'
import type { Context } from '../../../context.ts'
import { peekPrincipal } from '../../../http/caller/authenticate.ts'
import { contentHeaders } from '../../../http/content/send-content.ts'
import type { Direct, DirectExchange } from '../../../http/direct/direct-first.ts'
import { type PlainHeaders, plainHeaders } from '../../../http/direct/plain-headers.ts'
import {
  canWriteWhole,
  type PreparedHead,
  prepareHead,
  requestIdField,
  WholeWriter,
} from '../../../http/direct/write-whole.ts'
import { pathValues } from '../../../http/parse/raw-path.ts'
import { trackRequest } from '../../../http/record-request.ts'
import { RequestState } from '../../../http/request-state.ts'
import { securityHeaders } from '../../../http/security-headers.ts'

/** Longer content is worth the longer way: there the bytes cost, not the request. */
const DIRECT_BYTES_MAX = 256 * 1024

const BY_KEY = '/api/v2/buckets/{bucket}/assets/{key+}'
const BUCKETS = '/api/v2/buckets/'
const ASSETS = '/assets/'
const BY_ID = '/api/v2/assets/'
const DOWNLOAD = '/download'
const UUID_CHARS = 36

interface Found {
  readonly operation: string
  readonly content: Content
  readonly principal: Principal
  /** As the caller gave it. */
  readonly requestId: string | undefined
}

/**
 * Answers the plainest and most frequent requests, GET and HEAD of whole small content, without the
 * framework: that is two thirds of their cost. Only good answers are given here, made of the same
 * parts; whatever is unusual, refused or unknown goes the way of all requests, which says why.
 */
export function directGets(context: Context): Direct {
  const heads = new WeakMap<Asset, PreparedHead>()
  const writer = new WholeWriter(context.clock)
  return exchange => {
    const { request, response } = exchange
    if (request.method !== 'GET' && request.method !== 'HEAD') return false
    if (!isOpen(context, request, response)) return false
    const headers = plainHeaders(request.rawHeaders)
    const found = headers && find(context, request.url ?? '', headers)
    if (found === undefined || found.content.size > DIRECT_BYTES_MAX) return false
    const head = heads.get(found.content.asset) ?? headOf(context, found.content)
    if (head === undefined) return false
    heads.set(found.content.asset, head)
    const empty = request.method === 'HEAD' || found.content.size === 0
    const bytes = empty ? NONE : found.content.held()
    if (bytes !== undefined) send(exchange, { found, head, bytes, context, writer })
    else readAndSend(exchange, { found, head, context, writer })
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

function find(context: Context, url: string, headers: PlainHeaders): Found | undefined {
  const { engine } = context
  const { requestId } = headers
  if (url.startsWith(BUCKETS)) {
    const slash = url.indexOf('/', BUCKETS.length)
    if (slash < 0 || !url.startsWith(ASSETS, slash)) return undefined
    const place = placeIn(url, slash)
    const principal = place && peekPrincipal(engine, headers)
    const content = principal && peekContentByKey(engine, principal, place)
    return content && { operation: 'ByKey', content, principal, requestId }
  }
  const idEnd = BY_ID.length + UUID_CHARS
  if (url.length !== idEnd + DOWNLOAD.length || !url.startsWith(BY_ID)) return undefined
  if (!url.endsWith(DOWNLOAD)) return undefined
  const principal = peekPrincipal(engine, headers)
  const id = url.slice(BY_ID.length, idEnd)
  const content = principal && peekContentById(engine, principal, id)
  return content && { operation: 'Download', content, principal, requestId }
}

const PLAIN = /^[^%?#]*$/

function placeIn(url: string, slash: number): { bucket: string; key: string } | undefined {
  if (PLAIN.test(url)) {
    return { bucket: url.slice(BUCKETS.length, slash), key: url.slice(slash + ASSETS.length) }
  }
  if (url.includes('?') || url.includes('#')) return undefined
  try {
    const { bucket = '', key = '' } = pathValues(url, BY_KEY)
    return { bucket, key }
  } catch {
    return undefined
  }
}

function headOf({ settings }: Context, content: Content): PreparedHead | undefined {
  return prepareHead({
    ...securityHeaders(settings),
    ...contentHeaders(content),
    'content-length': String(content.size),
  })
}

interface Ready {
  readonly context: Context
  readonly writer: WholeWriter
  readonly found: Found
  readonly head: PreparedHead
  readonly bytes: Uint8Array
}

function readAndSend(exchange: DirectExchange, ready: Omit<Ready, 'bytes'>): void {
  const { content } = ready.found
  const lent = content.lend()
  if (lent !== undefined && !(lent instanceof Promise)) {
    sendLent(exchange, ready, lent)
    return
  }
  exchange.enter()
  // The way of all requests meets the same failure, and has the words for it.
  const fail = () => exchange.otherwise()
  if (lent !== undefined) lent.then(loan => sendLent(exchange, ready, loan), fail)
  else content.read().then(({ bytes }) => sendRead(exchange, ready, bytes), fail)
}

function sendRead(
  exchange: DirectExchange,
  ready: Omit<Ready, 'bytes'>,
  bytes: Uint8Array | undefined,
): void {
  if (bytes === undefined || !canWriteWhole(exchange.response)) exchange.otherwise()
  else send(exchange, { ...ready, bytes })
}

/** Once the answer is over, the kernel has all of it or the connection is no more. */
function sendLent(exchange: DirectExchange, ready: Omit<Ready, 'bytes'>, lent: LentBytes): void {
  const { response } = exchange
  if (!canWriteWhole(response)) {
    lent.release(true)
    exchange.otherwise()
    return
  }
  response.once('close', () => lent.release(response.writableFinished))
  send(exchange, { ...ready, bytes: lent.bytes })
}

function send(exchange: DirectExchange, ready: Ready): void {
  const { request, response } = exchange
  const { context, writer, found, head, bytes } = ready
  const state = new RequestState(context, exchange, found.requestId ?? NO_ID)
  state.principal = found.principal
  state.sentBytes = bytes.length
  trackRequest(state, () => operationOf(request.method, found.operation))
  writer.write(response, head, { fields: requestIdField(state.requestId), bytes })
}

function operationOf(method: string | undefined, operation: string): string {
  if (method === 'HEAD') return operation === 'ByKey' ? 'headByKey' : 'headDownload'
  return operation === 'ByKey' ? 'getByKey' : 'downloadAsset'
}
