import { hash } from 'node:crypto'
import { HoldfastError } from '@holdfast/core/errors.ts'
import { toHex } from '@holdfast/core/ids.ts'
import type { Disk, DiskStream } from '@holdfast/core/ports/disk.ts'
import type { ByteSource, Staged, WriteOptions } from '@holdfast/core/ports/element.ts'
import type { Random } from '@holdfast/core/ports/random.ts'
import { DigestTally } from '../digest-tally.ts'
import { BlockSummer, blockBytesFor, sumsOf } from './block-sums.ts'
import { TEMP } from './layout.ts'

/** Sniffing needs no more than this. */
const HEAD_BYTES = 4100
/** Bytes gathered before a write: large enough for the disk, small for a hundred uploads. */
const WRITE_BYTES = 256 * 1024

export interface StageOptions {
  readonly disk: Disk
  readonly dir: string
  readonly random: Random
  /** Up to this size bytes stay in memory, for a pack. */
  readonly packedBytesMax: number
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
  if (write.length !== undefined && write.sizeMax !== undefined && write.length > write.sizeMax) {
    throw new HoldfastError('BODY_TOO_LARGE', { limit: write.sizeMax })
  }
  const small: Uint8Array[] = []
  let size = 0
  let large: LargeStage | undefined
  try {
    for await (const chunk of source) {
      write.signal?.throwIfAborted()
      if (chunk.length === 0) continue
      size += chunk.length
      if (write.sizeMax !== undefined && size > write.sizeMax) {
        throw new HoldfastError('BODY_TOO_LARGE', { limit: write.sizeMax })
      }
      if (write.length !== undefined && size > write.length) {
        throw new HoldfastError('LENGTH_MISMATCH', { announced: write.length })
      }
      if (large !== undefined) {
        const waiting = large.add(chunk)
        if (waiting !== undefined) await waiting
      } else {
        small.push(chunk)
        if (size > options.packedBytesMax) {
          large = await LargeStage.open(options, write)
          for (const piece of small.splice(0)) await large.add(piece)
        }
      }
    }
    write.signal?.throwIfAborted()
    if (write.length !== undefined && size < write.length) {
      throw new HoldfastError('BODY_INCOMPLETE', { announced: write.length, received: size })
    }
    return large === undefined ? stageSmall(small, size, write) : await large.finish()
  } catch (error) {
    await large?.abandon()
    throw error
  }
}

function stageSmall(chunks: Uint8Array[], size: number, write: WriteOptions): Staged {
  const only = chunks.length === 1 ? chunks[0] : undefined
  const body = only ?? Buffer.concat(chunks, size)
  const tally = new DigestTally(write)
  tally.add(body)
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
  readonly #name: string
  readonly #path: string
  readonly #file: DiskStream
  readonly #tally: DigestTally
  readonly #summer: BlockSummer
  readonly #blockBytes: number
  #head: Uint8Array = new Uint8Array(0)
  #waiting: Uint8Array[] = []
  #waitingBytes = 0
  #written = 0
  #size = 0
  #writing: Promise<void> | undefined

  private constructor(options: StageOptions, write: WriteOptions, name: string, file: DiskStream) {
    this.#disk = options.disk
    this.#name = name
    this.#path = `${options.dir}/${TEMP}/${name}`
    this.#file = file
    this.#tally = new DigestTally(write, { sha256: true })
    this.#blockBytes = blockBytesFor(write.length)
    this.#summer = new BlockSummer(this.#blockBytes)
  }

  static async open(options: StageOptions, write: WriteOptions): Promise<LargeStage> {
    const name = `${toHex(options.random.bytes(16))}.part`
    const file = await options.disk.openAsync(`${options.dir}/${TEMP}/${name}`, 'create')
    return new LargeStage(options, write, name, file)
  }

  /** Undefined when the bytes were only gathered, a promise when the sender should wait. */
  add(chunk: Uint8Array): Promise<void> | undefined {
    if (this.#head.length < HEAD_BYTES) {
      this.#head = Buffer.concat([this.#head, chunk.subarray(0, HEAD_BYTES - this.#head.length)])
    }
    this.#tally.add(chunk)
    this.#summer.add(chunk)
    this.#size += chunk.length
    this.#waiting.push(chunk)
    this.#waitingBytes += chunk.length
    return this.#waitingBytes >= WRITE_BYTES ? this.#flush() : undefined
  }

  /** Starts the next write once the one in flight is done: hashing and writing overlap. */
  async #flush(): Promise<void> {
    await this.#writing
    const bytes = this.#waiting
    const at = this.#written
    this.#written += this.#waitingBytes
    this.#waiting = []
    this.#waitingBytes = 0
    this.#writing = this.#file.write(bytes, at)
    // The failure is raised by whoever awaits next; it must not count as unhandled until then.
    this.#writing.catch(() => {})
  }

  async finish(): Promise<Staged> {
    await this.#flush()
    await this.#writing
    const digests = this.#tally.finish()
    await this.#file.sync()
    await this.#file.close()
    return {
      sha256: digests.sha256,
      md5: digests.md5,
      size: this.#size,
      blockBytes: this.#blockBytes,
      sums: this.#summer.finish(),
      ...(digests.digests === undefined ? {} : { digests: digests.digests }),
      body: null,
      temp: this.#name,
      head: this.#head,
      discard: async () => {
        this.#disk.remove(this.#path)
      },
    }
  }

  async abandon(): Promise<void> {
    await this.#writing?.catch(() => {})
    await this.#file.close().catch(() => {})
    this.#disk.remove(this.#path)
  }
}
