import type { IncomingMessage, ServerResponse } from 'node:http'
import { TLSSocket } from 'node:tls'
import { newUuid } from '@holdfast/core/ids.ts'
import { anonymous, type Principal } from '@holdfast/core/principal.ts'
import type { Context } from '../../../context.ts'
import { RequestBody } from '../../../http/body/request-body.ts'
import { splitUrl } from '../../../http/parse/raw-path.ts'
import { type Trace, traceOf } from '../../../telemetry/trace.ts'
import { RequestHeaders } from '../wire/headers.ts'
import { Query } from '../wire/query.ts'
import { type Address, addressOf } from './address.ts'

/** One request of this door, from its first byte to its last log line. */
export interface S3Request {
  readonly context: Context
  readonly raw: IncomingMessage
  readonly response: ServerResponse
  readonly requestId: string
  readonly trace: Trace
  readonly startedMs: number
  /** Aborted when the client goes away or the server gives up. */
  readonly abort: AbortController
  readonly body: RequestBody
  readonly method: string
  /** Of the request line, still encoded. */
  readonly path: string
  readonly headers: RequestHeaders
  /** What the log tells. */
  readonly told: Told
  /** CORS headers that the answer carries, refusals too. */
  readonly allowed: Record<string, string>
}

export interface Told {
  operation: string
  code: string | undefined
  principal: Principal
  sentBytes: number
}

/** A request whose line could be read. */
export interface ReadRequest extends S3Request {
  readonly query: Query
  readonly address: Address
}

export function beginRequest(
  context: Context,
  raw: IncomingMessage,
  response: ServerResponse,
): S3Request {
  const { clock, random, settings } = context
  const { traceparent } = raw.headers
  return {
    context,
    raw,
    response,
    requestId: newUuid(clock, random),
    trace: traceOf(typeof traceparent === 'string' ? traceparent : undefined, random),
    startedMs: clock.monotonic(),
    abort: new AbortController(),
    body: new RequestBody(raw, response, { clock, idleSeconds: settings.bodyIdleSeconds }),
    method: raw.method ?? '',
    path: splitUrl(raw.url ?? '').path,
    headers: new RequestHeaders(raw.rawHeaders),
    told: { operation: 'none', code: undefined, principal: anonymous, sentBytes: 0 },
    allowed: {},
  }
}

export function readRequest(request: S3Request): ReadRequest {
  const { path, query } = splitUrl(request.raw.url ?? '')
  const { s3Domains } = request.context.settings
  return {
    ...request,
    query: new Query(query),
    address: addressOf(path, request.headers.get('host'), s3Domains),
  }
}

export function isSecure(request: S3Request): boolean {
  return request.raw.socket instanceof TLSSocket
}
