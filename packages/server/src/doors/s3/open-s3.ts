import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import type { Socket } from 'node:net'
import { TLSSocket } from 'node:tls'
import { HoldfastError } from '@holdfast/core/errors.ts'
import { newUuid } from '@holdfast/core/ids.ts'
import type { JsonObject } from '@holdfast/core/records.ts'
import type { Context } from '../../context.ts'
import { FairRequest } from '../../http/body/fair-request.ts'
import { holdHellos } from '../../http/connections/held-hellos.ts'
import { BodyBuffers } from '../../http/direct/body-buffers.ts'
import { SILENT_BODY_MS, takeQuickly } from '../../http/direct/quick/quick-connections.ts'
import { limitStall } from '../../http/direct/stalled-answers.ts'
import { WholeWriter } from '../../http/direct/write-whole.ts'
import { hasUnknownCoding, InFlight, lacksHost } from '../../http/in-flight.ts'
import { peerTurn } from '../../http/limits/turn-budget.ts'
import { endConnection } from '../../http/linger.ts'
import { type ParseError, ParseInTurn } from '../../http/parse/parse-in-turn.ts'
import { countActive } from '../../http/record-request.ts'
import { headLines, overTls } from '../../http/security-headers.ts'
import { auditAnswer, auditRefusal } from './audited.ts'
import { admitCaller } from './auth/admit-caller.ts'
import { countWrongSignature } from './auth/signers.ts'
import { verifyRequest } from './auth/verify.ts'
import { allowOrigin } from './cors/allow-origin.ts'
import { S3Error } from './errors.ts'
import { builtOperations } from './handlers.ts'
import { noteRefusal } from './note-refusal.ts'
import { answerAtOnce } from './objects/answer-at-once.ts'
import { plainPutHeaders } from './objects/plain-put.ts'
import { quickObjects } from './objects/quick-objects.ts'
import { quickPut } from './objects/quick-put.ts'
import { type OperationName, operations } from './operations.ts'
import { postObject } from './post/post-object.ts'
import { recordS3Request } from './record.ts'
import { requireExpectedOwners } from './requests/expected-owner.ts'
import { marks } from './requests/marks.ts'
import { requireBucketForAnyone } from './requests/missing-bucket.ts'
import {
  beginRequest,
  type Door,
  type ReadRequest,
  readRequest,
  type S3Request,
  turnOf,
} from './requests/request.ts'
import { notImplemented, routeOf } from './requests/route.ts'
import { lastingHeaders, sendAnswer, sendError } from './send.ts'
import { RequestHeaders } from './wire/headers.ts'
import { writeXml } from './xml/write.ts'

const HEADERS_TIMEOUT_MS = 10_000
const HEADERS_CHECK_MS = 2_000
const KEEP_ALIVE_MS = 72_000
/** 8 KiB of headers and 2 KiB of user metadata are what AWS takes; presigned links need more. */
const HEADER_BYTES_MAX = 32 * 1024

/** The server of the S3 door, not yet listening. Store, log, metrics and load are those of REST. */
export function openS3(context: Context): Server {
  const inFlight = new InFlight()
  const writer = new WholeWriter(context.clock)
  const buffers = new BodyBuffers()
  const door = { context, inFlight, writer, buffers }
  const options = {
    connectionsCheckingInterval: HEADERS_CHECK_MS,
    headersTimeout: HEADERS_TIMEOUT_MS,
    keepAliveTimeout: KEEP_ALIVE_MS,
    maxHeaderSize: HEADER_BYTES_MAX,
    requestTimeout: 0,
    // A missing one is refused by `requireFraming`, which says so in a document.
    requireHostHeader: false,
    IncomingMessage: FairRequest,
  }
  const listener = (raw: IncomingMessage, response: ServerResponse) => {
    take(door, { raw, response })
  }
  const { certificate, load } = context
  const server = certificate?.serve(options, listener) ?? createServer(options, listener)
  server.timeout = 0
  // Node would drop those behind the 2,000th without a word.
  server.maxHeadersCount = 0
  // Node would answer 100 before anybody looked at the signature; the first read does it instead.
  // Nor does S3 mind what else is expected: Node would answer 417 without a document.
  for (const event of ['checkContinue', 'checkExpectation']) {
    server.on(event, (raw: IncomingMessage, response: ServerResponse) => {
      // Of an empty body nothing is held back. AWS grants it, too; a botocore that is not granted
      // what it expected takes this answer's first line for that of its next put, and hangs.
      if (event === 'checkContinue' && isEmpty(raw)) response.writeContinue()
      server.emit('request', raw, response)
    })
  }
  const refuseBytes = (error: ParseError, socket: Socket): void => {
    if (inFlight.isFree(socket)) refuseRaw(context, error, socket)
    else inFlight.closeAfter(socket)
  }
  server.on('connect', ({ socket }: IncomingMessage) => {
    // Node has taken its own off: without any, a reset would end the process.
    socket.on('error', () => socket.destroy()).on('timeout', () => socket.destroy())
    refuseBytes({ code: 'CONNECT' }, socket)
  })
  const turn = peerTurn(context)
  const parsing = new ParseInTurn(server, turn)
  server.on('clientError', (error: Error & { code?: string }, socket: Socket) => {
    if (!parsing.isHeld(error, socket)) refuseBytes(error, socket)
  })
  // Behind TLS a socket is another one, and costs more than all of this.
  if (certificate !== undefined) {
    server.on('secureConnection', parsing.take)
    holdHellos(server, turn, context.clock)
    context.connections.watch(server)
  } else {
    const parts = { load, writer, buffers, keepAliveMs: KEEP_ALIVE_MS }
    takeQuickly(server, {
      connections: context.connections,
      quick: quickObjects(context, parts),
      readHeaders: (raw, names, besides) => new RequestHeaders(raw, names, besides),
      queries: marks,
      puts: {
        take: quickPut(context, parts),
        readHeaders: plainPutHeaders,
        silentMs: SILENT_BODY_MS,
        refuseCut: socket => refuseRaw(context, { code: 'HPE_INVALID_EOF_STATE' }, socket),
      },
      ...{ headersMs: HEADERS_TIMEOUT_MS, keepAliveMs: KEEP_ALIVE_MS },
      handedOver: parsing.take,
      refuseSilent: socket => refuseRaw(context, { code: 'ERR_HTTP_REQUEST_TIMEOUT' }, socket),
    })
  }
  return server
}

function isEmpty({ headers }: IncomingMessage): boolean {
  return headers['transfer-encoding'] === undefined && Number(headers['content-length'] ?? 0) === 0
}

interface OpenDoor extends Door {
  readonly inFlight: InFlight
}

function take(
  door: OpenDoor,
  { raw, response }: { readonly raw: IncomingMessage; readonly response: ServerResponse },
): void {
  const { context, inFlight } = door
  const request = beginRequest(door, raw, response)
  // Whoever leaves in the middle must not end the process.
  raw.on('error', () => {})
  response.on('error', () => {})
  inFlight.enter(raw, response)
  limitStall(response)
  countActive(context.load, response)
  response.once('close', () => {
    if (!response.writableFinished) request.patience.giveUp()
    recordS3Request(request)
  })
  if (answerAtOnce(request)) return
  const { working } = context.load
  const abandoned = () => auditRefusal(request, new S3Error('ServiceUnavailable'))
  working
    .on(() => serve(request), abandoned)
    .catch(error => {
      context.log.error({ error, request_id: request.requestId }, 'an answer could not be sent')
      response.destroy()
    })
}

async function serve(request: S3Request): Promise<void> {
  try {
    const answered = await perform(request)
    // What takes its time is told when it is done, and not before it is.
    if (answered.late === undefined) await auditAnswer(request, answered.status)
    await sendAnswer(request, { ...answered, headers: { ...request.allowed, ...answered.headers } })
  } catch (error) {
    const refusal = noteRefusal(request, error)
    auditRefusal(request, refusal)
    await countWrongSignature(request, refusal)
    await sendError(request, refusal)
  }
}

async function perform(request: S3Request) {
  const { load, settings } = request.context
  requireFraming(request.raw)
  if (load.stopping) throw new HoldfastError('SHUTTING_DOWN')
  if (load.active > settings.requestsMax) throw new HoldfastError('TOO_MANY_REQUESTS')
  await request.admission.address()
  const waiting = turnOf(request)
  if (waiting !== undefined) {
    await waiting
    request.patience.signal.throwIfAborted()
  }
  const read = readRequest(request)
  const name = routeOf(read)
  request.told.operation = name
  request.told.resource = resourceOf(read)
  const preflight = await allowOrigin(read)
  if (preflight !== undefined) return preflight
  if (name === 'PostObject') return await postObject(read)
  return await operate(read, name)
}

function resourceOf({ address: { bucket, key } }: ReadRequest): JsonObject {
  return { ...(bucket === undefined ? {} : { bucket }), ...(key === undefined ? {} : { key }) }
}

async function operate(request: ReadRequest, name: OperationName) {
  const verified = await verifyRequest(request)
  await admitCaller(verified)
  await requireExpectedOwners(verified)
  await requireBucketForAnyone(verified, name)
  if (isBuilt(name)) return await builtOperations[name](verified)
  throw notImplemented(operations[name].sub ?? name)
}

function isBuilt(name: OperationName): name is keyof typeof builtOperations {
  return Object.hasOwn(builtOperations, name)
}

/** What lets two readers of one request disagree about it (RFC 9112 §3.2, §6.1). */
function requireFraming(raw: IncomingMessage): void {
  const { url, rawHeaders, headers } = raw
  // Some cut the target there, for others it is a byte of the key.
  if (url?.includes('#') === true) throw new S3Error('InvalidURI')
  const isHost = (name: string) => name.length === 4 && name.toLowerCase() === 'host'
  const hosts = rawHeaders.filter((name, at) => at % 2 === 0 && isHost(name)).length
  if (lacksHost(raw)) throw new S3Error('InvalidRequest', { message: 'Host is missing' })
  if (hosts > 1) throw new S3Error('InvalidRequest', { message: 'Host is given twice' })
  if (hasUnknownCoding(raw)) {
    throw new S3Error('InvalidRequest', { message: 'HTTP/1.0 knows no Transfer-Encoding' })
  }
  const coding = headers['transfer-encoding']
  if (coding === undefined || coding.trim().toLowerCase() === 'chunked') return
  throw new S3Error('NotImplemented', { Header: 'Transfer-Encoding' })
}

/** Bytes that are no HTTP request: there is no request to answer, only a socket. */
function refuseRaw(context: Context, error: ParseError, socket: Socket): void {
  if (socket.destroyed || !socket.writable || error.code === 'ECONNRESET') {
    socket.destroy()
    return
  }
  const slow = error.code === 'ERR_HTTP_REQUEST_TIMEOUT'
  const code =
    error.code === 'HPE_HEADER_OVERFLOW' ? 'RequestHeaderSectionTooLarge' : 'InvalidRequest'
  const requestId = newUuid(context.clock, context.random)
  context.metrics.errors.inc({ code: slow ? 's3.RequestTimeout' : `s3.${code}` })
  context.log.info({ request_id: requestId, code, door: 's3' }, 'not an HTTP request')
  const refusal = new S3Error(slow ? 'RequestTimeout' : code)
  const body = writeXml(
    'Error',
    [
      ['Code', refusal.code],
      ['Message', refusal.message],
      ['RequestId', requestId],
    ],
    '',
  )
  const text =
    `HTTP/1.1 400 Bad Request\r\nContent-Type: application/xml\r\n` +
    headLines({ ...lastingHeaders, ...(socket instanceof TLSSocket ? overTls : {}) }) +
    `Content-Length: ${Buffer.byteLength(body)}\r\nConnection: close\r\n\r\n${body}`
  endConnection(socket, text, context.clock)
}
