/** A chunk is this long while there is room, and as short as the blocks allow when there is not. */
const CHUNK_BYTES = 256 * 1024
const SHORT_BYTES = 64 * 1024
/** Kept of each length for the next reader; more are left to the garbage collector. */
const IDLE_MAX = 32
/** Before each, for the head of an answer: one piece of memory is written faster than two. */
export const HEAD_ROOM = 2048

/**
 * The memory that chunks of large blobs and whole packed ones are read into, used again and again:
 * fresh memory is touched, zeroed and collected, which costs more than reading it. Within
 * `bytesMax` readers get two buffers, one to fill while the other is being sent; beyond, one short
 * one each.
 */
export class ReadBuffers {
  readonly #bytesMax: number
  readonly #idle: ReadonlyMap<number, Buffer<ArrayBuffer>[]> = new Map([
    [CHUNK_BYTES, []],
    [SHORT_BYTES, []],
  ])
  #lentBytes = 0

  constructor(bytesMax: number) {
    this.#bytesMax = bytesMax
  }

  get lentBytes(): number {
    return this.#lentBytes
  }

  get hasRoom(): boolean {
    return this.#lentBytes + 2 * CHUNK_BYTES <= this.#bytesMax
  }

  /** How much a new reader should read at once: whole blocks. */
  chunkBytes(blockBytes: number): number {
    const aim = this.hasRoom ? CHUNK_BYTES : SHORT_BYTES
    return blockBytes * Math.max(1, Math.floor(aim / blockBytes))
  }

  take(bytes: number): Buffer<ArrayBuffer> {
    this.#lentBytes += bytes
    return (
      this.#idle.get(bytes)?.pop() ?? Buffer.allocUnsafeSlow(HEAD_ROOM + bytes).subarray(HEAD_ROOM)
    )
  }

  /** Memory for so many bytes at once; undefined for many, and when there is no room. */
  takeForWhole(bytes: number): Buffer<ArrayBuffer> | undefined {
    if (bytes > CHUNK_BYTES || !this.hasRoom) return undefined
    return this.take(bytes > SHORT_BYTES ? CHUNK_BYTES : SHORT_BYTES)
  }

  /** Only what no socket can still be reading from may be filled again. */
  giveBack(buffer: Buffer<ArrayBuffer>, isFree: boolean): void {
    this.#lentBytes -= buffer.length
    const idle = this.#idle.get(buffer.length)
    if (isFree && idle !== undefined && idle.length < IDLE_MAX) idle.push(buffer)
  }
}
