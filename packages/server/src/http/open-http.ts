import {
  createServer,
  type IncomingMessage,
  type RequestListener,
  type Server,
  type ServerResponse,
} from 'node:http'
import type { Socket } from 'node:net'
import { HoldfastError } from '@holdfast/core/errors.ts'
import { type FastifyInstance, type FastifyReply, type FastifyRequest, fastify } from 'fastify'
import type { Context } from '../context.ts'
import { NO_OPERATION } from '../telemetry/request-tallies.ts'
import { FairRequest } from './body/fair-request.ts'
import { holdHellos } from './connections/held-hellos.ts'
import { allowOrigin } from './cors.ts'
import { type Direct, directFirst } from './direct/direct-first.ts'
import { type PlainHeaders, plainHeaders } from './direct/plain-headers.ts'
import { type PutHeaders, putHeaders } from './direct/put-headers.ts'
import {
  type Quick,
  type QuickPut,
  SILENT_BODY_MS,
  takeQuickly,
} from './direct/quick/quick-connections.ts'
import { hasUnknownCoding, InFlight, lacksHost } from './in-flight.ts'
import { peerTurn } from './limits/turn-budget.ts'
import { withFields } from './limits/with-fields.ts'
import { ParseInTurn } from './parse/parse-in-turn.ts'
import type { StatusOf } from './problems.ts'
import { trackRequest } from './record-request.ts'
import { type RawError, refuse, refuseRaw } from './refuse.ts'
import { RequestState } from './request-state.ts'
import { securityHeaders } from './security-headers.ts'

const HEADERS_TIMEOUT_MS = 10_000
const HEADERS_CHECK_MS = 2_000
export const KEEP_ALIVE_MS = 72_000
const PATH_CHARS_MAX = 16_384

/** What is answered without the framework, and even without Node's parser. */
export interface Shortcuts {
  readonly direct: Direct
  readonly quick: Quick<PlainHeaders>
  readonly quickPut: QuickPut<PutHeaders>
}

/** The HTTP side of the server, without any route. */
export function openHttp(
  context: Context,
  statusOf: StatusOf,
  { direct, quick, quickPut }: Shortcuts,
): FastifyInstance {
  const inFlight = new InFlight()
  const refuseBytes = (error: RawError, socket: Socket): void => {
    if (inFlight.isFree(socket)) refuseRaw(context, error, socket)
    else inFlight.closeAfter(socket)
  }
  const app = fastify({
    logger: false,
    // Bodies are read by our own code, with limits per route; nothing is ever buffered here.
    bodyLimit: Number.MAX_SAFE_INTEGER,
    requestTimeout: 0,
    serverFactory: handler => newServer(context, directFirst(direct, inFlight, handler)),
    keepAliveTimeout: KEEP_ALIVE_MS,
    exposeHeadRoutes: false,
    return503OnClosing: false,
    forceCloseConnections: 'idle',
    routerOptions: { maxParamLength: PATH_CHARS_MAX },
    clientErrorHandler: (error, socket) => {
      if (!parsing.isHeld(error, socket)) refuseBytes(error, socket)
    },
    frameworkErrors: (error, request, reply) => {
      // No hook runs for a path that cannot be routed.
      begin({ context, inFlight }, request, reply)
      void withFields(reply, request.state.admission.address()).then(
        () => refuse(context, { request, reply, error, statusOf }),
        limited => refuse(context, { request, reply, error: limited, statusOf }),
      )
    },
  })
  app.removeAllContentTypeParsers()
  app.addContentTypeParser('*', (_request, _payload, done) => done(null))
  prepareServer(app.server, refuseBytes)
  const turn = peerTurn(context)
  const parsing = new ParseInTurn(app.server, turn)
  // Behind TLS a socket is another one, and costs more than all of this.
  if (context.certificate !== undefined) {
    app.server.on('secureConnection', parsing.take)
    holdHellos(app.server, turn, context.clock)
    context.connections.watch(app.server)
  } else {
    takeQuickly(app.server, {
      connections: context.connections,
      ...{ quick, headersMs: HEADERS_TIMEOUT_MS, keepAliveMs: KEEP_ALIVE_MS },
      readHeaders: plainHeaders,
      puts: {
        take: quickPut,
        readHeaders: putHeaders,
        silentMs: SILENT_BODY_MS,
        refuseCut: socket => refuseBytes({ code: 'HPE_INVALID_EOF_STATE' }, socket),
      },
      handedOver: parsing.take,
      refuseSilent: socket => refuseBytes({ code: 'ERR_HTTP_REQUEST_TIMEOUT' }, socket),
    })
  }
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
  const options = {
    connectionsCheckingInterval: HEADERS_CHECK_MS,
    keepAliveTimeout: KEEP_ALIVE_MS,
    // A missing one is refused by `requireFraming`, which says so in a body.
    requireHostHeader: false,
    IncomingMessage: FairRequest,
  }
  if (certificate !== undefined) return certificate.serve(options, handler)
  return createServer(options, handler)
}

function prepareServer(server: Server, refuse: (error: RawError, socket: Socket) => void): void {
  server.on('connect', ({ socket }: IncomingMessage) => {
    // Node has taken its own off: without any, a reset would end the process.
    socket.on('error', () => socket.destroy()).on('timeout', () => socket.destroy())
    refuse({ code: 'CONNECT' }, socket)
  })
  server.headersTimeout = HEADERS_TIMEOUT_MS
  // Node would drop those behind the 2,000th without a word: conditions, credentials, addresses.
  server.maxHeadersCount = 0
  server.requestTimeout = 0
  server.timeout = 0
  // Node would answer 100 before anybody looked at the credential; the first read does it instead.
  for (const event of ['checkContinue', 'checkExpectation']) {
    server.on(event, (request: IncomingMessage, response: ServerResponse) => {
      server.emit('request', request, response)
    })
  }
}

function addHooks(app: FastifyInstance, context: Context, inFlight: InFlight): void {
  const { load, settings } = context
  // Whoever reads slowly, or not to the end, stands in the log like all others.
  app.addHook('onSend', (request, _reply, payload, done) => {
    const begun = request.state.begins?.()
    if (begun === undefined) done(null, payload)
    else begun.then(() => done(null, payload), done)
  })
  app.addHook('onRequest', async (request, reply) => {
    begin({ context, inFlight }, request, reply)
    requireFraming(request.raw)
    if (await allowOrigin(context, request, reply)) return
    const operation = request.routeOptions.config.operationId
    // Probes are answered whatever the load is: that is what they are for.
    if (operation === 'getLiveness' || operation === 'getReadiness') return
    if (load.stopping) throw new HoldfastError('SHUTTING_DOWN')
    if (load.active > settings.requestsMax) throw new HoldfastError('TOO_MANY_REQUESTS')
    await withFields(reply, request.state.admission.address())
    const waiting = request.state.turn()
    if (waiting === undefined) return
    await waiting
    request.state.signal.throwIfAborted()
  })
}

/** What lets two readers of one request disagree about it (RFC 9112 §3.2, §6.1). */
function requireFraming(request: IncomingMessage): void {
  const { url, rawHeaders, headers } = request
  if (url?.includes('#') === true) {
    throw new HoldfastError('MALFORMED_REQUEST', { reason: 'A request target has no fragment.' })
  }
  if (lacksHost(request)) {
    throw new HoldfastError('MALFORMED_REQUEST', { header: 'host', reason: 'is missing' })
  }
  if ((headers.expect ?? '100-continue').toLowerCase() !== '100-continue') {
    throw new HoldfastError('EXPECTATION_FAILED', { header: 'expect' })
  }
  if (timesGiven(rawHeaders, /^host$/i) > 1) {
    throw new HoldfastError('MALFORMED_REQUEST', { header: 'host', reason: 'is given twice' })
  }
  // Node keeps the first one alone; a proxy may have judged the other.
  if (timesGiven(rawHeaders, /^authorization$/i) > 1) {
    throw new HoldfastError('MALFORMED_REQUEST', {
      header: 'authorization',
      reason: 'is given twice',
    })
  }
  if (hasUnknownCoding(request)) {
    throw new HoldfastError('MALFORMED_REQUEST', {
      header: 'transfer-encoding',
      reason: 'is not known in HTTP/1.0',
    })
  }
  const coding = headers['transfer-encoding']
  if (coding === undefined || coding.trim().toLowerCase() === 'chunked') return
  throw new HoldfastError('MALFORMED_REQUEST', {
    header: 'transfer-encoding',
    reason: 'must be chunked',
  })
}

function timesGiven(rawHeaders: readonly string[], name: RegExp): number {
  return rawHeaders.filter((given, at) => at % 2 === 0 && name.test(given)).length
}

/** Those that came before on the connection are answered. */
function begin(
  { context, inFlight }: { readonly context: Context; readonly inFlight: InFlight },
  request: FastifyRequest,
  reply: FastifyReply,
): void {
  const { settings } = context
  const state = new RequestState(context, { request: request.raw, response: reply.raw })
  request.state = state
  reply.headers(securityHeaders(settings)).header('x-request-id', state.requestId)
  const operation = () => request.routeOptions.config.operationId ?? NO_OPERATION
  inFlight.enter(request.raw, reply.raw)
  trackRequest(state, operation)
}
