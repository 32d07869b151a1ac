import type { ETagConditions } from '@holdfast/engine/objects/etag.ts'
import type { StoredObject } from '@holdfast/engine/objects/object-views.ts'
import type { SourceConditions } from '@holdfast/engine/objects/source-conditions.ts'
import { invalidArgument, S3Error } from '../errors.ts'
import type { ReadRequest } from '../requests/request.ts'
import { httpDate, parseHttpDate } from './header-text.ts'
import type { RequestHeaders } from './headers.ts'

/** ETags of a condition without quotes and weakness; `*` stands for any. */
export function etagsOf(header: string): string[] {
  return header.split(',').map(etag =>
    etag
      .trim()
      .replace(/^W\//, '')
      // AWS takes one that lost a quote, too.
      .replace(/^"|"$/g, ''),
  )
}

/** Conditions of a write. S3 has `If-None-Match: *` only; with ETags it means what HTTP says. */
export function writeConditions(headers: RequestHeaders): ETagConditions | undefined {
  const match = headers.get('if-match')
  const none = headers.get('if-none-match')
  if (match === undefined && none === undefined) return undefined
  return {
    ...(match === undefined ? {} : { ifMatch: etagsOf(match) }),
    ...(none === undefined ? {} : { ifNoneMatch: etagsOf(none) }),
  }
}

/**
 * Conditions of a deletion, of headers or of an entry of DeleteObjects. Size and date are those of
 * directory buckets at AWS: to ignore them would delete what the caller wanted to keep
 * (https://docs.aws.amazon.com/AmazonS3/latest/API/API_DeleteObject.html).
 */
export function removalConditions({
  etag,
  size,
  modified,
}: {
  readonly etag: string | undefined
  readonly size: string | undefined
  readonly modified: string | undefined
}): ETagConditions {
  if (size !== undefined && !/^\d{1,15}$/.test(size)) {
    throw invalidArgument('x-amz-if-match-size', size, 'It must be a number of bytes.')
  }
  const at = modified === undefined ? undefined : dateOf(modified)
  return {
    ...(etag === undefined ? {} : { ifMatch: etagsOf(etag).slice(0, 1) }),
    ...(size === undefined ? {} : { ifSize: Number(size) }),
    ...(at === undefined ? {} : { ifModifiedAtMs: at }),
  }
}

/** Of HTTP, or of ISO 8601 as documents have them. */
function dateOf(text: string): number {
  const iso = /^\d{4}-\d{2}-\d{2}T[\d:.]+(Z|[+-]\d{2}:\d{2})$/.test(text)
  const ms = iso ? Date.parse(text) : parseHttpDate(text)
  if (ms !== undefined && !Number.isNaN(ms)) return ms
  throw invalidArgument('x-amz-if-match-last-modified-time', text, 'It must be a date.')
}

/** `x-amz-copy-source-if-*`, or `x-amz-rename-source-if-*`. */
export function sourceConditions(
  { headers, context }: ReadRequest,
  prefix: string,
): SourceConditions | undefined {
  const match = headers.get(`${prefix}-if-match`)
  const none = headers.get(`${prefix}-if-none-match`)
  const since = parseHttpDate(headers.get(`${prefix}-if-modified-since`))
  const until = parseHttpDate(headers.get(`${prefix}-if-unmodified-since`))
  const conditions: SourceConditions = {
    ...(match === undefined ? {} : { ifMatch: etagsOf(match) }),
    ...(none === undefined ? {} : { ifNoneMatch: etagsOf(none) }),
    ...(since === undefined || since > context.clock.now()
      ? {}
      : { ifModifiedSince: new Date(since).toISOString() }),
    ...(until === undefined ? {} : { ifUnmodifiedSince: new Date(until).toISOString() }),
  }
  return Object.keys(conditions).length === 0 ? undefined : conditions
}

/**
 * Conditions of a read, in the order of RFC 9110 §13.2.2: PreconditionFailed or NotModified. AWS
 * ignores `If-Modified-Since` with a time that is still to come.
 */
export function requireReadConditions(
  { headers, context }: ReadRequest,
  object: StoredObject,
): void {
  const match = headers.get('if-match')
  const none = headers.get('if-none-match')
  // Dates of HTTP have no fractions.
  const modifiedMs = Math.floor(Date.parse(object.version.createdAt) / 1000) * 1000
  if (match !== undefined) {
    if (!names(match, object)) throw new S3Error('PreconditionFailed', { Condition: 'If-Match' })
  } else {
    const until = parseHttpDate(headers.get('if-unmodified-since'))
    if (until !== undefined && modifiedMs > until) {
      throw new S3Error('PreconditionFailed', { Condition: 'If-Unmodified-Since' })
    }
  }
  if (none !== undefined) {
    if (names(none, object)) throw notModified(object)
    return
  }
  const since = parseHttpDate(headers.get('if-modified-since'))
  const passed = since !== undefined && since <= context.clock.now()
  if (passed && modifiedMs <= since) throw notModified(object)
}

function names(header: string, object: StoredObject): boolean {
  return etagsOf(header).some(etag => etag === '*' || etag === object.etag)
}

function notModified(object: StoredObject): S3Error {
  const headers = {
    etag: `"${object.etag}"`,
    'last-modified': httpDate(object.version.createdAt),
  }
  return new S3Error('NotModified', {}, { headers })
}
