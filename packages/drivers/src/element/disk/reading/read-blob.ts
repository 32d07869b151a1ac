import { HoldfastError } from '@holdfast/core/errors.ts'
import type { Disk, DiskStream } from '@holdfast/core/ports/disk.ts'
import type { BlobBytes, BlobPlace, ByteRange, ReadOptions } from '@holdfast/core/ports/element.ts'
import { errnoOf, fromDisk } from '../../../disk/disk-errors.ts'
import { sumMatches } from '../block-sums.ts'
import { blobPath, parseLocation } from '../layout.ts'
import type { PackFiles } from '../pack-files.ts'
import type { ReadBuffers } from './read-buffers.ts'

/** Results up to this size are read at once and come whole. */
const WHOLE_BYTES_MAX = 256 * 1024

/** Blocks that cover a range: block numbers, and the bytes of them that the reader wants. */
interface Cover {
  readonly firstBlock: number
  readonly lastBlock: number
  readonly skip: number
  readonly size: number
}

export interface ReadFrom {
  readonly disk: Disk
  readonly dir: string
  readonly packs: PackFiles
  readonly buffers: ReadBuffers
}

/** Reads a blob or a range of it; every block is checked against its sum before it is given out. */
export async function readBlob(
  from: ReadFrom,
  place: BlobPlace,
  { range, onLoan = false }: { readonly range?: ByteRange | undefined } & ReadOptions = {},
): Promise<BlobBytes> {
  const cover = coverOf(place, range)
  if (cover.size === 0) return { size: 0, bytes: new Uint8Array(0) }
  const opened = await openPlace(from, place)
  const { file, base } = opened
  const covered = (cover.lastBlock - cover.firstBlock + 1) * place.blockBytes
  if (cover.size <= WHOLE_BYTES_MAX && covered <= WHOLE_BYTES_MAX + 2 * place.blockBytes) {
    try {
      const into = Buffer.allocUnsafeSlow(coveredBytes(place, cover))
      const bytes = await readBlocks({ file, base, place }, cover, into)
      return { size: cover.size, bytes: bytes.subarray(cover.skip, cover.skip + cover.size) }
    } finally {
      await opened.release()
    }
  }
  const memory = onLoan ? new LentMemory(from.buffers, place.blockBytes) : new FreshMemory(place)
  return { size: cover.size, chunks: new BlockStream({ ...opened, place }, cover, memory) }
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

async function openPlace(from: Omit<ReadFrom, 'buffers'>, place: BlobPlace): Promise<OpenedPlace> {
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

type Blocks = Pick<Cover, 'firstBlock' | 'lastBlock'>

interface ReadPlace {
  readonly file: DiskStream
  readonly base: number
  readonly place: BlobPlace
}

function coveredBytes({ size, blockBytes }: BlobPlace, { firstBlock, lastBlock }: Blocks): number {
  return Math.min(size, (lastBlock + 1) * blockBytes) - firstBlock * blockBytes
}

/** Reads whole blocks into the start of `into`, and checks each. */
async function readBlocks(
  { file, base, place }: ReadPlace,
  blocks: Blocks,
  into: Buffer<ArrayBuffer>,
): Promise<Uint8Array> {
  const { blockBytes, sums } = place
  const { firstBlock, lastBlock } = blocks
  const bytes = into.subarray(0, coveredBytes(place, blocks))
  const count = await readFully(file, bytes, base + firstBlock * blockBytes)
  if (count < bytes.length) throw damaged(place, `${bytes.length - count} bytes are missing`)
  for (let block = firstBlock; block <= lastBlock; block += 1) {
    const from = (block - firstBlock) * blockBytes
    if (!sumMatches(sums, block, bytes.subarray(from, from + blockBytes))) {
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

/** Where chunks are read into. */
interface ChunkMemory {
  readonly chunkBytes: number
  /** Whether the next chunk may be read while the reader still has this one. */
  readonly mayReadAhead: boolean
  next(): Buffer<ArrayBuffer>
  /** `isFree`: the reader has nothing of it any more. */
  release(isFree: boolean): void
}

/** For readers that keep chunks as long as they like. */
class FreshMemory implements ChunkMemory {
  readonly chunkBytes: number
  readonly mayReadAhead = false

  constructor({ blockBytes }: BlobPlace) {
    this.chunkBytes = blockBytes * Math.max(1, Math.floor(WHOLE_BYTES_MAX / blockBytes))
  }

  next(): Buffer<ArrayBuffer> {
    return Buffer.allocUnsafeSlow(this.chunkBytes)
  }

  release(): void {}
}

/** For readers who give a chunk back by asking for the next: two buffers in turn, or only one. */
class LentMemory implements ChunkMemory {
  readonly chunkBytes: number
  readonly mayReadAhead: boolean
  readonly #buffers: ReadBuffers
  readonly #taken: Buffer<ArrayBuffer>[] = []
  #turn = 0

  constructor(buffers: ReadBuffers, blockBytes: number) {
    this.#buffers = buffers
    this.mayReadAhead = buffers.hasRoom
    this.chunkBytes = buffers.chunkBytes(blockBytes)
  }

  next(): Buffer<ArrayBuffer> {
    const at = this.#turn
    this.#turn = this.mayReadAhead ? 1 - at : 0
    const known = this.#taken[at]
    if (known !== undefined) return known
    const taken = this.#buffers.take(this.chunkBytes)
    this.#taken.push(taken)
    return taken
  }

  release(isFree: boolean): void {
    for (const buffer of this.#taken.splice(0)) this.#buffers.giveBack(buffer, isFree)
  }
}

/**
 * Not a generator: the file is closed by `return` even when the iteration never began, as when a
 * client leaves before the first byte.
 */
class BlockStream implements AsyncIterableIterator<Uint8Array> {
  readonly #from: ReadPlace & Pick<OpenedPlace, 'release'>
  readonly #memory: ChunkMemory
  readonly #step: number
  readonly #lastBlock: number
  #block: number
  #skip: number
  #left: number
  #ahead: Promise<Uint8Array> | undefined
  #released = false

  constructor(from: ReadPlace & OpenedPlace, cover: Cover, memory: ChunkMemory) {
    this.#from = from
    this.#memory = memory
    this.#step = memory.chunkBytes / from.place.blockBytes
    this.#block = cover.firstBlock
    this.#lastBlock = cover.lastBlock
    this.#skip = cover.skip
    this.#left = cover.size
  }

  [Symbol.asyncIterator](): this {
    return this
  }

  async next(): Promise<IteratorResult<Uint8Array, undefined>> {
    if (this.#released || this.#left === 0) return await this.#end(true)
    try {
      const bytes = await (this.#ahead ?? this.#readNext())
      this.#ahead = undefined
      // Left while this was waited for: the memory is given back already.
      if (this.#released) return { done: true, value: undefined }
      const value = bytes.subarray(this.#skip, this.#skip + this.#left)
      this.#skip = 0
      this.#left -= value.length
      if (this.#memory.mayReadAhead && this.#left > 0) {
        this.#ahead = this.#readNext()
        // Told to whoever asks for the chunk; until then it must not count as unhandled.
        this.#ahead.catch(() => {})
      }
      return { done: false, value }
    } catch (error) {
      await this.#end(false)
      throw error
    }
  }

  return(): Promise<IteratorResult<Uint8Array, undefined>> {
    return this.#end(false)
  }

  #readNext(): Promise<Uint8Array> {
    const firstBlock = this.#block
    const lastBlock = Math.min(this.#lastBlock, firstBlock + this.#step - 1)
    this.#block = lastBlock + 1
    return readBlocks(this.#from, { firstBlock, lastBlock }, this.#memory.next())
  }

  async #end(isWhole: boolean): Promise<IteratorResult<Uint8Array, undefined>> {
    if (!this.#released) {
      this.#released = true
      // Broken off, a socket or a read under way may still use the memory: it is not used again.
      this.#memory.release(isWhole)
      await this.#ahead?.catch(() => {})
      await this.#from.release()
    }
    return { done: true, value: undefined }
  }
}

function damaged(place: BlobPlace, reason: string): HoldfastError {
  const cause = new Error(`blob ${place.sha256} at ${place.location}: ${reason}`)
  return new HoldfastError('BLOB_DAMAGED', { sha256: place.sha256 }, { cause })
}
