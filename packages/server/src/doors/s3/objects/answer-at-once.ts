import type { Version } from '@holdfast/core/records.ts'
import { type PeekedObject, peekObject } from '@holdfast/engine/objects/peek-object.ts'
import { canWriteWhole, type PreparedHead, prepareHead } from '../../../http/direct/write-whole.ts'
import { peekVerified } from '../auth/verify.ts'
import { readRequest, type S3Request } from '../requests/request.ts'
import { changingHeaders, lastingHeaders } from '../send.ts'
import type { RequestHeaders } from '../wire/headers.ts'
import { wholeHeaders } from '../wire/object-headers.ts'

/** Longer content is worth the longer way: there the bytes cost, not the request. */
const BYTES_MAX = 256 * 1024
const NONE = new Uint8Array(0)

/**
 * Answers the plainest and most frequent requests within this turn of the event loop: GET and HEAD
 * of whole small objects that are in memory, signed in their headers. Only good answers are given
 * here, made of the same parts; whatever is unusual, refused or unknown is left to the way of all
 * requests, which says why. False: nothing was done.
 */
export function answerAtOnce(request: S3Request): boolean {
  const { method, raw, response, context, headers } = request
  if (method !== 'GET' && method !== 'HEAD') return false
  const { load, settings, limits } = context
  if (load.stopping || load.active > settings.requestsMax || limits.concerns(raw)) return false
  if (!canWriteWhole(response) || raw.httpVersionMinor !== 1) return false
  if (raw.url?.includes('?') !== false || !isPlain(headers)) return false
  const found = find(request)
  if (found === undefined || found.version.size > BYTES_MAX) return false
  const bytes = method === 'HEAD' || found.version.size === 0 ? NONE : found.held()
  const head = bytes && headOf(found, headers.has('x-amz-checksum-mode'))
  if (bytes === undefined || head === undefined) return false
  request.told.operation = method === 'HEAD' ? 'HeadObject' : 'GetObject'
  request.told.sentBytes = bytes.length
  request.writer.write(response, head, { fields: changingHeaders(request), bytes })
  return true
}

/** A request that is refused here is refused again, with words. */
function find(request: S3Request): PeekedObject | undefined {
  try {
    const read = readRequest(request)
    const { bucket, key } = read.address
    if (bucket === undefined || key === undefined) return undefined
    const verified = peekVerified(read)
    return verified && peekObject(request.context.engine, verified.call.principal, { bucket, key })
  } catch {
    return undefined
  }
}

/** Headers that change nothing about the answer, and those of the signature. */
const PLAIN: ReadonlySet<string> = new Set([
  'host',
  'authorization',
  'x-amz-date',
  'x-amz-content-sha256',
  'x-amz-user-agent',
  'user-agent',
  'accept',
  'accept-encoding',
  'accept-language',
  'connection',
  'content-type',
  'amz-sdk-invocation-id',
  'amz-sdk-request',
])

function isPlain(headers: RequestHeaders): boolean {
  for (const name of headers.names()) {
    if (PLAIN.has(name)) continue
    if (name !== 'x-amz-checksum-mode' || headers.get(name) !== 'ENABLED') return false
  }
  return headers.has('authorization') && !headers.get('host')?.includes(',')
}

interface Heads {
  readonly plain: PreparedHead | undefined
  readonly checked: PreparedHead | undefined
}

/** As long as the version is in memory; buckets that can change what is said have other heads. */
const heads = new WeakMap<Version, Map<string, Heads>>()

function headOf(object: PeekedObject, checked: boolean): PreparedHead | undefined {
  const { version, bucket } = object
  const ofVersion = heads.get(version) ?? new Map<string, Heads>()
  heads.set(version, ofVersion)
  const { versioning } = bucket.settings
  let known = ofVersion.get(versioning)
  if (known === undefined) {
    known = { plain: headText(object, false), checked: headText(object, true) }
    ofVersion.set(versioning, known)
  }
  return checked ? known.checked : known.plain
}

function headText(object: PeekedObject, checked: boolean): PreparedHead | undefined {
  return prepareHead({ ...lastingHeaders, ...wholeHeaders(object, checked) })
}
