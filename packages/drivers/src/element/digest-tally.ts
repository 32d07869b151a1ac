import { createHash, type Hash } from 'node:crypto'
import { crc32 } from 'node:zlib'
import type { DigestName } from '@holdfast/core/digests.ts'
import { HoldfastError } from '@holdfast/core/errors.ts'
import type { WriteOptions } from '@holdfast/core/ports/element.ts'
import { crc32c } from './crc32c.ts'

/** Computes the digests that a write needs, and compares those the sender promised. */
export class DigestTally {
  readonly #expected: Partial<Record<DigestName, string>>
  readonly #hashes = new Map<DigestName, Hash>()
  #crc32: number | undefined
  #crc32c: number | undefined

  constructor(write: WriteOptions, also: { sha256?: boolean } = {}) {
    this.#expected = write.expected ?? {}
    for (const name of ['md5', 'sha1', 'sha512'] as const) {
      if (this.#expected[name] !== undefined) this.#hashes.set(name, createHash(name))
    }
    if (write.md5 === true) this.#hashes.set('md5', createHash('md5'))
    if (also.sha256 === true) this.#hashes.set('sha256', createHash('sha256'))
    if (this.#expected.crc32 !== undefined) this.#crc32 = 0
    if (this.#expected.crc32c !== undefined) this.#crc32c = 0
  }

  add(bytes: Uint8Array): void {
    for (const hash of this.#hashes.values()) hash.update(bytes)
    if (this.#crc32 !== undefined) this.#crc32 = crc32(bytes, this.#crc32)
    if (this.#crc32c !== undefined) this.#crc32c = crc32c(bytes, this.#crc32c)
  }

  /** DIGEST_MISMATCH when any promised digest differs. `sha256` is passed where known already. */
  finish(sha256?: string): { sha256: string; md5?: string } {
    const found = new Map<DigestName, string>()
    for (const [name, hash] of this.#hashes) found.set(name, hash.digest('hex'))
    if (sha256 !== undefined) found.set('sha256', sha256)
    if (this.#crc32 !== undefined) found.set('crc32', hex32(this.#crc32))
    if (this.#crc32c !== undefined) found.set('crc32c', hex32(this.#crc32c))
    for (const [name, value] of found) {
      const expected = this.#expected[name]
      if (expected !== undefined && expected !== value) {
        throw new HoldfastError('DIGEST_MISMATCH', { algorithm: name, computed: value })
      }
    }
    const md5 = found.get('md5')
    return { sha256: found.get('sha256') ?? '', ...(md5 === undefined ? {} : { md5 }) }
  }
}

function hex32(value: number): string {
  return value.toString(16).padStart(8, '0')
}
