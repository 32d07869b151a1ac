import { createHash, type Hash } from 'node:crypto'
import { crc32 } from 'node:zlib'
import { S3Error } from '../errors.ts'
import { Crc64Nvme, crc32c } from './crc.ts'

/** https://docs.aws.amazon.com/AmazonS3/latest/userguide/checking-object-integrity.html */
export const checksumNames = ['CRC32', 'CRC32C', 'CRC64NVME', 'SHA1', 'SHA256'] as const
export type ChecksumName = (typeof checksumNames)[number]

const BYTES: Readonly<Record<ChecksumName, number>> = {
  CRC32: 4,
  CRC32C: 4,
  CRC64NVME: 8,
  SHA1: 20,
  SHA256: 32,
}

export function isChecksumName(text: string): text is ChecksumName {
  return checksumNames.some(name => name === text)
}

/** Of `x-amz-checksum-crc32`. */
export function checksumOfHeader(header: string): ChecksumName | undefined {
  const word = /^x-amz-checksum-([a-z0-9]+)$/.exec(header)?.[1]?.toUpperCase()
  return word !== undefined && isChecksumName(word) ? word : undefined
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

export interface Checksum {
  add(bytes: Uint8Array): void
  /** Base64, as the headers have it. */
  value(): string
}

export function newChecksum(name: ChecksumName): Checksum {
  switch (name) {
    case 'CRC32':
      return new Crc32Checksum(crc32)
    case 'CRC32C':
      return new Crc32Checksum(crc32c)
    case 'CRC64NVME':
      return new Crc64Nvme()
    case 'SHA1':
    case 'SHA256':
      return new HashChecksum(createHash(name.toLowerCase()))
  }
}

class Crc32Checksum implements Checksum {
  readonly #next: (bytes: Uint8Array, before: number) => number
  #state = 0

  constructor(next: (bytes: Uint8Array, before: number) => number) {
    this.#next = next
  }

  add(bytes: Uint8Array): void {
    this.#state = this.#next(bytes, this.#state)
  }

  value(): string {
    const bytes = Buffer.alloc(4)
    bytes.writeUInt32BE(this.#state >>> 0)
    return bytes.toString('base64')
  }
}

class HashChecksum implements Checksum {
  readonly #hash: Hash

  constructor(hash: Hash) {
    this.#hash = hash
  }

  add(bytes: Uint8Array): void {
    this.#hash.update(bytes)
  }

  value(): string {
    return this.#hash.digest('base64')
  }
}

/** The checksum of the checksums of parts, with their number: `base64-3`. */
export function compositeChecksum(name: ChecksumName, parts: readonly string[]): string {
  const whole = newChecksum(name)
  for (const part of parts) whole.add(Buffer.from(part, 'base64'))
  return `${whole.value()}-${parts.length}`
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
