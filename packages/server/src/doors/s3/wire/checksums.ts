import { type ChecksumAlgorithm, checksumAlgorithms } from '@holdfast/core/objects.ts'
import { S3Error } from '../errors.ts'

/** https://docs.aws.amazon.com/AmazonS3/latest/userguide/checking-object-integrity.html */
export const checksumNames = checksumAlgorithms
export type ChecksumName = ChecksumAlgorithm

export function severalChecksums(): S3Error {
  const message =
    'Expecting a single x-amz-checksum- header. Multiple checksum Types are not allowed.'
  return new S3Error('InvalidRequest', { message })
}

const BYTES: Readonly<Record<ChecksumName, number>> = {
  CRC32: 4,
  CRC32C: 4,
  CRC64NVME: 8,
  SHA1: 20,
  SHA256: 32,
  SHA512: 64,
  MD5: 16,
}

export function isChecksumName(text: string): text is ChecksumName {
  return checksumNames.some(name => name === text)
}

/** Of `x-amz-checksum-crc32`. */
export function checksumOfHeader(header: string): ChecksumName | undefined {
  if (!header.startsWith('x-amz-checksum-')) return undefined
  const word = /^x-amz-checksum-([a-z0-9]+)$/.exec(header)?.[1]?.toUpperCase()
  return word !== undefined && isChecksumName(word) ? word : undefined
}

/** Of an algorithm that is not served: a promise that would not be kept if it were ignored. */
export function isUnknownChecksum(header: string): boolean {
  return (
    /^x-amz-checksum-(?!(algorithm|type|mode)$)/.test(header) &&
    checksumOfHeader(header) === undefined
  )
}

export function headerOfChecksum(name: ChecksumName): string {
  return `x-amz-checksum-${name.toLowerCase()}`
}

/** Base64 of the right number of bytes. */
export function isChecksumValue(name: ChecksumName, value: string): boolean {
  if (!/^[A-Za-z0-9+/]+={0,2}$/.test(value)) return false
  return (
    Buffer.from(value, 'base64').toString('base64') === value &&
    Buffer.from(value, 'base64').length === BYTES[name]
  )
}

/** Of `x-amz-checksum-algorithm`; undefined where it is absent. */
export function checksumAlgorithmOf(name: string | undefined): ChecksumName | undefined {
  if (name === undefined) return undefined
  const upper = name.toUpperCase()
  if (isChecksumName(upper)) return upper
  const types = checksumNames.join(', ')
  throw new S3Error('InvalidRequest', {
    message:
      'Checksum algorithm provided is unsupported. Please try again with any of the valid ' +
      `types: [${types}]`,
  })
}
