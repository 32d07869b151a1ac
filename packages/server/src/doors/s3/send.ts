import { STATUS_CODES } from 'node:http'
import { canWriteWhole, prepareHead } from '../../http/direct/write-whole.ts'
import { holderOf } from '../../http/limits/large-answers.ts'
import { refuseWhileSending } from '../../http/linger.ts'
import { pour } from '../../http/pour.ts'
import { overTls } from '../../http/security-headers.ts'
import { ID_BYTES, TRACE_BYTES, type Trace } from '../../telemetry/trace.ts'
import { auditAnswer, auditRefusal } from './audited.ts'
import { factsOf } from './error-facts.ts'
import type { S3Error } from './errors.ts'
import { noteRefusal } from './note-refusal.ts'
import type { Answer } from './requests/answer.ts'
import { addressOfCaller, isSecure, type S3Request } from './requests/request.ts'
import { writeXml, type XmlNode } from './xml/write.ts'

const XML_TYPE = 'application/xml'

/** Headers of every answer. Content of others is never run in the name of this server. */
export function standardHeaders(request: S3Request): Record<string, string> {
  return {
    ...request.admission.fields,
    ...(isSecure(request) ? overTls : {}),
    'x-amz-request-id': request.requestId,
    'x-amz-id-2': hostId(request.trace),
    ...lastingHeaders,
  }
}

export const lastingHeaders = {
  server: 'Holdfast',
  'x-content-type-options': 'nosniff',
  'content-security-policy': "sandbox; default-src 'none'; style-src 'unsafe-inline'",
} as const

/** Header lines of an answer whose other headers were prepared. */
export function changingHeaders(request: S3Request): string {
  const own = { ...request.admission.fields, ...(isSecure(request) ? overTls : {}) }
  let lines = `x-amz-request-id: ${request.requestId}\r\nx-amz-id-2: ${hostId(request.trace)}\r\n`
  for (const [name, value] of Object.entries(own)) lines += `${name}: ${value}\r\n`
  return lines
}

/** What callers are told of the trace in the log. */
function hostId({ traceId }: Trace): string {
  return Buffer.from(traceId, 'hex').toString('base64')
}

/** Memory of its own: a short array gets a buffer only when it is asked for one. */
const idBytes = Buffer.alloc(TRACE_BYTES)

/** The same of the trace that `newTrace` makes of these bytes. */
export function hostIdOf(seed: Uint8Array): string {
  idBytes.set(seed)
  return idBytes.toString('base64', 0, ID_BYTES)
}

export async function sendAnswer(request: S3Request, answer: Answer): Promise<void> {
  const { response, method } = request
  if (answer.late !== undefined) {
    await sendLate(request, answer.late)
    return
  }
  const headers: Record<string, string> = { ...standardHeaders(request), ...answer.headers }
  const { status, content } = answer
  if (content !== undefined && content.bytes === undefined && method !== 'HEAD') {
    await pour(response, {
      chunks: content.chunks,
      onLoan: true,
      begin: () => {
        response.writeHead(status, headers)
      },
      sent: bytes => {
        request.told.sentBytes += bytes
      },
    })
    return
  }
  const document = documentOf(answer)
  // What changes something was done already, and asked for room before.
  if (document !== undefined && method === 'GET') holdAnswer(request, document.length)
  if (document !== undefined) {
    headers['content-type'] = answer.text?.type ?? XML_TYPE
    headers['content-length'] = String(document.length)
  } else if (status !== 204 && status !== 304) {
    headers['content-length'] ??= '0'
  }
  const bytes = method === 'HEAD' ? undefined : (document ?? content?.bytes)
  request.told.sentBytes += bytes?.length ?? 0
  sendWhole(request, { status, headers }, bytes ?? NONE)
}

const NONE = new Uint8Array(0)

/** Until it was taken. TOO_MANY_REQUESTS where too much waits for who asks, or for all. */
export function holdAnswer(request: S3Request, bytes: number): void {
  const { context, told, response } = request
  context.answers.hold(holderOf(told.principal, addressOfCaller(request)), bytes, response)
}

/** In one piece where that is possible: Node's own way costs a quarter of a small answer. */
function sendWhole(
  { response, body, writer }: S3Request,
  { status, headers }: { readonly status: number; readonly headers: Record<string, string> },
  bytes: Uint8Array,
): void {
  if (!body.unread && canWriteWhole(response)) {
    const head = prepareHead(headers, `${status} ${STATUS_CODES[status] ?? ''}`)
    if (head !== undefined) {
      response.statusCode = status
      writer.write(response, head, { fields: '', bytes })
      return
    }
  }
  if (body.unread) headers.connection = 'close'
  if (!response.headersSent) response.writeHead(status, headers)
  response.end(bytes)
}

const PATIENCE_MS = 10_000

/**
 * Clients and proxies give up on silence, so spaces go before a document that takes its time
 * (https://docs.aws.amazon.com/AmazonS3/latest/API/API_CompleteMultipartUpload.html).
 */
async function sendLate(request: S3Request, late: Promise<Answer>): Promise<void> {
  const { response, context } = request
  const done = new AbortController()
  const end = () => done.abort()
  late.then(end, end)
  await context.clock.sleep(PATIENCE_MS, done.signal).catch(() => {})
  if (done.signal.aborted) {
    const answer = await late
    await auditAnswer(request, answer.status)
    await sendAnswer(request, { ...answer, headers: { ...request.allowed, ...answer.headers } })
    return
  }
  const headers = { ...standardHeaders(request), ...request.allowed, 'content-type': XML_TYPE }
  response.writeHead(200, headers)
  response.write('<?xml version="1.0" encoding="UTF-8"?>\n')
  while (!done.signal.aborted && !response.destroyed) {
    response.write(' ')
    await context.clock.sleep(PATIENCE_MS, done.signal).catch(() => {})
  }
  response.end(withoutDeclaration(await lateDocument(request, late)))
}

async function lateDocument(request: S3Request, late: Promise<Answer>): Promise<string> {
  try {
    const { xml = '', status } = await late
    await auditAnswer(request, status)
    return xml
  } catch (error) {
    const refusal = noteRefusal(request, error)
    auditRefusal(request, refusal)
    return errorDocument(request, refusal)
  }
}

function withoutDeclaration(xml: string): string {
  return xml.replace(/^<\?xml[^>]*\?>\n/, '')
}

function documentOf({ xml, text }: Answer): Buffer | undefined {
  const body = xml ?? text?.body
  return body === undefined ? undefined : Buffer.from(body)
}

/** The error document (https://docs.aws.amazon.com/AmazonS3/latest/API/ErrorResponses.html). */
export function errorDocument(request: S3Request, error: S3Error): string {
  const nodes: XmlNode[] = [
    ['Code', error.code],
    ['Message', error.message],
    ...Object.entries(factsOf(request, error)),
    ['Resource', request.path.slice(0, 2048)],
    ['RequestId', request.requestId],
    ['HostId', hostId(request.trace)],
  ]
  // As AWS writes them, for who reads it: between tags quotes and ends of lines need no escape.
  const text = writeXml('Error', nodes, '').replaceAll('&quot;', '"').replaceAll('&apos;', "'")
  return text.replaceAll('&#xA;', '\n')
}

/**
 * By which clients find the region to sign for, whether they may enter the bucket or not
 * (https://docs.aws.amazon.com/AmazonS3/latest/API/API_HeadBucket.html). It tells nothing of a
 * bucket: there is one region.
 */
function bucketRegion({ told, context }: S3Request, { code }: S3Error): Record<string, string> {
  const { bucket, key } = told.resource
  if (bucket === undefined || code === 'NoSuchBucket') return {}
  if (key !== undefined && code !== 'AuthorizationHeaderMalformed') return {}
  return { 'x-amz-bucket-region': context.settings.s3Region }
}

export async function sendError(request: S3Request, error: S3Error): Promise<void> {
  const { response, method, body, raw, context } = request
  if (response.headersSent) {
    // Half an answer must not look whole.
    response.destroy()
    return
  }
  const own = { ...bucketRegion(request, error), ...error.headers }
  const headers = { ...standardHeaders(request), ...request.allowed, ...own }
  const bare = method === 'HEAD' || error.status === 304
  const text = bare ? '' : errorDocument(request, error)
  const type = bare ? {} : { 'content-type': XML_TYPE }
  const answer = { status: error.status, headers: { ...headers, ...type }, body: text }
  const waits = !body.started && raw.headers.expect !== undefined
  if (body.unread && !raw.destroyed && !waits) {
    await refuseWhileSending({ request: raw, response }, answer, context)
    return
  }
  const length = error.status === 304 ? {} : { 'content-length': String(Buffer.byteLength(text)) }
  const closing = body.unread ? { connection: 'close' } : {}
  response.writeHead(answer.status, { ...answer.headers, ...length, ...closing })
  response.end(text)
}
