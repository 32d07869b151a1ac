import type { ServerResponse } from 'node:http'
import { refuseWhileSending } from '../../http/linger.ts'
import { overTls } from '../../http/security-headers.ts'
import type { S3Error } from './errors.ts'
import { noteRefusal } from './note-refusal.ts'
import type { Answer } from './requests/answer.ts'
import { isSecure, type S3Request } from './requests/request.ts'
import { writeXml, type XmlNode } from './xml/write.ts'

/** A reader that takes nothing for this long is gone. */
const STALLED_MS = 120_000
const XML_TYPE = 'application/xml'

/** Headers of every answer. Content of others is never run in the name of this server. */
export function standardHeaders(request: S3Request): Record<string, string> {
  return {
    ...request.admission.fields,
    ...(isSecure(request) ? overTls : {}),
    'x-amz-request-id': request.requestId,
    'x-amz-id-2': hostId(request),
    server: 'Holdfast',
    'x-content-type-options': 'nosniff',
    'content-security-policy': "sandbox; default-src 'none'; style-src 'unsafe-inline'",
  }
}

function hostId({ trace }: S3Request): string {
  return Buffer.from(trace.traceId, 'hex').toString('base64')
}

export async function sendAnswer(request: S3Request, answer: Answer): Promise<void> {
  const { response, method, told } = request
  if (answer.late !== undefined) {
    await sendLate(request, answer.late)
    return
  }
  const headers: Record<string, string> = { ...standardHeaders(request), ...answer.headers }
  if (answer.chunks !== undefined && method !== 'HEAD') {
    await sendChunks(request, { ...answer, headers }, answer.chunks)
    return
  }
  const body = bodyOf(answer)
  if (body !== undefined) {
    headers['content-type'] = answer.text?.type ?? XML_TYPE
    headers['content-length'] = String(body.length)
  } else if (answer.status !== 204 && answer.status !== 304) {
    headers['content-length'] ??= '0'
  }
  if (request.body.unread) headers.connection = 'close'
  if (!response.headersSent) response.writeHead(answer.status, headers)
  if (body === undefined || method === 'HEAD') {
    response.end()
    return
  }
  told.sentBytes += body.length
  response.end(body)
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
    await sendAnswer(request, { ...answer, headers: { ...request.allowed, ...answer.headers } })
    return
  }
  response.writeHead(200, { ...standardHeaders(request), 'content-type': XML_TYPE })
  response.write('<?xml version="1.0" encoding="UTF-8"?>\n')
  while (!done.signal.aborted && !response.destroyed) {
    response.write(' ')
    await context.clock.sleep(PATIENCE_MS, done.signal).catch(() => {})
  }
  response.end(withoutDeclaration(await lateDocument(request, late)))
}

async function lateDocument(request: S3Request, late: Promise<Answer>): Promise<string> {
  try {
    return (await late).xml ?? ''
  } catch (error) {
    return errorDocument(request, noteRefusal(request, error))
  }
}

function withoutDeclaration(xml: string): string {
  return xml.replace(/^<\?xml[^>]*\?>\n/, '')
}

function bodyOf({ xml, text }: Answer): Buffer | undefined {
  const body = xml ?? text?.body
  return body === undefined ? undefined : Buffer.from(body)
}

/** When the source fails half-way the connection breaks: what is not whole must not look whole. */
async function sendChunks(
  request: S3Request,
  answer: Answer,
  chunks: AsyncIterable<Uint8Array>,
): Promise<void> {
  const { response, told } = request
  const source = chunks[Symbol.asyncIterator]()
  // Before the headers, so that a failure at the start is still a proper refusal.
  const first = await source.next()
  response.writeHead(answer.status, answer.headers)
  response.setTimeout(STALLED_MS, () => response.destroy())
  try {
    for (let next = first; next.done !== true; next = await source.next()) {
      told.sentBytes += next.value.length
      if (response.destroyed) return
      if (!response.write(next.value)) await drained(response)
    }
    response.end()
  } catch (error) {
    response.destroy()
    throw error
  } finally {
    await source.return?.()
  }
}

async function drained(response: ServerResponse): Promise<void> {
  await new Promise<void>(resolve => {
    const done = () => {
      response.off('drain', done).off('close', done)
      resolve()
    }
    response.on('drain', done).on('close', done)
  })
}

/** The error document (https://docs.aws.amazon.com/AmazonS3/latest/API/ErrorResponses.html). */
export function errorDocument(request: S3Request, error: S3Error): string {
  const { message: _message, ...facts } = error.facts
  const nodes: XmlNode[] = [
    ['Code', error.code],
    ['Message', error.message],
    ...Object.entries(facts),
    ['Resource', request.path.slice(0, 2048)],
    ['RequestId', request.requestId],
    ['HostId', hostId(request)],
  ]
  return writeXml('Error', nodes, '')
}

export async function sendError(request: S3Request, error: S3Error): Promise<void> {
  const { response, method, body, raw, context } = request
  if (response.headersSent) {
    // Half an answer must not look whole.
    response.destroy()
    return
  }
  const headers = { ...standardHeaders(request), ...request.allowed, ...error.headers }
  const bare = method === 'HEAD' || error.status === 304
  const text = bare ? '' : errorDocument(request, error)
  const type = bare ? {} : { 'content-type': XML_TYPE }
  const answer = { status: error.status, headers: { ...headers, ...type }, body: text }
  const waits = !body.started && raw.headers.expect !== undefined
  if (body.unread && !raw.destroyed && !waits) {
    await refuseWhileSending({ request: raw, response }, answer, context.clock)
    return
  }
  const length = error.status === 304 ? {} : { 'content-length': String(Buffer.byteLength(text)) }
  const closing = body.unread ? { connection: 'close' } : {}
  response.writeHead(answer.status, { ...answer.headers, ...length, ...closing })
  response.end(text)
}
