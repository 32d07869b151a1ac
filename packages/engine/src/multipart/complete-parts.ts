import { createHash } from 'node:crypto'
import { HoldfastError } from '@holdfast/core/errors.ts'
import { bounds, type Limits } from '@holdfast/core/limits.ts'
import type {
  ChecksumType,
  MultipartUpload,
  ObjectChecksum,
  UploadPart,
} from '@holdfast/core/objects.ts'
import { openChecksum } from '../objects/checksums.ts'
import { combineCrc } from './combine-crc.ts'

/**
 * The parts that a completion names, as they are kept
 * (https://docs.aws.amazon.com/AmazonS3/latest/API/API_CompleteMultipartUpload.html).
 */
export function requireNamedParts(
  kept: readonly UploadPart[],
  named: readonly {
    readonly number: number
    readonly etag: string
    readonly checksum?: string | undefined
  }[],
  { partBytesMin }: Pick<Limits, 'partBytesMin'>,
): UploadPart[] {
  if (named.length === 0) throw new HoldfastError('PART_INVALID', { reason: 'no part is named' })
  if (named.length > bounds.partsMax) {
    throw new HoldfastError('TOO_MANY_ITEMS', { limit: bounds.partsMax })
  }
  const byNumber = new Map(kept.map(part => [part.number, part]))
  // Of the list itself first: what it names may not be there.
  const backwards = named.find(({ number }, at) => number <= (named[at - 1]?.number ?? 0))
  if (backwards !== undefined) {
    throw new HoldfastError('PART_ORDER_INVALID', { part_number: backwards.number })
  }
  const found = named.map(({ number, etag, checksum }) => {
    const part = byNumber.get(number)
    const same = checksum === undefined || part?.checksum === checksum
    if (part === undefined || part.md5 !== etag || !same) {
      throw new HoldfastError('PART_INVALID', { part_number: number, etag })
    }
    return part
  })
  for (const { number, size, md5 } of found.slice(0, -1)) {
    if (size >= partBytesMin) continue
    throw new HoldfastError('PART_TOO_SMALL', {
      part_number: number,
      etag: md5,
      size,
      minimum: partBytesMin,
    })
  }
  return found
}

/**
 * MALFORMED_REQUEST unless the completion is made as the upload was begun: the checksum of the
 * whole is of the same type, and one that consists of those of the parts needs each of them
 * (https://docs.aws.amazon.com/AmazonS3/latest/userguide/checking-object-integrity-upload.html).
 */
export function requireChecksums(
  { checksum }: MultipartUpload,
  given: {
    readonly checksumType?: ChecksumType | undefined
    readonly parts: readonly { readonly number: number; readonly checksum?: string | undefined }[]
  },
): void {
  const { checksumType, parts } = given
  if (checksumType !== undefined && checksumType !== checksum?.type) {
    const reason = 'The complete request must use the checksum type that the upload was begun with.'
    throw new HoldfastError('MALFORMED_REQUEST', { reason })
  }
  if (checksum?.type !== 'composite') return
  const bare = parts.find(part => part.checksum === undefined)
  if (bare === undefined) return
  const reason =
    `The upload was created using a ${checksum.algorithm.toLowerCase()} checksum. The complete ` +
    'request must include the checksum for each part. It was missing for part ' +
    `${bare.number} in the request.`
  throw new HoldfastError('MALFORMED_REQUEST', { reason })
}

/** MD5 of the MD5s of the parts, and how many they are: how S3 names multipart content. */
export function etagOfParts(parts: readonly Pick<UploadPart, 'md5'>[]): string {
  const hash = createHash('md5')
  for (const { md5 } of parts) hash.update(Buffer.from(md5, 'hex'))
  return `${hash.digest('hex')}-${parts.length}`
}

/** DIGEST_MISMATCH when the client expects another checksum than that of the parts. */
export function checksumOfParts(
  { checksum: kind }: MultipartUpload,
  parts: readonly UploadPart[],
  expected: string | undefined,
): ObjectChecksum | undefined {
  if (kind === null) return undefined
  const { algorithm, type } = kind
  const value = type === 'full' ? combined(kind, parts) : composite(kind, parts)
  if (expected !== undefined && expected !== value) {
    throw new HoldfastError('DIGEST_MISMATCH', { algorithm, computed: value })
  }
  return { algorithm, type, value }
}

type Kind = NonNullable<MultipartUpload['checksum']>

function combined({ algorithm }: Kind, parts: readonly UploadPart[]): string {
  const value = combineCrc(
    algorithm,
    parts.map(({ size, checksum }) => ({ size, checksum: checksum ?? '' })),
  )
  if (value === undefined) throw new HoldfastError('DIGEST_UNSUPPORTED', { algorithm })
  return value
}

function composite({ algorithm }: Kind, parts: readonly UploadPart[]): string {
  const sum = openChecksum(algorithm)
  for (const { checksum } of parts) sum.update(Buffer.from(checksum ?? '', 'base64'))
  return sum.digest()
}
