import { hash } from 'node:crypto'
import { HoldfastError } from '@holdfast/core/errors.ts'
import { toHex } from '@holdfast/core/ids.ts'
import type { Disk } from '@holdfast/core/ports/disk.ts'
import type { ByteSource, Staged, WriteOptions } from '@holdfast/core/ports/element.ts'
import type { Random } from '@holdfast/core/ports/random.ts'
import { DigestTally } from '../digest-tally.ts'
import { blockBytesFor, sumsOf } from './block-sums.ts'
import { keepPiece } from './gathered-pieces.ts'
import { type LargeSink, type OpenSink, SINK_BYTES } from './large/large-sink.ts'
import { TEMP } from './layout.ts'
import { isDamagedFile } from './repair/damaged-file.ts'

/** Sniffing needs no more than this. */
const HEAD_BYTES = 4100

export interface StageOptions {
  readonly disk: Disk
  readonly dir: string
  readonly random: Random
  /** Up to this size bytes stay in memory, for a pack. */
  readonly packedBytesMax: number
  readonly openSink: OpenSink
}

/**
 * Receives bytes: small bodies into memory, larger ones into a temp file that is synced before
 * this resolves. Digests, length and size are checked; on any failure nothing is left.
 */
export async function stageBytes(
  options: StageOptions,
  source: ByteSource,
  write: WriteOptions,
): Promise<Staged> {
  requireAnnounced(write)
  const small: Uint8Array[] = []
  let size = 0
  let large: LargeStage | undefined
  try {
    for await (const chunk of source) {
      write.signal?.throwIfAborted()
      if (chunk.length === 0) continue
      size += chunk.length
      requireBounds(size, write)
      if (large !== undefined) {
        const waiting = large.add(chunk)
        if (waiting !== undefined) await waiting
        if (large.copies) source.done?.(chunk)
      } else {
        keepPiece(small, chunk)
        if (size > options.packedBytesMax) {
          large = await LargeStage.open(options, write)
          for (const piece of small.splice(0)) await large.add(piece)
        }
      }
    }
    write.signal?.throwIfAborted()
    requireAll(size, write)
    return large === undefined ? stageSmall(joined(small, size), write) : await large.finish()
  } catch (error) {
    await large?.abandon()
    throw error
  }
}

/** The same for bytes that are all there and stay in memory. */
export function stageWhole(body: Uint8Array, write: WriteOptions): Staged {
  write.signal?.throwIfAborted()
  requireAnnounced(write)
  requireBounds(body.length, write)
  requireAll(body.length, write)
  return stageSmall(body, write)
}

function requireAnnounced({ length, sizeMax }: WriteOptions): void {
  if (length !== undefined && sizeMax !== undefined && length > sizeMax) {
    throw new HoldfastError('BODY_TOO_LARGE', { limit: sizeMax })
  }
}

function requireBounds(size: number, { length, sizeMax }: WriteOptions): void {
  if (sizeMax !== undefined && size > sizeMax) {
    throw new HoldfastError('BODY_TOO_LARGE', { limit: sizeMax })
  }
  if (length !== undefined && size > length) {
    throw new HoldfastError('LENGTH_MISMATCH', { announced: length })
  }
}

function requireAll(size: number, { length }: WriteOptions): void {
  if (length !== undefined && size < length) {
    throw new HoldfastError('BODY_INCOMPLETE', { announced: length, received: size })
  }
}

function joined(chunks: Uint8Array[], size: number): Uint8Array {
  const only = chunks.length === 1 ? chunks[0] : undefined
  if (only === undefined) return Buffer.concat(chunks, size)
  // A part of much more would keep all of it, for as long as the rest of a batch is on its way.
  return only.buffer.byteLength > 2 * size ? new Uint8Array(only) : only
}

function stageSmall(body: Uint8Array, write: WriteOptions): Staged {
  const size = body.length
  const tally = new DigestTally(write)
  tally.addWhole(body)
  const sha256 = hash('sha256', body, 'hex')
  const digests = tally.finish(sha256)
  const blockBytes = blockBytesFor(size)
  return {
    sha256,
    md5: digests.md5,
    size,
    blockBytes,
    sums: sumsOf(body, blockBytes),
    ...(digests.digests === undefined ? {} : { digests: digests.digests }),
    body,
    temp: null,
    head: body.subarray(0, HEAD_BYTES),
    discard: async () => {},
  }
}

class LargeStage {
  readonly #disk: Disk
  readonly #dir: string
  readonly #name: string
  readonly #path: string
  readonly #sink: LargeSink
  readonly #blockBytes: number
  #head: Uint8Array = new Uint8Array(0)
  #waiting: Uint8Array[] = []
  #waitingBytes = 0
  #buffer: Buffer | undefined
  #size = 0

  private constructor(
    options: StageOptions,
    file: { readonly name: string; readonly path: string; readonly blockBytes: number },
    sink: LargeSink,
  ) {
    this.#disk = options.disk
    this.#dir = options.dir
    this.#name = file.name
    this.#path = file.path
    this.#blockBytes = file.blockBytes
    this.#sink = sink
  }

  static async open(options: StageOptions, write: WriteOptions): Promise<LargeStage> {
    const name = `${toHex(options.random.bytes(16))}.part`
    const path = `${options.dir}/${TEMP}/${name}`
    const blockBytes = blockBytesFor(write.length)
    try {
      const sink = await options.openSink({ path, blockBytes, write })
      return new LargeStage(options, { name, path, blockBytes }, sink)
    } catch (error) {
      options.disk.remove(path)
      throw error
    }
  }

  /** Whether a chunk that was taken is not looked at again. */
  get copies(): boolean {
    return this.#sink.copies
  }

  /** Undefined when the bytes were only gathered, a promise when the sender should wait. */
  add(chunk: Uint8Array): Promise<void> | undefined {
    if (this.#head.length < HEAD_BYTES) {
      this.#head = Buffer.concat([this.#head, chunk.subarray(0, HEAD_BYTES - this.#head.length)])
    }
    this.#size += chunk.length
    const room = SINK_BYTES - this.#waitingBytes
    if (chunk.length < room) {
      this.#gather(chunk)
      return undefined
    }
    this.#gather(chunk.subarray(0, room))
    return this.#flush(chunk.subarray(room))
  }

  /** Writes what was gathered, which is just what the sink takes at once, and goes on. */
  async #flush(rest: Uint8Array): Promise<void> {
    let left = rest
    for (;;) {
      await this.#sink.write(this.#waiting, this.#waitingBytes)
      this.#waiting = []
      this.#waitingBytes = 0
      const piece = left.subarray(0, SINK_BYTES)
      this.#gather(piece)
      left = left.subarray(piece.length)
      if (this.#waitingBytes < SINK_BYTES) return
    }
  }

  /**
   * Chunks of a hundred senders that are kept until they are written grow old, and are then let go
   * only by a full collection: copied at once, they die young.
   */
  #gather(chunk: Uint8Array): void {
    if (chunk.length === 0) return
    if (this.#sink.copies) {
      this.#buffer ??= Buffer.allocUnsafeSlow(SINK_BYTES)
      this.#buffer.set(chunk, this.#waitingBytes)
      this.#waiting = [this.#buffer.subarray(0, this.#waitingBytes + chunk.length)]
    } else {
      keepPiece(this.#waiting, chunk)
    }
    this.#waitingBytes += chunk.length
  }

  async finish(): Promise<Staged> {
    const sunk = await this.#sink.finish(this.#waiting, this.#waitingBytes)
    const facts = { ...sunk, size: this.#size, blockBytes: this.#blockBytes }
    return {
      ...facts,
      body: null,
      temp: this.#name,
      replaces: await isDamagedFile(this.#disk, this.#dir, facts),
      head: this.#head,
      discard: async () => {
        this.#disk.remove(this.#path)
      },
    }
  }

  async abandon(): Promise<void> {
    await this.#sink.abandon()
    this.#disk.remove(this.#path)
  }
}
