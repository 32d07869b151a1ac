import { HoldfastError } from '@holdfast/core/errors.ts'
import type { Disk, DiskStream } from '@holdfast/core/ports/disk.ts'
import type { BlobBytes, BlobPlace, ByteRange } from '@holdfast/core/ports/element.ts'
import { errnoOf, fromDisk } from '../../disk/disk-errors.ts'
import { sumMatches } from './block-sums.ts'
import { blobPath, parseLocation } from './layout.ts'
import type { PackFiles } from './pack-files.ts'

/** Results up to this size are read at once and come whole. */
const WHOLE_BYTES_MAX = 256 * 1024

/** Blocks that cover a range: block numbers, and the bytes of them that the reader wants. */
interface Cover {
  readonly firstBlock: number
  readonly lastBlock: number
  readonly skip: number
  readonly size: number
}

/** Reads a blob or a range of it; every block is checked against its sum before it is given out. */
export async function readBlob(
  from: { disk: Disk; dir: string; packs: PackFiles },
  place: BlobPlace,
  range?: ByteRange,
): Promise<BlobBytes> {
  const cover = coverOf(place, range)
  if (cover.size === 0) return { size: 0, bytes: new Uint8Array(0) }
  const opened = await openPlace(from, place)
  const { file, base } = opened
  const covered = (cover.lastBlock - cover.firstBlock + 1) * place.blockBytes
  if (cover.size <= WHOLE_BYTES_MAX && covered <= WHOLE_BYTES_MAX + 2 * place.blockBytes) {
    try {
      const bytes = await readBlocks(file, base, place, cover.firstBlock, cover.lastBlock)
      return { size: cover.size, bytes: bytes.subarray(cover.skip, cover.skip + cover.size) }
    } finally {
      await opened.release()
    }
  }
  return { size: cover.size, chunks: new BlockStream(opened, place, cover) }
}

function coverOf(place: BlobPlace, range: ByteRange | undefined): Cover {
  const first = range?.first ?? 0
  const last = range?.last ?? place.size - 1
  if (first < 0 || last >= place.size || first > last + 1) {
    throw new HoldfastError('RANGE_NOT_SATISFIABLE', { size: place.size })
  }
  const firstBlock = Math.floor(first / place.blockBytes)
  const lastBlock = Math.floor(Math.max(last, 0) / place.blockBytes)
  return {
    firstBlock,
    lastBlock,
    skip: first - firstBlock * place.blockBytes,
    size: last - first + 1,
  }
}

interface OpenedPlace {
  readonly file: DiskStream
  /** Offset of the blob's first byte in the file. */
  readonly base: number
  release(): Promise<void>
}

async function openPlace(
  from: { disk: Disk; dir: string; packs: PackFiles },
  place: BlobPlace,
): Promise<OpenedPlace> {
  const location = parseLocation(place.location)
  try {
    if (location.kind === 'pack') {
      const { file, release } = await from.packs.open(location.pack)
      return { file, base: location.offset, release }
    }
    const file = await from.disk.openAsync(blobPath(from.dir, location.sha256), 'read')
    return { file, base: 0, release: () => file.close() }
  } catch (error) {
    if (errnoOf(error) === 'ENOENT') {
      throw new HoldfastError('BLOB_MISSING', {}, { cause: error })
    }
    throw fromDisk(error)
  }
}

async function readBlocks(
  file: DiskStream,
  base: number,
  place: BlobPlace,
  first: number,
  last: number,
): Promise<Uint8Array> {
  const at = first * place.blockBytes
  const end = Math.min(place.size, (last + 1) * place.blockBytes)
  const bytes = Buffer.allocUnsafe(end - at)
  const count = await readFully(file, bytes, base + at)
  if (count < bytes.length) throw damaged(place, `${bytes.length - count} bytes are missing`)
  for (let block = first; block <= last; block += 1) {
    const from = (block - first) * place.blockBytes
    if (!sumMatches(place.sums, block, bytes.subarray(from, from + place.blockBytes))) {
      throw damaged(place, `block ${block} does not match its checksum`)
    }
  }
  return bytes
}

async function readFully(file: DiskStream, into: Uint8Array, position: number): Promise<number> {
  let done = 0
  try {
    while (done < into.length) {
      const count = await file.read(into.subarray(done), position + done)
      if (count === 0) break
      done += count
    }
  } catch (error) {
    throw fromDisk(error)
  }
  return done
}

/**
 * Not a generator: the file is closed by `return` even when the iteration never began, as when a
 * client leaves before the first byte.
 */
class BlockStream implements AsyncIterableIterator<Uint8Array> {
  readonly #opened: OpenedPlace
  readonly #place: BlobPlace
  readonly #step: number
  readonly #lastBlock: number
  #block: number
  #skip: number
  #left: number
  #released = false

  constructor(opened: OpenedPlace, place: BlobPlace, cover: Cover) {
    this.#opened = opened
    this.#place = place
    this.#step = Math.max(1, Math.floor(WHOLE_BYTES_MAX / place.blockBytes))
    this.#block = cover.firstBlock
    this.#lastBlock = cover.lastBlock
    this.#skip = cover.skip
    this.#left = cover.size
  }

  [Symbol.asyncIterator](): this {
    return this
  }

  async next(): Promise<IteratorResult<Uint8Array, undefined>> {
    if (this.#released || this.#left === 0) return await this.return()
    const last = Math.min(this.#lastBlock, this.#block + this.#step - 1)
    try {
      const { file, base } = this.#opened
      const bytes = await readBlocks(file, base, this.#place, this.#block, last)
      const wanted = bytes.subarray(this.#skip, this.#skip + this.#left)
      this.#skip = 0
      this.#left -= wanted.length
      this.#block = last + 1
      return { done: false, value: wanted }
    } catch (error) {
      await this.return()
      throw error
    }
  }

  async return(): Promise<IteratorResult<Uint8Array, undefined>> {
    if (!this.#released) {
      this.#released = true
      await this.#opened.release()
    }
    return { done: true, value: undefined }
  }
}

function damaged(place: BlobPlace, reason: string): HoldfastError {
  const cause = new Error(`blob ${place.sha256} at ${place.location}: ${reason}`)
  return new HoldfastError('BLOB_DAMAGED', { sha256: place.sha256 }, { cause })
}
