import type { ExpectedDigests } from '@holdfast/core/digests.ts'
import { isHoldfastError } from '@holdfast/core/errors.ts'
import type { UploadPart } from '@holdfast/core/objects.ts'
import type { ByteRange } from '@holdfast/core/ports/element.ts'
import {
  type SealedPart,
  uploadPart,
  uploadPartCopy,
} from '@holdfast/engine/multipart/upload-part.ts'
import { digestNameOf, toBase64 } from '@holdfast/engine/objects/checksums.ts'
import { type ChosenChecksum, requireNumber } from '../auth/verified-body.ts'
import type { Verified } from '../auth/verify.ts'
import { invalidArgument, S3Error } from '../errors.ts'
import { copySourceOf, refuseMarker } from '../objects/copy-object.ts'
import { type Answer, emptyAnswer, xmlAnswer } from '../requests/answer.ts'
import { objectPlace } from '../requests/place.ts'
import { notImplemented } from '../requests/route.ts'
import { headerOfChecksum } from '../wire/checksums.ts'
import { sourceConditions } from '../wire/conditions.ts'
import { encryptionHeader, versionHeader } from '../wire/object-headers.ts'
import { wholeSeconds, writeXml } from '../xml/write.ts'

/** https://docs.aws.amazon.com/AmazonS3/latest/API/API_UploadPart.html */
export async function uploadPartHere(verified: Verified): Promise<Answer> {
  const { engine, call, upload } = uploadPlace(verified)
  const length = verified.body.contentLength
  const { source, expected, trailing, checksum } = verified.body.open()
  const part = await uploadPart(engine, call, {
    ...upload,
    number: partNumberOf(verified),
    source,
    length,
    expected,
    trailing,
    algorithm: checksum?.algorithm,
  })
  return emptyAnswer(200, {
    etag: `"${part.md5}"`,
    ...encryptionHeader({ facets: part }),
    ...(checksum === undefined ? keptChecksum(part) : partChecksum(part, checksum, trailing())),
  })
}

/** What the upload asks of a part that came without. */
function keptChecksum({ checksum, algorithm }: SealedPart): Record<string, string> {
  if (checksum === null || algorithm === undefined) return {}
  return { [headerOfChecksum(algorithm)]: checksum }
}

/** What came with the part was held to its bytes, also where the upload keeps no checksum. */
function partChecksum(
  part: UploadPart,
  { algorithm, value }: ChosenChecksum,
  trailing: ExpectedDigests,
): Record<string, string> {
  const hex = trailing[digestNameOf(algorithm)]
  const told = part.checksum ?? value ?? (hex === undefined ? undefined : toBase64(hex))
  return told === undefined ? {} : { [headerOfChecksum(algorithm)]: told }
}

/** https://docs.aws.amazon.com/AmazonS3/latest/API/API_UploadPartCopy.html */
export async function uploadPartCopyHere(verified: Verified): Promise<Answer> {
  const { engine, call, upload } = uploadPlace(verified)
  const { headers } = verified.request
  const range = sourceRange(headers.get(RANGE))
  const copying = uploadPartCopy(engine, call, {
    ...upload,
    number: partNumberOf(verified),
    from: copySourceOf(verified),
    range,
    sourceConditions: sourceConditions(verified.request, 'x-amz-copy-source'),
  })
  const { part, source } = await copying.catch(error => {
    const refusal = rangeRefusal(error, range)
    return refusal === undefined ? refuseMarker(error) : Promise.reject(refusal)
  })
  const xml = writeXml('CopyPartResult', [
    ['LastModified', wholeSeconds(part.createdAt)],
    ['ETag', `"${part.md5}"`],
    ...(part.algorithm === undefined || part.checksum === null
      ? []
      : [[`Checksum${part.algorithm}`, part.checksum] as const]),
  ])
  const version = versionHeader(source)['x-amz-version-id']
  return xmlAnswer(xml, {
    ...encryptionHeader({ facets: part }),
    ...(version === undefined ? {} : { 'x-amz-copy-source-version-id': version }),
  })
}

const RANGE = 'x-amz-copy-source-range'

/** `bytes=first-last`, both given: copies have no open ends. */
function sourceRange(header: string | undefined): ByteRange | undefined {
  if (header === undefined) return undefined
  const [, first, last] = /^bytes=(\d{1,15})-(\d{1,15})$/.exec(header) ?? []
  const range = { first: Number(first), last: Number(last) }
  if (first !== undefined && last !== undefined && range.first <= range.last) return range
  const message =
    'The x-amz-copy-source-range value must be of the form bytes=first-last where first and ' +
    'last are the zero-based offsets of the first and last bytes to copy'
  throw invalidArgument(RANGE, header, message)
}

/**
 * A range beyond the source is no 416 here: AWS and MinIO answer 400, with the code of an argument
 * where only its end is wrong (https://github.com/versity/versitygw/issues/610).
 */
function rangeRefusal(error: unknown, range: ByteRange | undefined): S3Error | undefined {
  if (range === undefined || !isHoldfastError(error)) return undefined
  if (error.code !== 'RANGE_NOT_SATISFIABLE') return undefined
  const size = Number(error.details.size)
  if (range.first >= size) {
    const message = 'The specified copy range is invalid for the source object size'
    return new S3Error('InvalidRequest', { message }, { cause: error })
  }
  const message = `Range specified is not valid for source object of size: ${size}`
  return invalidArgument(RANGE, `bytes=${range.first}-${range.last}`, message)
}

export function partNumberOf({ request }: Verified): number {
  const text = request.query.get('partNumber') ?? ''
  const message = 'Part number must be an integer between 1 and 10000, inclusive'
  return requireNumber('partNumber', text, { min: 1, max: 10_000, message })
}

/** An operation on an upload that is under way. */
export function uploadPlace(verified: Verified) {
  const { engine, call, address } = objectPlace(verified)
  const { headers, query } = verified.request
  const sealed = 'x-amz-server-side-encryption-customer-algorithm'
  if (headers.has(sealed)) throw notImplemented(sealed)
  const upload = {
    bucket: address.bucket,
    key: address.key,
    uploadId: query.get('uploadId') ?? '',
  }
  return { engine, call, upload }
}
