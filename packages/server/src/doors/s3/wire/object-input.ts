import { createHash } from 'node:crypto'
import type { ObjectHeaders, Retention } from '@holdfast/core/objects.ts'
import type { ObjectInput } from '@holdfast/engine/objects/object-facets.ts'
import type { Verified } from '../auth/verify.ts'
import { invalidArgument, S3Error } from '../errors.ts'
import { notImplemented } from '../requests/route.ts'
import { aclOfHeaders } from './acl-headers.ts'
import type { RequestHeaders } from './headers.ts'
import { parseTagHeader } from './tags.ts'

/** https://docs.aws.amazon.com/AmazonS3/latest/userguide/UsingMetadata.html */
const USER_METADATA_BYTES_MAX = 2048
const STORAGE_CLASSES: ReadonlySet<string> = new Set([
  'STANDARD',
  'REDUCED_REDUNDANCY',
  'STANDARD_IA',
  'ONEZONE_IA',
  'INTELLIGENT_TIERING',
  'GLACIER_IR',
])
/** They change what is stored or who can read it, so they must not be ignored. */
const NOT_SERVED = [
  'x-amz-server-side-encryption-customer-algorithm',
  'x-amz-server-side-encryption-customer-key',
  'x-amz-copy-source-server-side-encryption-customer-algorithm',
  'x-amz-copy-source-server-side-encryption-customer-key',
  'x-amz-server-side-encryption-aws-kms-key-id',
  'x-amz-server-side-encryption-context',
  'x-amz-write-offset-bytes',
]

/** What the headers of a put, copy or upload say about the object. */
export async function objectInput(verified: Verified): Promise<ObjectInput> {
  const acl = await aclOfHeaders(verified)
  const input = inputOfHeaders(verified.request.headers)
  return acl === undefined ? input : { ...input, acl }
}

/** All of it but the access list. */
export function inputOfHeaders(headers: RequestHeaders): ObjectInput {
  requireOneEncryption(headers)
  requireWholeKey(headers)
  for (const name of NOT_SERVED) if (headers.has(name)) throw notImplemented(name)
  const tagging = headers.text('x-amz-tagging')
  const retention = retentionOf(headers)
  const legalHold = legalHoldOf(headers)
  const storageClass = storageClassOf(headers)
  const encryption = encryptionOf(headers)
  return {
    headers: objectHeaders(headers),
    userMetadata: userMetadata(headers),
    ...(tagging === undefined ? {} : { tags: parseTagHeader(tagging) }),
    ...(retention === undefined ? {} : { retention }),
    ...(legalHold === undefined ? {} : { legalHold }),
    ...(storageClass === undefined ? {} : { storageClass }),
    ...(encryption === undefined ? {} : { encryption }),
  }
}

const KEPT_HEADERS = Object.entries({
  contentType: 'content-type',
  cacheControl: 'cache-control',
  contentDisposition: 'content-disposition',
  contentLanguage: 'content-language',
  expires: 'expires',
  websiteRedirect: 'x-amz-website-redirect-location',
})

export function objectHeaders(headers: RequestHeaders): ObjectHeaders {
  const kept: Record<string, string> = {}
  for (const [field, name] of KEPT_HEADERS) {
    const value = headers.text(name)
    if (value !== undefined && value !== '') kept[field] = value
  }
  const coding = storedCoding(headers.text('content-encoding') ?? '')
  if (coding !== '') kept.contentEncoding = coding
  const redirect = kept.websiteRedirect
  if (redirect !== undefined && !/^(\/|https?:\/\/)/.test(redirect)) {
    const message =
      "The website redirect location must have a prefix of 'http://' or 'https://' or '/'."
    throw new S3Error('InvalidRedirectLocation', { message })
  }
  return kept
}

/** `aws-chunked` is of the transfer and goes; all else stays as it was sent. */
function storedCoding(sent: string): string {
  if (!/aws-chunked/i.test(sent)) return sent.trim()
  const codings = sent.split(',').map(coding => coding.trim())
  return codings.filter(coding => !/^(aws-chunked)?$/i.test(coding)).join(',')
}

export function userMetadata(headers: RequestHeaders): Record<string, string> {
  const metadata: Record<string, string> = {}
  let bytes = 0
  for (const name of headers.names.all()) {
    if (!name.startsWith('x-amz-meta-')) continue
    const value = headers.text(name) ?? ''
    const short = name.slice('x-amz-meta-'.length)
    bytes += Buffer.byteLength(short) + Buffer.byteLength(value)
    metadata[short] = value
  }
  if (bytes > USER_METADATA_BYTES_MAX) {
    const [Size, MaxSizeAllowed] = [String(bytes), String(USER_METADATA_BYTES_MAX)]
    throw new S3Error('MetadataTooLarge', { Size, MaxSizeAllowed })
  }
  return metadata
}

function storageClassOf(headers: RequestHeaders): string | undefined {
  const name = headers.get('x-amz-storage-class')
  if (name === undefined || name === 'STANDARD') return undefined
  if (!STORAGE_CLASSES.has(name))
    throw new S3Error('InvalidStorageClass', { StorageClassRequested: name.slice(0, 64) })
  return name
}

/**
 * A key of the client that is none is wrong at AWS, too
 * (https://docs.aws.amazon.com/AmazonS3/latest/userguide/ServerSideEncryptionCustomerKeys.html).
 */
function requireWholeKey(headers: RequestHeaders): void {
  const name = 'x-amz-server-side-encryption-customer'
  const [algorithm, key, md5] = ['algorithm', 'key', 'key-md5'].map(end =>
    headers.get(`${name}-${end}`),
  )
  if (algorithm === undefined && (key ?? md5) !== undefined) {
    const message =
      'Requests specifying Server Side Encryption with Customer provided keys must provide a ' +
      'valid encryption algorithm.'
    throw invalidArgument(`${name}-algorithm`, 'null', message)
  }
  if (key === undefined || md5 === undefined) return
  const computed = createHash('md5').update(Buffer.from(key, 'base64')).digest('base64')
  if (computed === md5) return
  const message = 'The calculated MD5 hash of the key did not match the hash that was provided.'
  throw invalidArgument(`${name}-key-MD5`, md5, message)
}

/** Of the client, of KMS or of the server: only one, whether it is served or not. */
function requireOneEncryption(headers: RequestHeaders): void {
  const name = 'x-amz-server-side-encryption'
  const method = headers.get(name)
  const given = (end: string) => headers.has(`${name}-${end}`)
  if (method !== undefined && (given('customer-algorithm') || given('customer-key'))) {
    const message =
      'Server Side Encryption with Customer provided key is incompatible with the encryption ' +
      'method specified'
    throw invalidArgument(name, method, message)
  }
  if (given('aws-kms-key-id') && method?.startsWith('aws:kms') !== true) {
    const message =
      'Server Side Encryption with AWS KMS managed key requires HTTP header ' +
      'x-amz-server-side-encryption : aws:kms'
    throw invalidArgument(name, method ?? '', message)
  }
}

function encryptionOf(headers: RequestHeaders): string | undefined {
  const name = headers.get('x-amz-server-side-encryption')
  if (name === undefined) return undefined
  if (name === 'aws:kms' || name === 'aws:kms:dsse') {
    throw notImplemented('x-amz-server-side-encryption')
  }
  if (name !== 'AES256') {
    throw invalidArgument(
      'x-amz-server-side-encryption',
      name,
      'The encryption method specified is not supported',
    )
  }
  return name
}

function retentionOf(headers: RequestHeaders): Retention | undefined {
  const mode = headers.get('x-amz-object-lock-mode')
  const until = headers.get('x-amz-object-lock-retain-until-date')
  if (mode === undefined && until === undefined) return undefined
  if (mode === undefined || until === undefined) {
    const message =
      'x-amz-object-lock-retain-until-date and x-amz-object-lock-mode must both be supplied'
    throw new S3Error('InvalidArgument', { message, ArgumentName: 'x-amz-object-lock-mode' })
  }
  return parseRetention(mode, until)
}

const LAST_MS = Date.parse('9999-12-31T23:59:59.999Z')

export function parseRetention(mode: string, until: string): Retention {
  if (mode !== 'GOVERNANCE' && mode !== 'COMPLIANCE') {
    throw invalidArgument('x-amz-object-lock-mode', mode, 'Unknown wormMode directive.')
  }
  const ms = /^\d{4}-\d{2}-\d{2}T[\d:.]+(Z|[+-]\d{2}:?\d{2})$/.test(until)
    ? Date.parse(until)
    : Number.NaN
  // Times are compared as texts, and years of five digits are written in another way.
  if (Number.isNaN(ms) || ms > LAST_MS) {
    const message = 'The retain until date must be provided in ISO 8601 format'
    throw invalidArgument('x-amz-object-lock-retain-until-date', until, message)
  }
  return { mode, until: new Date(ms).toISOString() }
}

function legalHoldOf(headers: RequestHeaders): boolean | undefined {
  const status = headers.get('x-amz-object-lock-legal-hold')
  if (status === undefined) return undefined
  if (status === 'ON' || status === 'OFF') return status === 'ON'
  const message = "Legal Hold must be either of 'ON' or 'OFF'"
  throw invalidArgument('x-amz-object-lock-legal-hold', status, message)
}
