import { createHash, hash } from 'node:crypto'
import { crc32 } from 'node:zlib'
import { HoldfastError } from '@holdfast/core/errors.ts'
import type {
  BlobPlace,
  ByteRange,
  ByteSource,
  Element,
  Staged,
  WriteOptions,
  WrittenBlob,
} from '@holdfast/core/ports/element.ts'
import { crc32c } from './slow-crc32c.ts'

const blockBytes = 64 * 1024
const wholeBytesMax = 100_000

/** What outlives a `SimpleElement`: the place. */
export interface SimplePlace {
  readonly blobs: Map<string, Uint8Array>
  readonly notes: Map<string, string>
}

/** The smallest element that keeps every promise, to try the suite on. */
export class SimpleElement implements Element {
  readonly id = 'simple'
  readonly traits = { driver: 'simple', durable: true }
  readonly #place: SimplePlace
  readonly staging = {
    stage: (source: ByteSource, options: WriteOptions) => stage(source, options),
  }

  constructor(place: SimplePlace) {
    this.#place = place
  }

  async write(source: ByteSource, options: WriteOptions): Promise<WrittenBlob> {
    const { body, sha256, md5, size, sums } = await stage(source, options)
    const location = `at:${sha256}`
    if (!this.#place.blobs.has(location)) this.#place.blobs.set(location, new Uint8Array(body))
    return { sha256, md5, size, blockBytes, sums, location }
  }

  async read(place: BlobPlace, range?: ByteRange) {
    const stored = this.#place.blobs.get(place.location)
    if (stored === undefined) throw new HoldfastError('BLOB_MISSING')
    const { first, last } = range ?? { first: 0, last: place.size - 1 }
    const size = last - first + 1
    const bytes = new Uint8Array(stored)
    if (size <= wholeBytesMax) {
      checkSums(bytes, place, { first, last })
      return { size, bytes: bytes.subarray(first, last + 1) }
    }
    return { size, chunks: checkedChunks(bytes, place, { first, last }) }
  }

  async stat(location: string) {
    const stored = this.#place.blobs.get(location)
    return stored === undefined ? undefined : { size: stored.length }
  }

  async remove(location: string): Promise<void> {
    this.#place.blobs.delete(location)
  }

  async *list() {
    for (const [location, { length }] of this.#place.blobs) {
      yield { sha256: location.slice(3), location, size: length }
    }
  }

  async readNote(
    name: string,
    { bytesMax = Number.POSITIVE_INFINITY }: { bytesMax?: number } = {},
  ): Promise<string | undefined> {
    const text = this.#place.notes.get(name)
    return text && Buffer.from(text).subarray(0, bytesMax).toString()
  }

  async writeNote(name: string, text: string, options: { ifAbsent?: boolean } = {}) {
    if (options.ifAbsent === true && this.#place.notes.has(name)) return false
    this.#place.notes.set(name, text)
    return true
  }

  async probe() {
    return { state: 'up' as const, reason: 'It is memory.', freeBytes: 1, totalBytes: 2 }
  }

  async [Symbol.asyncDispose](): Promise<void> {}
}

async function stage(
  source: ByteSource,
  options: WriteOptions,
): Promise<Staged & { body: Uint8Array }> {
  const { length, sizeMax, signal } = options
  if (sizeMax !== undefined && length !== undefined && length > sizeMax) {
    throw new HoldfastError('BODY_TOO_LARGE')
  }
  const chunks: Uint8Array[] = []
  let size = 0
  for await (const chunk of source) {
    signal?.throwIfAborted()
    size += chunk.length
    if (sizeMax !== undefined && size > sizeMax) throw new HoldfastError('BODY_TOO_LARGE')
    if (length !== undefined && size > length) throw new HoldfastError('LENGTH_MISMATCH')
    chunks.push(new Uint8Array(chunk))
  }
  signal?.throwIfAborted()
  if (length !== undefined && size < length) throw new HoldfastError('BODY_INCOMPLETE')
  const body = Buffer.concat(chunks)
  checkDigests(body, options)
  return {
    ...{ body, size, blockBytes, temp: null, head: body.subarray(0, 4100) },
    sha256: hash('sha256', body),
    md5: options.md5 === true ? hash('md5', body) : null,
    sums: sumsOf(body),
    discard: async () => {},
  }
}

function checkDigests(body: Uint8Array, { expected = {} }: WriteOptions): void {
  for (const [name, value] of Object.entries(expected)) {
    if (digestOf(name, body) !== value) throw new HoldfastError('DIGEST_MISMATCH')
  }
}

function digestOf(name: string, body: Uint8Array): string {
  if (name === 'crc32') return crc32(body).toString(16).padStart(8, '0')
  if (name === 'crc32c') return crc32c(body).toString(16).padStart(8, '0')
  return createHash(name).update(body).digest('hex')
}

function sumsOf(body: Uint8Array): Uint8Array {
  const sums = Buffer.alloc(4 * Math.ceil(body.length / blockBytes))
  for (let i = 0; i * 4 < sums.length; i += 1) {
    sums.writeUInt32LE(crc32(body.subarray(i * blockBytes, (i + 1) * blockBytes)), i * 4)
  }
  return sums
}

function checkSums(stored: Uint8Array, place: BlobPlace, { first, last }: ByteRange): void {
  const found = sumsOf(stored)
  const from = 4 * Math.floor(first / blockBytes)
  const to = 4 * (Math.floor(last / blockBytes) + 1)
  const same = Buffer.compare(found.subarray(from, to), place.sums.subarray(from, to)) === 0
  if (!same || stored.length !== place.size) throw new HoldfastError('BLOB_DAMAGED')
}

async function* checkedChunks(stored: Uint8Array, place: BlobPlace, range: ByteRange) {
  for (let at = range.first; at <= range.last; at += wholeBytesMax) {
    const last = Math.min(range.last, at + wholeBytesMax - 1)
    checkSums(stored, place, { first: at, last })
    yield stored.subarray(at, last + 1)
  }
}
