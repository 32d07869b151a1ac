import type { DigestName, ExpectedDigests } from '@holdfast/core/digests.ts'
import { HoldfastError } from '@holdfast/core/errors.ts'
import { toHex } from '@holdfast/core/ids.ts'

/** Checksums that a caller sends with a body. Every one that is understood must match. */

type Headers = Readonly<Record<string, string | string[] | undefined>>

const BYTES: Readonly<Record<DigestName, number>> = {
  sha256: 32,
  sha512: 64,
  sha1: 20,
  md5: 16,
  crc32: 4,
  crc32c: 4,
  crc64nvme: 8,
}

/** Names in Digest, Repr-Digest and Content-Digest. */
const NAMES: ReadonlyMap<string, DigestName> = new Map([
  ['sha-256', 'sha256'],
  ['sha-512', 'sha512'],
  ['sha', 'sha1'],
  ['sha-1', 'sha1'],
  ['md5', 'md5'],
  ['crc32c', 'crc32c'],
])

const SINGLE: Readonly<Record<string, DigestName>> = {
  'content-md5': 'md5',
  'x-amz-checksum-crc32': 'crc32',
  'x-amz-checksum-crc32c': 'crc32c',
  'x-amz-checksum-crc64nvme': 'crc64nvme',
  'x-amz-checksum-sha1': 'sha1',
  'x-amz-checksum-sha256': 'sha256',
  'x-amz-checksum-sha512': 'sha512',
  'x-amz-checksum-md5': 'md5',
}

export function expectedDigests(headers: Headers): ExpectedDigests {
  const found = new Map<DigestName, string>()
  const add = (header: string, name: DigestName, base64: string) => {
    const hex = decode(base64, BYTES[name])
    if (hex === undefined) throw unsupported(header, `is not ${BYTES[name]} bytes in base64`)
    if ((found.get(name) ?? hex) !== hex) throw unsupported(header, 'contradicts another header')
    found.set(name, hex)
  }
  for (const [header, name] of Object.entries(SINGLE)) {
    const value = single(headers, header)
    if (value !== undefined) add(header, name, value.trim())
  }
  const lists = [
    { header: 'digest', pattern: /^([\w-]+)=([\w+/=-]+)$/ },
    { header: 'repr-digest', pattern: /^([\w-]+)=:([\w+/=]+):$/ },
    { header: 'content-digest', pattern: /^([\w-]+)=:([\w+/=]+):$/ },
  ]
  for (const { header, pattern } of lists) {
    const value = single(headers, header)
    if (value === undefined) continue
    let understood = 0
    for (const entry of value.split(',')) {
      const match = pattern.exec(entry.trim())
      if (match === null) throw unsupported(header, 'cannot be read')
      const name = NAMES.get((match[1] ?? '').toLowerCase())
      if (name === undefined) continue
      understood += 1
      add(header, name, match[2] ?? '')
    }
    // Skipping unknown ones beside a known one is what the RFC says; skipping all would be a lie.
    if (understood === 0) throw unsupported(header, 'names no algorithm that is known here')
  }
  for (const header of Object.keys(headers)) {
    const other = header.startsWith('x-amz-checksum-') && SINGLE[header] === undefined
    if (other) throw unsupported(header, 'names no algorithm that is known here')
  }
  return Object.fromEntries(found)
}

function single(headers: Headers, name: string): string | undefined {
  const value = headers[name]
  return Array.isArray(value) ? value.join(',') : value
}

function decode(base64: string, bytes: number): string | undefined {
  if (!/^[A-Za-z0-9+/]+={0,2}$/.test(base64)) return undefined
  const decoded = Buffer.from(base64, 'base64')
  return decoded.length === bytes ? toHex(decoded) : undefined
}

function unsupported(header: string, reason: string): HoldfastError {
  return new HoldfastError('DIGEST_UNSUPPORTED', { header, reason })
}

/** RFC 9530 value of a SHA-256 in hex. */
export function reprDigest(sha256: string): string {
  return `sha-256=:${Buffer.from(sha256, 'hex').toString('base64')}:`
}
