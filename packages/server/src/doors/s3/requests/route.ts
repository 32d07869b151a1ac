import { invalidArgument, S3Error } from '../errors.ts'
import { type Level, type OperationName, type OperationRow, operations } from '../operations.ts'
import type { ReadRequest } from './request.ts'

const rows: readonly (readonly [OperationName, OperationRow])[] = Object.entries<OperationRow>(
  operations,
).flatMap(([name, row]) => (isOperation(name) ? [[name, row] as const] : []))

/** Names that make another operation of a request, at each level. */
const subs: Readonly<Record<Level, ReadonlySet<string>>> = {
  service: subsOf('service'),
  bucket: subsOf('bucket'),
  object: subsOf('object'),
}
const everySub = new Set([...subs.service, ...subs.bucket, ...subs.object])
const everyParameter = new Set([
  ...everySub,
  ...rows.flatMap(([, { needs = [], reads = [] }]) => [...needs, ...reads]),
])
/** By level, method and sub-resource, the strictest first. */
const candidatesOf = new Map<string, (readonly [OperationName, OperationRow])[]>()
for (const [name, row] of rows) {
  const place = `${row.level} ${row.method} ${row.sub ?? ''}`
  const known = [...(candidatesOf.get(place) ?? []), [name, row] as const]
  known.sort(([, one], [, other]) => strictness(other) - strictness(one))
  candidatesOf.set(place, known)
}
/**
 * Read before the operation is known, or by nobody: what begins with `x-` is for logs
 * (https://docs.aws.amazon.com/AmazonS3/latest/userguide/LogFormat.html#LogFormatCustom).
 */
const EVERYWHERE = /^x-[\w.-]+$/i
/** Of links of Signature Version 2. */
const OF_LINKS = /^(AWSAccessKeyId|Signature|Expires|content-type|content-md5)$/
const COPY_SOURCE = 'x-amz-copy-source'
/** What AWS says of lists that are asked of an object. */
const ofBuckets = new Map([
  ['uploads', 'Key is not expected for the GET method ?uploads subresource'],
  ['versions', 'There is no such thing as the ?versions sub-resource for a key'],
])
/** What AWS calls them, of the others the name alone. */
const RESOURCES = new Map([
  ['uploadId', 'UPLOAD'],
  ['delete', 'MULTI_OBJECT_DELETE'],
])
/** Of an object, where a bucket has one of the name, too. */
const OF_OBJECTS = new Set(['tagging', 'encryption'])
/** As sub-resources and parameters of S3 are written, those to come too. */
const LIKE_OURS = /^[a-z][a-z0-9-]*$/i
/** What lists read, in whichever version: clients send those of one with another. */
const ofLists = new Set(
  rows.flatMap(([, { level, state, reads = [] }]) => {
    return level === 'object' || state === 'refused' ? [] : reads
  }),
)
/**
 * Of presigned links, and what clients of other servers add to lists: metadata that
 * AWS does not list either, and leave to list without order. libcloud names a version of the API,
 * and the answer to a form sends browsers on with the last three.
 */
const HARMLESS = /^(response-[a-z-]+|metadata|allow-unordered|Version|bucket|key|etag)$/

/**
 * Which operation a request asks for. What is not understood is refused and never served as
 * something else: `DELETE /bucket?encryption` must not delete the bucket.
 */
export function routeOf(request: ReadRequest): OperationName {
  const { method, query, headers } = request
  const level = levelOf(request)
  if (method === 'OPTIONS') return 'Preflight'
  const asked = askedNames(query)
  const [sub, ...others] = asked.filter(name => isSub(name, level, method)).toSorted()
  if (others.length > 0) {
    const message = `Conflicting query string parameters: ${[sub, ...others].join(', ')}`
    throw invalidArgument('ResourceType', sub ?? '', message.slice(0, 500))
  }
  const candidates = candidatesOf.get(`${level} ${method} ${sub ?? ''}`) ?? []
  const found = candidates.find(([, { needs = [], header }]) => {
    return needs.every(name => query.has(name)) && (header === undefined || headers.has(header))
  })
  if (headers.has(COPY_SOURCE) && found?.[1].header !== COPY_SOURCE) {
    // AWS ignores it where an upload is begun, and in other writes.
    // Of what is signed the verifier tells.
    const isSigned = headers.has('authorization') || query.has('X-Amz-Signature')
    const isHere = method === 'POST' ? query.has('uploadId') : method !== 'PUT'
    const message = 'You can only specify a copy source header for copy requests.'
    if (isHere && !isSigned)
      throw invalidArgument(COPY_SOURCE, headers.get(COPY_SOURCE) ?? '', message)
  }
  const misplaced =
    level === 'object' && method === 'GET' ? ofBuckets.get(sub ?? asked[0] ?? '') : undefined
  if (misplaced !== undefined) throw new S3Error('InvalidRequest', { message: misplaced })
  if (found === undefined) {
    const unknown = asked.find(name => !everyParameter.has(name))
    if (unknown !== undefined) throw notImplemented(unknown)
    throw notFound(request, sub, candidates.length > 0)
  }
  const [name, row] = found
  if (method === 'PUT' && query.has('partNumber') && !query.has('uploadId')) {
    const message = 'This operation does not accept partNumber without uploadId'
    throw invalidArgument('partNumber', 'partNumber', message)
  }
  if (name === 'PostObject' && asked[0] !== undefined && isForm(request)) {
    const message = 'Query String Parameters not allowed on POST requests.'
    throw invalidArgument(asked[0], query.get(asked[0]) ?? '', message)
  }
  requireUnderstood(request, row, asked)
  return name
}

function isForm({ headers }: ReadRequest): boolean {
  return /^multipart\/form-data/i.test(headers.get('content-type') ?? '')
}

/** To look at a bucket as a list would is to look at it. */
function isSub(name: string, level: Level, method: string): boolean {
  return subs[level].has(name) && !(method === 'HEAD' && name === 'list-type')
}

const NOTHING: readonly string[] = []

function askedNames(query: ReadRequest['query']): readonly string[] {
  if (query.pairs.length === 0) return NOTHING
  const isLink = query.has('Signature') && query.has('AWSAccessKeyId')
  return [...query.names()].filter(name => {
    return !EVERYWHERE.test(name) && !(isLink && OF_LINKS.test(name))
  })
}

function levelOf({ address }: ReadRequest): Level {
  if (address.bucket === undefined) return 'service'
  return address.key === undefined ? 'bucket' : 'object'
}

function strictness({ needs, header }: OperationRow): number {
  return (needs?.length ?? 0) + (header === undefined ? 0 : 1)
}

/** Parameters that nobody reads may change nothing, or may be meant to change everything. */
function requireUnderstood(
  request: ReadRequest,
  row: OperationRow,
  asked: readonly string[],
): void {
  const { sub, needs = [], reads = [] } = row
  for (const name of asked) {
    if (name === sub || needs.includes(name) || reads.includes(name)) continue
    if (name === 'versionId') {
      const message = 'This operation does not accept a version-id.'
      throw invalidArgument(name, request.query.get(name) ?? '', message)
    }
    const empty = request.query.get(name) === '' && LIKE_OURS.test(name)
    if (empty || everySub.has(name) || !isDecoration(name, row)) throw notImplemented(name)
  }
}

/**
 * Whether a parameter that nobody reads, with a value, may be ignored as AWS does: links to objects
 * carry marks of caches and counters. What is asked of a bucket is a mark only where no operation
 * can have its name, such as the `_` of browsers; else it asks for something.
 */
function isDecoration(name: string, { method, level }: OperationRow): boolean {
  if (method !== 'GET' && method !== 'HEAD') return false
  return !LIKE_OURS.test(name) || level === 'object' || ofLists.has(name) || HARMLESS.test(name)
}

function notFound(request: ReadRequest, sub: string | undefined, incomplete: boolean): S3Error {
  const { method, query } = request
  const level = levelOf(request)
  // AWS has no such operation: it asks for the number of a part in no other way.
  if (incomplete && !(method === 'PUT' && sub === 'uploadId')) {
    const message = 'This operation needs further parameters.'
    return invalidArgument(sub ?? '', query.get(sub ?? '') ?? '', message)
  }
  const methods = rows.filter(([, row]) => row.level === level && row.sub === sub)
  const allow = [...new Set(methods.map(([, row]) => row.method))].join(', ')
  const facts = { Method: method, ResourceType: resourceType(sub ?? level, level) }
  return new S3Error('MethodNotAllowed', facts, { headers: { allow } })
}

function resourceType(name: string, level: Level): string {
  const ofObject = level === 'object' && OF_OBJECTS.has(name) ? 'OBJECT_' : ''
  return ofObject + (RESOURCES.get(name) ?? name.toUpperCase())
}

export function notImplemented(name: string): S3Error {
  const message = 'A header or query you provided implies functionality that is not implemented'
  return new S3Error('NotImplemented', { message, Header: name.slice(0, 256) })
}

function isOperation(name: string): name is OperationName {
  return Object.hasOwn(operations, name)
}

function subsOf(level: Level): ReadonlySet<string> {
  return new Set(rows.flatMap(([, row]) => (row.level === level ? (row.sub ?? []) : [])))
}
