import {
  createServer,
  type IncomingMessage,
  type RequestListener,
  type Server,
  type ServerResponse,
} from 'node:http'
import type { Socket } from 'node:net'
import { HoldfastError } from '@holdfast/core/errors.ts'
import { newUuid } from '@holdfast/core/ids.ts'
import { anonymous } from '@holdfast/core/principal.ts'
import { type FastifyInstance, type FastifyReply, type FastifyRequest, fastify } from 'fastify'
import type { Context } from '../context.ts'
import { traceOf } from '../telemetry/trace.ts'
import { RequestBody } from './body/request-body.ts'
import { allowOrigin } from './cors.ts'
import { InFlight } from './in-flight.ts'
import type { StatusOf } from './problems.ts'
import { recordRequest } from './record-request.ts'
import { refuse, refuseRaw } from './refuse.ts'
import type { RequestState } from './request-state.ts'
import { securityHeaders } from './security-headers.ts'

const HEADERS_TIMEOUT_MS = 10_000
const HEADERS_CHECK_MS = 2_000
const KEEP_ALIVE_MS = 72_000
const PATH_CHARS_MAX = 16_384
const REQUEST_ID = /^[\w.:-]{8,128}$/

/** The HTTP side of the server, without any route. */
export function openHttp(context: Context, statusOf: StatusOf): FastifyInstance {
  const inFlight = new InFlight()
  const app = fastify({
    logger: false,
    // Bodies are read by our own code, with limits per route; nothing is ever buffered here.
    bodyLimit: Number.MAX_SAFE_INTEGER,
    requestTimeout: 0,
    serverFactory: handler => newServer(context, handler),
    keepAliveTimeout: KEEP_ALIVE_MS,
    exposeHeadRoutes: false,
    return503OnClosing: false,
    forceCloseConnections: 'idle',
    routerOptions: { maxParamLength: PATH_CHARS_MAX },
    clientErrorHandler: (error: Error & { code?: string }, socket: Socket) => {
      if (inFlight.isFree(socket)) refuseRaw(context, error, socket)
      else inFlight.closeAfter(socket)
    },
    frameworkErrors: (error, request, reply) => {
      // No hook runs for a path that cannot be routed.
      begin(context, request, reply)
      return refuse(context, { request, reply, error, statusOf })
    },
  })
  app.removeAllContentTypeParsers()
  app.addContentTypeParser('*', (_request, _payload, done) => done(null))
  prepareServer(app.server)
  addHooks(app, context, inFlight)
  app.setErrorHandler((error, request, reply) =>
    refuse(context, { request, reply, error, statusOf }),
  )
  app.setNotFoundHandler(async () => {
    throw new HoldfastError('ROUTE_NOT_FOUND')
  })
  return app
}

function newServer({ certificate }: Context, handler: RequestListener): Server {
  const options = { connectionsCheckingInterval: HEADERS_CHECK_MS, keepAliveTimeout: KEEP_ALIVE_MS }
  if (certificate !== undefined) return certificate.serve(options, handler)
  return createServer(options, handler)
}

function prepareServer(server: Server): void {
  server.headersTimeout = HEADERS_TIMEOUT_MS
  server.requestTimeout = 0
  server.timeout = 0
  // Node would answer 100 before anybody looked at the credential; the first read does it instead.
  server.on('checkContinue', (request: IncomingMessage, response: ServerResponse) => {
    server.emit('request', request, response)
  })
}

function addHooks(app: FastifyInstance, context: Context, inFlight: InFlight): void {
  const { load, settings } = context
  app.addHook('onRequest', async (request, reply) => {
    begin(context, request, reply)
    const before = inFlight.enter(request.raw, reply.raw)
    if (before !== undefined) await before
    requireFraming(request.raw)
    if (await allowOrigin(context, request, reply)) return
    const operation = request.routeOptions.config.operationId
    // Probes are answered whatever the load is: that is what they are for.
    if (operation === 'getLiveness' || operation === 'getReadiness') return
    if (load.stopping) throw new HoldfastError('SHUTTING_DOWN')
    if (load.active > settings.requestsMax) throw new HoldfastError('TOO_MANY_REQUESTS')
  })
}

/** What lets two readers of one request disagree about it (RFC 9112 §3.2, §6.1). */
function requireFraming({ rawHeaders, headers }: IncomingMessage): void {
  const hosts = rawHeaders.filter((name, at) => at % 2 === 0 && /^host$/i.test(name)).length
  if (hosts > 1) {
    throw new HoldfastError('MALFORMED_REQUEST', { header: 'host', reason: 'is given twice' })
  }
  const coding = headers['transfer-encoding']
  if (coding === undefined || coding.trim().toLowerCase() === 'chunked') return
  throw new HoldfastError('MALFORMED_REQUEST', {
    header: 'transfer-encoding',
    reason: 'must be chunked',
  })
}

function begin(context: Context, request: FastifyRequest, reply: FastifyReply): void {
  const { load, metrics, settings } = context
  const state = newState(context, request.raw, reply.raw)
  request.state = state
  reply.headers(securityHeaders(settings)).header('x-request-id', state.requestId)
  load.active += 1
  metrics.inFlight.inc()
  reply.raw.once('close', () => {
    load.active -= 1
    metrics.inFlight.dec()
    if (!reply.raw.writableFinished) state.abort.abort()
    recordRequest(context, request, reply)
  })
}

function newState(
  context: Context,
  request: IncomingMessage,
  response: ServerResponse,
): RequestState {
  const { clock, random, settings } = context
  const { traceparent } = request.headers
  const given = request.headers['x-request-id']
  return {
    requestId: typeof given === 'string' && REQUEST_ID.test(given) ? given : newUuid(clock, random),
    trace: traceOf(typeof traceparent === 'string' ? traceparent : undefined, random),
    startedMs: clock.monotonic(),
    body: new RequestBody(request, response, { clock, idleSeconds: settings.bodyIdleSeconds }),
    abort: new AbortController(),
    principal: anonymous,
    code: undefined,
    sentBytes: 0,
  }
}
