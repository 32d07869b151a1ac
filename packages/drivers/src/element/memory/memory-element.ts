import { createHash } from 'node:crypto'
import { HoldfastError } from '@holdfast/core/errors.ts'
import type {
  BlobBytes,
  BlobPlace,
  ByteRange,
  ByteSource,
  Element,
  ElementProbe,
  ElementTraits,
  ListedBlob,
  WriteOptions,
  WrittenBlob,
} from '@holdfast/core/ports/element.ts'
import { DigestTally } from '../digest-tally.ts'
import { blockBytesFor, sumMatches, sumsOf } from '../disk/block-sums.ts'

/** Blobs in memory: a real element that forgets when its process ends. */
export class MemoryElement implements Element {
  readonly id: string
  readonly traits: ElementTraits = { driver: 'memory', durable: false }
  readonly #blobs = new Map<string, Uint8Array>()
  readonly #notes = new Map<string, string>()
  readonly #capacityBytes: number
  #usedBytes = 0

  constructor(id: string, capacityBytes: number = 1024 * 1024 * 1024) {
    this.id = id
    this.#capacityBytes = capacityBytes
  }

  async write(source: ByteSource, options: WriteOptions): Promise<WrittenBlob> {
    const bytes = await this.#receive(source, options)
    const tally = new DigestTally(options)
    tally.add(bytes)
    const sha256 = createHash('sha256').update(bytes).digest('hex')
    const { md5, digests } = tally.finish(sha256)
    const location = `memory:${sha256}`
    if (!this.#blobs.has(location)) {
      if (this.#usedBytes + bytes.length > this.#capacityBytes) {
        throw new HoldfastError('STORAGE_FULL')
      }
      this.#blobs.set(location, bytes)
      this.#usedBytes += bytes.length
    }
    const blockBytes = blockBytesFor(bytes.length)
    const sums = sumsOf(bytes, blockBytes)
    const facts = { sha256, md5, size: bytes.length, blockBytes, sums, location }
    return digests === undefined ? facts : { ...facts, digests }
  }

  async read(place: BlobPlace, range?: ByteRange): Promise<BlobBytes> {
    const bytes = this.#blobs.get(place.location)
    if (bytes === undefined) throw new HoldfastError('BLOB_MISSING')
    const first = range?.first ?? 0
    const last = range?.last ?? bytes.length - 1
    if (first < 0 || last >= bytes.length || first > last + 1) {
      throw new HoldfastError('RANGE_NOT_SATISFIABLE', { size: bytes.length })
    }
    checkBlocks(place, bytes, first, last)
    const part = Uint8Array.from(bytes.subarray(first, last + 1))
    if (part.length <= WHOLE_BYTES_MAX) return { size: part.length, bytes: part }
    return { size: part.length, chunks: pieces(part) }
  }

  async stat(location: string): Promise<{ readonly size: number } | undefined> {
    const bytes = this.#blobs.get(location)
    return bytes === undefined ? undefined : { size: bytes.length }
  }

  async remove(location: string): Promise<void> {
    this.#usedBytes -= this.#blobs.get(location)?.length ?? 0
    this.#blobs.delete(location)
  }

  async *list(): AsyncGenerator<ListedBlob> {
    for (const [location, bytes] of [...this.#blobs]) {
      yield { sha256: location.slice('memory:'.length), location, size: bytes.length }
    }
  }

  async readNote(
    name: string,
    { bytesMax = Number.POSITIVE_INFINITY }: { bytesMax?: number } = {},
  ): Promise<string | undefined> {
    const text = this.#notes.get(name)
    return text && Buffer.from(text).subarray(0, bytesMax).toString()
  }

  async writeNote(
    name: string,
    text: string,
    options: { ifAbsent?: boolean } = {},
  ): Promise<boolean> {
    if (options.ifAbsent === true && this.#notes.has(name)) return false
    this.#notes.set(name, text)
    return true
  }

  async probe(): Promise<ElementProbe> {
    const freeBytes = this.#capacityBytes - this.#usedBytes
    const state = freeBytes > 0 ? 'up' : 'full'
    return { state, reason: 'memory', freeBytes, totalBytes: this.#capacityBytes }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#blobs.clear()
  }

  async #receive(source: ByteSource, options: WriteOptions): Promise<Uint8Array> {
    const { length, sizeMax, signal } = options
    if (length !== undefined && sizeMax !== undefined && length > sizeMax) {
      throw new HoldfastError('BODY_TOO_LARGE', { limit: sizeMax })
    }
    const chunks: Uint8Array[] = []
    let size = 0
    for await (const chunk of source) {
      signal?.throwIfAborted()
      size += chunk.length
      if (sizeMax !== undefined && size > sizeMax) {
        throw new HoldfastError('BODY_TOO_LARGE', { limit: sizeMax })
      }
      if (length !== undefined && size > length) {
        throw new HoldfastError('LENGTH_MISMATCH', { announced: length })
      }
      chunks.push(Uint8Array.from(chunk))
    }
    signal?.throwIfAborted()
    if (length !== undefined && size < length) {
      throw new HoldfastError('BODY_INCOMPLETE', { announced: length, received: size })
    }
    return Buffer.concat(chunks, size)
  }
}

const WHOLE_BYTES_MAX = 256 * 1024

async function* pieces(bytes: Uint8Array): AsyncGenerator<Uint8Array> {
  for (let at = 0; at < bytes.length; at += WHOLE_BYTES_MAX) {
    yield bytes.subarray(at, at + WHOLE_BYTES_MAX)
  }
}

function checkBlocks(place: BlobPlace, bytes: Uint8Array, first: number, last: number): void {
  const { blockBytes, sums } = place
  if (bytes.length !== place.size) throw new HoldfastError('BLOB_DAMAGED')
  for (let at = first - (first % blockBytes); at <= last; at += blockBytes) {
    if (!sumMatches(sums, at / blockBytes, bytes.subarray(at, at + blockBytes))) {
      throw new HoldfastError('BLOB_DAMAGED')
    }
  }
}
