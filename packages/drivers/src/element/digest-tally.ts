import { createHash, type Hash, hash } from 'node:crypto'
import { type Crc64, crc64Hex, crc64nvme, crc64Start } from '@holdfast/core/checksums/crc64nvme.ts'
import type { DigestName, ExpectedDigests } from '@holdfast/core/digests.ts'
import { HoldfastError } from '@holdfast/core/errors.ts'
import type { BlobFacts, WriteOptions } from '@holdfast/core/ports/element.ts'
import { crc32, crc32c } from './crc.ts'

const HASHES = ['md5', 'sha1', 'sha512'] as const

/** Computes the digests that a write needs, and compares those the sender promised. */
export class DigestTally {
  readonly #write: WriteOptions
  readonly #names = new Set<DigestName>()
  #hashes: Map<DigestName, Hash> | undefined
  #whole: Map<DigestName, string> | undefined
  #crc32: number | undefined
  #crc32c: number | undefined
  #crc64: Crc64 | undefined

  constructor(write: WriteOptions, also: { sha256?: boolean } = {}) {
    this.#write = write
    const { expected = {}, digests = [] } = write
    const wanted = (name: DigestName) => expected[name] !== undefined || digests.includes(name)
    for (const name of HASHES) if (wanted(name)) this.#names.add(name)
    if (write.md5 === true) this.#names.add('md5')
    if (also.sha256 === true) this.#names.add('sha256')
    if (wanted('crc32')) this.#crc32 = 0
    if (wanted('crc32c')) this.#crc32c = 0
    if (wanted('crc64nvme')) this.#crc64 = crc64Start
  }

  add(bytes: Uint8Array): void {
    this.#hashes ??= this.#open()
    for (const opened of this.#hashes.values()) opened.update(bytes)
    this.#addSums(bytes)
  }

  /** All of the bytes at once: Node's objects of hashes are work for the collector. */
  addWhole(bytes: Uint8Array): void {
    this.#whole = new Map([...this.#names].map(name => [name, hash(name, bytes, 'hex')]))
    this.#addSums(bytes)
  }

  #open(): Map<DigestName, Hash> {
    return new Map([...this.#names].map(name => [name, createHash(name)]))
  }

  #addSums(bytes: Uint8Array): void {
    if (this.#crc32 !== undefined) this.#crc32 = crc32(bytes, this.#crc32)
    if (this.#crc32c !== undefined) this.#crc32c = crc32c(bytes, this.#crc32c)
    if (this.#crc64 !== undefined) this.#crc64 = crc64nvme(bytes, this.#crc64)
  }

  /**
   * DIGEST_MISMATCH when any promised digest differs, DIGEST_UNSUPPORTED when a trailing one was
   * not announced. `sha256` is passed where known already.
   */
  finish(sha256?: string): { sha256: string } & Pick<BlobFacts, 'md5' | 'digests'> {
    const found = this.#whole ?? new Map<DigestName, string>()
    if (this.#whole === undefined) {
      for (const [name, opened] of this.#hashes ?? this.#open()) {
        found.set(name, opened.digest('hex'))
      }
    }
    if (sha256 !== undefined) found.set('sha256', sha256)
    if (this.#crc32 !== undefined) found.set('crc32', hex32(this.#crc32))
    if (this.#crc32c !== undefined) found.set('crc32c', hex32(this.#crc32c))
    if (this.#crc64 !== undefined) found.set('crc64nvme', crc64Hex(this.#crc64))
    const { expected = {}, trailing, digests } = this.#write
    requireDigests(Object.fromEntries(found), expected)
    if (trailing !== undefined) requireDigests(Object.fromEntries(found), trailing())
    return {
      sha256: found.get('sha256') ?? '',
      md5: found.get('md5') ?? null,
      ...(digests === undefined ? {} : { digests: Object.fromEntries(found) }),
    }
  }
}

/** DIGEST_MISMATCH, or DIGEST_UNSUPPORTED for one that was not computed. */
export function requireDigests(
  found: Readonly<Partial<Record<string, string>>>,
  expected: ExpectedDigests,
): void {
  for (const [algorithm, value] of Object.entries(expected)) {
    if (value === undefined) continue
    const computed = found[algorithm]
    if (computed === undefined) throw new HoldfastError('DIGEST_UNSUPPORTED', { algorithm })
    if (computed !== value) throw new HoldfastError('DIGEST_MISMATCH', { algorithm, computed })
  }
}

function hex32(value: number): string {
  return value.toString(16).padStart(8, '0')
}
