import { isHoldfastError } from '@holdfast/core/errors.ts'
import type { ChecksumType } from '@holdfast/core/objects.ts'
import { completeUpload, type NamedPart } from '@holdfast/engine/multipart/complete-upload.ts'
import { abortUpload } from '@holdfast/engine/multipart/uploads.ts'
import type { StoredObject } from '@holdfast/engine/objects/object-views.ts'
import { requireNumber } from '../auth/verified-body.ts'
import type { Verified } from '../auth/verify.ts'
import { invalidHeader, S3Error } from '../errors.ts'
import { type Answer, emptyAnswer, xmlAnswer } from '../requests/answer.ts'
import { isSecure } from '../requests/request.ts'
import { checksumNodes } from '../wire/checksum-nodes.ts'
import {
  checksumNames,
  headerOfChecksum,
  isChecksumValue,
  severalChecksums,
} from '../wire/checksums.ts'
import { etagsOf, writeConditions } from '../wire/conditions.ts'
import type { RequestHeaders } from '../wire/headers.ts'
import { encryptionHeader, newVersionHeader } from '../wire/object-headers.ts'
import {
  childrenOf,
  malformed,
  readXml,
  requiredText,
  textOf,
  type XmlElement,
} from '../xml/read.ts'
import { writeXml } from '../xml/write.ts'
import { uploadPlace } from './upload-part.ts'

const BODY_BYTES_MAX = 4 * 1024 * 1024
const PARTS_MAX = 10_000

/** https://docs.aws.amazon.com/AmazonS3/latest/API/API_CompleteMultipartUpload.html */
export async function completeUploadHere(verified: Verified): Promise<Answer> {
  const { engine, call, upload } = uploadPlace(verified)
  const { headers } = verified.request
  const conditions = writeConditions(headers)
  const checksum = expectedChecksum(headers)
  const size = expectedSize(headers)
  // The checksum in the headers is that of the object; the body has none of its own.
  const parts = readParts(await verified.body.readPlain(BODY_BYTES_MAX))
  const checksumType = expectedType(headers)
  const wanted = { ...upload, parts, checksum, checksumType, size, conditions }
  const work = completeUpload(engine, call, wanted)
  return { status: 200, late: work.then(object => completed(verified, object), refuse) }
}

/** A size that is not that of the parts is no wrong length of the body here. */
function refuse(error: unknown): never {
  if (!isHoldfastError(error) || error.code !== 'LENGTH_MISMATCH') throw error
  const { announced, size } = error.details
  const message =
    `The provided 'x-amz-mp-object-size' header value ${announced} does not match what was ` +
    `computed: ${size}`
  throw new S3Error('InvalidRequest', { message }, { cause: error })
}

function expectedType(headers: RequestHeaders): ChecksumType | undefined {
  const type = headers.get('x-amz-checksum-type')?.toUpperCase()
  if (type === undefined) return undefined
  if (type === 'FULL_OBJECT') return 'full'
  if (type === 'COMPOSITE') return 'composite'
  throw invalidHeader('x-amz-checksum-type')
}

function completed(verified: Verified, object: StoredObject): Answer {
  const xml = writeXml('CompleteMultipartUploadResult', [
    ['Location', locationOf(verified)],
    ['Bucket', object.bucket.name],
    ['Key', object.asset.key],
    ['ETag', `"${object.etag}"`],
    ...checksumNodes(object),
  ])
  return xmlAnswer(xml, { ...newVersionHeader(object), ...encryptionHeader(object) })
}

function readParts(bytes: Uint8Array): NamedPart[] {
  if (bytes.length === 0) throw malformed()
  const parts = childrenOf(readXml(bytes, 'CompleteMultipartUpload'), 'Part').map(partOf)
  if (parts.length === 0 || parts.length > PARTS_MAX) throw malformed()
  return parts
}

function partOf(part: XmlElement): NamedPart {
  const number = requiredText(part, 'PartNumber').trim()
  const [etag = ''] = etagsOf(requiredText(part, 'ETag'))
  const checksums = checksumNames.flatMap(name => {
    const value = textOf(part, `Checksum${name}`)?.trim()
    return value === undefined || value === '' ? [] : [{ name, value }]
  })
  if (checksums.length > 1 || checksums.some(({ name, value }) => !isChecksumValue(name, value))) {
    const message = 'Invalid Base64 or multiple checksums present in request'
    throw new S3Error('InvalidArgument', { message, ArgumentName: 'Checksum' })
  }
  const message = number.startsWith('-')
    ? 'PartNumber must be >= 1'
    : 'PartNumber must be an integer between 1 and 10000, inclusive'
  const [checksum] = checksums
  return {
    number: requireNumber('PartNumber', number, { min: 1, max: PARTS_MAX, message }),
    etag: etag.toLowerCase(),
    ...(checksum === undefined ? {} : { checksum: checksum.value }),
  }
}

function expectedChecksum(headers: RequestHeaders): string | undefined {
  const given = checksumNames.filter(name => headers.has(headerOfChecksum(name)))
  const [name, ...others] = given
  if (name === undefined) return undefined
  const value = headers.get(headerOfChecksum(name)) ?? ''
  const plain = value.replace(/-\d{1,5}$/, '')
  if (others.length > 0) throw severalChecksums()
  if (!isChecksumValue(name, plain)) {
    throw invalidHeader(headerOfChecksum(name))
  }
  return plain
}

function expectedSize(headers: RequestHeaders): number | undefined {
  const text = headers.get('x-amz-mp-object-size')
  if (text === undefined) return undefined
  if (/^\d{1,15}$/.test(text)) return Number(text)
  if (!/^-\d{1,15}$/.test(text)) throw invalidHeader('x-amz-mp-object-size')
  const message = `Value for x-amz-mp-object-size header is less than zero: '${text}'`
  throw new S3Error('InvalidRequest', { message })
}

function locationOf({ request }: Verified): string {
  const { host = '' } = request.raw.headers
  return `${isSecure(request) ? 'https' : 'http'}://${host}${request.path}`
}

/** https://docs.aws.amazon.com/AmazonS3/latest/API/API_AbortMultipartUpload.html */
export async function abortUploadHere(verified: Verified): Promise<Answer> {
  const { engine, call, upload } = uploadPlace(verified)
  await abortUpload(engine, call, upload)
  return emptyAnswer(204)
}
