import type { ObjectTag } from '@holdfast/core/objects.ts'
import type { Principal, RequestFacts } from '@holdfast/core/principal.ts'
import { type OperationName, type OperationRow, operations } from '../operations.ts'
import { parseCopySource } from '../requests/address.ts'
import { addressOfCaller, isSecure, type ReadRequest } from '../requests/request.ts'
import type { RequestHeaders } from '../wire/headers.ts'
import { parseTagHeader } from '../wire/tags.ts'
import { UNSIGNED } from './payload.ts'

/** What conditions may ask about a signature. */
export interface SignedHow {
  /** Of a form: the version of its signature; 0 where it has none. */
  readonly form?: 0 | 2 | 4 | undefined
  /** When it was made; that of version 2 does not say. */
  readonly signedMs?: number | undefined
  /** Whether what came as the hash of the body is none of the signature. */
  readonly isRidden?: boolean | undefined
}

/** What conditions of policies may ask about a request; most buckets have no policy that asks. */
export class Circumstances implements RequestFacts {
  readonly #request: ReadRequest
  readonly #isForm: boolean
  readonly #signed: SignedHow | undefined
  readonly #body: Record<string, string> = {}
  #keys: Record<string, string> | undefined

  constructor(request: ReadRequest, principal: Principal, signed: SignedHow = {}) {
    this.#request = request
    this.#isForm = signed.form !== undefined
    this.#signed = principal.kind === 'anonymous' ? undefined : signed
  }

  /** What the body says in the place of headers, once it is read. */
  add(keys: Readonly<Record<string, string>>): void {
    Object.assign(this.#body, keys)
    this.#keys = undefined
  }

  /** As far as it can be believed: proxies that are not trusted are themselves the source. */
  get sourceIp(): string | null {
    return addressOfCaller(this.#request) || null
  }

  get secure(): boolean {
    return isSecure(this.#request)
  }

  get userAgent(): string | null {
    // Of the request itself: fields of a form stand for other headers.
    return this.#request.wire.get('user-agent') ?? null
  }

  get referer(): string | null {
    return this.#request.wire.get('referer') ?? null
  }

  get at(): string {
    return new Date(this.#request.context.clock.now()).toISOString()
  }

  get keys(): Readonly<Record<string, string>> {
    this.#keys ??= {
      ...conditionKeys(this.#request, this.#signed),
      // A form signs no content, whatever a header beside it says that nobody holds it to.
      ...(this.#isForm ? { [CONTENT]: UNSIGNED } : {}),
      ...this.#body,
    }
    return this.#keys
  }
}

const CONTENT = 's3:x-amz-content-sha256'
const IF_MATCH = 's3:if-match'
const IF_NONE_MATCH = 's3:if-none-match'

const SOURCE = 'x-amz-copy-source'
const UNTIL = 'x-amz-object-lock-retain-until-date'
const TAGS = 'x-amz-tagging'
const MATCHES = ['if-match', 'if-none-match']
const ACL = [
  'x-amz-acl',
  'x-amz-grant-read',
  'x-amz-grant-write',
  'x-amz-grant-read-acp',
  'x-amz-grant-write-acp',
  'x-amz-grant-full-control',
]
const PUT = [
  ...[...ACL, ...MATCHES, TAGS, UNTIL],
  'x-amz-server-side-encryption',
  'x-amz-storage-class',
  'x-amz-object-lock-mode',
  'x-amz-object-lock-legal-hold',
]

/**
 * Which headers conditions may ask for: those that the operation goes by, or anybody could say in
 * one that it ignores what a policy wants to hear. The steps of an upload say what its begin kept.
 * https://docs.aws.amazon.com/AmazonS3/latest/userguide/list_amazons3.html#amazons3-policy-keys
 */
const CONDITION_HEADERS: Readonly<Partial<Record<OperationName, readonly string[]>>> = {
  CompleteMultipartUpload: PUT,
  CopyObject: [...PUT, SOURCE, 'x-amz-metadata-directive'],
  CreateBucket: ACL,
  CreateMultipartUpload: PUT,
  DeleteObject: ['if-match'],
  PostObject: PUT,
  PutBucketAcl: ACL,
  PutObject: PUT,
  PutObjectAcl: ACL,
  RenameObject: MATCHES,
  UploadPart: PUT,
  UploadPartCopy: [...PUT, SOURCE],
}
const CONDITION_PARAMETERS: Readonly<Record<string, string>> = {
  prefix: 's3:prefix',
  delimiter: 's3:delimiter',
  'max-keys': 's3:max-keys',
  versionId: 's3:VersionId',
}

function conditionKeys(
  request: ReadRequest,
  signed: SignedHow | undefined,
): Record<string, string> {
  const { headers, query } = request
  const operation = request.told.operation as OperationName
  const asked = new Set(CONDITION_HEADERS[operation])
  const nowMs = request.context.clock.now()
  const keys = signed === undefined ? {} : signatureKeys(request, signed, nowMs)
  // What says nothing, as links do, signed nothing.
  const hash = signed?.isRidden ? undefined : request.wire.get('x-amz-content-sha256')
  keys[CONTENT] = hash ?? UNSIGNED
  const source = asked.has(SOURCE) ? headers.get(SOURCE) : undefined
  if (source !== undefined) keys['s3:x-amz-copy-source'] = sourcePlace(source)
  for (const name of asked) {
    if (ELSEWISE.has(name)) continue
    const value = headers.get(name)
    // Those of object lock go by their bare names.
    const key = name.replace(/^x-amz-object-lock-/, 'object-lock-')
    if (value !== undefined) keys[`s3:${key}`] = value
  }
  // Policies write an ETag bare, however the header spelt it, and know none of a single version.
  const match = keys[IF_MATCH]
  if (match !== undefined) {
    if (request.method === 'DELETE' && query.has('versionId')) delete keys[IF_MATCH]
    else keys[IF_MATCH] = match.replace(/^"([^"]*)"$/, '$1')
  }
  // Any other one lets what is there be replaced, as a put without it does.
  if (keys[IF_NONE_MATCH] !== '*') delete keys[IF_NONE_MATCH]
  const until = asked.has(UNTIL) ? headers.get(UNTIL) : undefined
  if (until !== undefined) keys[REMAINING_DAYS] = remainingDays(until, nowMs)
  if (asked.has(TAGS) && saysTags(operation, headers)) {
    Object.assign(keys, tagKeys(requestTags(headers)))
  }
  const reads = parametersOf(operation)
  for (const [name, key] of Object.entries(CONDITION_PARAMETERS)) {
    const value = reads.includes(name) ? query.get(name) : undefined
    // Ids are taken in either case of letters; policies write them as answers do.
    if (value !== undefined) keys[key] = name === 'versionId' ? value.toLowerCase() : value
  }
  return keys
}

/** Keys of these are not called as the header is. */
const ELSEWISE: ReadonlySet<string> = new Set([SOURCE, UNTIL, TAGS])

/** A copy takes tags from its source, unless it says that it does not. */
function saysTags(operation: OperationName, headers: RequestHeaders): boolean {
  return operation !== 'CopyObject' || headers.get('x-amz-tagging-directive') === 'REPLACE'
}

/** HeadBucket lets those of a list pass, and lists nothing. */
function parametersOf(operation: OperationName): readonly string[] {
  const row: OperationRow | undefined = operations[operation]
  return operation === 'HeadBucket' ? [] : (row?.reads ?? [])
}

/**
 * `bucket/key` in the one way that policies write it, however the header spelt it; which version is
 * meant says `s3:VersionId`. What cannot be read is refused by the operation.
 */
function sourcePlace(header: string): string {
  try {
    const { bucket, key } = parseCopySource(header)
    return `${bucket}/${key}`
  } catch {
    return header
  }
}

export const REMAINING_DAYS = 's3:object-lock-remaining-retention-days'
const DAY_MS = 24 * 60 * 60 * 1000

/** Days begun: who may lock for ten days asks for them a moment before they are judged. */
export function remainingDays(until: string, nowMs: number): string {
  return String(Math.ceil((Date.parse(until) - nowMs) / DAY_MS))
}

export function tagKeys(tags: readonly ObjectTag[]): Record<string, string> {
  return Object.fromEntries(tags.map(({ key, value }) => [`s3:RequestObjectTag/${key}`, value]))
}

function signatureKeys(
  { query }: ReadRequest,
  { form, signedMs }: SignedHow,
  nowMs: number,
): Record<string, string> {
  const old = query.has('Signature')
  const linked = old || query.has('X-Amz-Signature')
  const version = form ?? (old ? 2 : 4)
  return {
    's3:authType': form === undefined ? (linked ? 'REST-QUERY-STRING' : 'REST-HEADER') : 'POST',
    's3:signatureversion': version === 2 ? 'AWS' : 'AWS4-HMAC-SHA256',
    // Nobody knows how old one of version 2 is, so it is as old as can be.
    's3:signatureAge': signedMs === undefined ? 'Infinity' : String(Math.max(0, nowMs - signedMs)),
  }
}

/** A tag header that cannot be read is refused by the operation, not here. */
function requestTags(headers: RequestHeaders): ObjectTag[] {
  const text = headers.text('x-amz-tagging')
  if (text === undefined) return []
  try {
    return parseTagHeader(text)
  } catch {
    return []
  }
}
