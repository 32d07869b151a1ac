import { createHash } from 'node:crypto'
import { crc32 } from 'node:zlib'
import { crc32c } from '@holdfast/core/checksums/crc32c.ts'
import { crc64Hex, crc64nvme, crc64Start } from '@holdfast/core/checksums/crc64nvme.ts'
import type { DigestName, ExpectedDigests } from '@holdfast/core/digests.ts'
import type { ChecksumAlgorithm } from '@holdfast/core/objects.ts'

const DIGESTS: Readonly<Record<ChecksumAlgorithm, DigestName>> = {
  CRC32: 'crc32',
  CRC32C: 'crc32c',
  CRC64NVME: 'crc64nvme',
  SHA1: 'sha1',
  SHA256: 'sha256',
  SHA512: 'sha512',
  MD5: 'md5',
}

/** What cannot be put together of the values of parts. */
export function isHash(algorithm: ChecksumAlgorithm): boolean {
  return !algorithm.startsWith('CRC')
}

export function digestNameOf(algorithm: ChecksumAlgorithm): DigestName {
  return DIGESTS[algorithm]
}

/** S3 writes checksums in base64, everything else here in hex. */
export function toBase64(hex: string): string {
  return Buffer.from(hex, 'hex').toString('base64')
}

/** The checksum among the digests that were computed, base64. */
export function checksumAmong(
  facts: {
    readonly sha256: string
    readonly digests?: ExpectedDigests | undefined
  },
  algorithm: ChecksumAlgorithm,
): string | undefined {
  const name = digestNameOf(algorithm)
  const hex = name === 'sha256' ? facts.sha256 : facts.digests?.[name]
  return hex === undefined ? undefined : toBase64(hex)
}

export interface OpenChecksum {
  update(bytes: Uint8Array): void
  /** Base64. */
  digest(): string
}

/** Computes a checksum over bytes that are read. */
export function openChecksum(algorithm: ChecksumAlgorithm): OpenChecksum {
  if (isHash(algorithm)) {
    const hash = createHash(digestNameOf(algorithm))
    return { update: bytes => void hash.update(bytes), digest: () => hash.digest('base64') }
  }
  if (algorithm === 'CRC64NVME') {
    let sum = crc64Start
    return {
      update: bytes => {
        sum = crc64nvme(bytes, sum)
      },
      digest: () => toBase64(crc64Hex(sum)),
    }
  }
  const step = algorithm === 'CRC32' ? crc32 : crc32c
  let sum = 0
  return {
    update: bytes => {
      sum = step(bytes, sum)
    },
    digest: () => toBase64(sum.toString(16).padStart(8, '0')),
  }
}
