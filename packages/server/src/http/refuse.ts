import type { Socket } from 'node:net'
import { type ErrorCode, errorTable, type HoldfastError } from '@holdfast/core/errors.ts'
import { newUuid } from '@holdfast/core/ids.ts'
import type { FastifyReply, FastifyRequest } from 'fastify'
import type { Context } from '../context.ts'
import { auditFailure } from './caller/audited.ts'
import { withReason } from './caller/why-unauthenticated.ts'
import { endConnection, refuseWhileSending } from './linger.ts'
import { asTableError, oauthProblem, problemHeaders, problemOf, type StatusOf } from './problems.ts'
import { headLines, securityHeaders } from './security-headers.ts'

export interface Refusal {
  readonly request: FastifyRequest
  readonly reply: FastifyReply
  readonly error: unknown
  readonly statusOf: StatusOf
}

/** Answers whatever was thrown with a problem body, and tells the log what callers are not told. */
export async function refuse(context: Context, refusal: Refusal): Promise<void> {
  const { request, reply, statusOf } = refusal
  const { state } = request
  const error = noteFailure(context, request, refusal.error)
  state.begins = undefined
  if (reply.sent || reply.raw.headersSent) {
    // Half an answer must not look whole.
    reply.raw.destroy()
    return
  }
  const status = statusOf(error.code)
  auditFailure(context, request, { error, status })
  const isToken = request.routeOptions.config.operationId === 'issueToken'
  const told = problemOf(withReason(error, request), state.requestId)
  const text = JSON.stringify(isToken ? { ...told, ...oauthProblem(error) } : told)
  forgetContent(reply)
  reply.headers(problemHeaders(error))
  if (isToken && status === 401) {
    reply.header('www-authenticate', 'Basic realm="holdfast", charset="UTF-8"')
  }
  reply.type('application/json; charset=utf-8')
  if (!state.body.unread || request.raw.destroyed) {
    await reply.code(status).send(text)
    return
  }
  reply.header('connection', 'close')
  if (!state.body.started && request.headers.expect !== undefined) {
    // The client waits for leave to send, and this is the answer.
    await reply.code(status).send(text)
    return
  }
  reply.hijack()
  const headers = { ...reply.getHeaders() }
  const body = request.method === 'HEAD' ? '' : text
  const exchange = { request: request.raw, response: reply.raw }
  await refuseWhileSending(exchange, { status, headers, body }, context)
}

/** Tells log and metrics of a failure; also of one that comes when the answer is on its way. */
export function noteFailure(
  context: Context,
  request: FastifyRequest,
  thrown: unknown,
): HoldfastError {
  const { state } = request
  // A request whose body arrived is destroyed too: its failure is ours, and nothing may be said
  // about what happened.
  const cut = request.raw.destroyed && !request.raw.complete
  const { stopping } = context.load
  const error = asTableError(thrown, { aborted: state.givenUp || cut, stopping })
  state.code = error.code
  context.metrics.errors.inc({ code: error.code })
  logFailure(context, error, request)
  return error
}

/** Headers that an operation had set for an answer that does not come. */
function forgetContent(reply: FastifyReply): void {
  for (const name of [
    'etag',
    'location',
    'content-length',
    'content-disposition',
    'last-modified',
  ]) {
    reply.removeHeader(name)
  }
  for (const name of ['content-range', 'repr-digest', 'x-checksum', 'x-version', 'accept-ranges']) {
    reply.removeHeader(name)
  }
  reply.header('content-security-policy', "default-src 'none'; frame-ancestors 'none'")
  reply.header('cache-control', 'no-store')
}

const LOUD: ReadonlySet<string> = new Set(['internal', 'unavailable', 'full'])

function logFailure(context: Context, error: HoldfastError, request: FastifyRequest): void {
  if (!LOUD.has(error.kind) || error.code === 'SHUTTING_DOWN') return
  const { requestId, trace } = request.state
  context.log.error(
    {
      request_id: requestId,
      trace_id: trace.traceId,
      span_id: trace.spanId,
      code: error.code,
      details: error.details,
      error,
    },
    'request failed',
  )
}

/** What Node says of bytes that it does not hand on as a request. */
export interface RawError {
  readonly code?: string
}

const RAW: Readonly<Record<string, { status: number; reason: string; code: ErrorCode }>> = {
  HPE_HEADER_OVERFLOW: {
    status: 431,
    reason: 'Request Header Fields Too Large',
    code: 'MALFORMED_REQUEST',
  },
  CONNECT: { status: 405, reason: 'Method Not Allowed', code: 'METHOD_NOT_ALLOWED' },
  ERR_HTTP_REQUEST_TIMEOUT: { status: 408, reason: 'Request Timeout', code: 'REQUEST_TIMEOUT' },
}
const BAD = { status: 400, reason: 'Bad Request', code: 'MALFORMED_REQUEST' } as const

/** Bytes that are no HTTP request: there is no request to answer, only a socket. */
export function refuseRaw(context: Context, error: RawError, socket: Socket): void {
  if (socket.destroyed || error.code === 'ECONNRESET') {
    socket.destroy()
    return
  }
  const answer = RAW[error.code ?? ''] ?? BAD
  const requestId = newUuid(context.clock, context.random)
  context.metrics.errors.inc({ code: answer.code })
  context.log.info({ request_id: requestId, code: answer.code }, 'not an HTTP request')
  const body = JSON.stringify({
    message: errorTable[answer.code].message,
    code: answer.code,
    details: {},
    request_id: requestId,
  })
  if (!socket.writable) {
    socket.destroy()
    return
  }
  const text =
    `HTTP/1.1 ${answer.status} ${answer.reason}\r\nContent-Type: application/json\r\n` +
    headLines(securityHeaders(context.settings)) +
    `Content-Length: ${Buffer.byteLength(body)}\r\nConnection: close\r\n\r\n${body}`
  endConnection(socket, text, context.clock)
}
