import { HoldfastError } from '@holdfast/core/errors.ts'
import type { ByteSource } from '@holdfast/core/ports/element.ts'

/** Bodies worth it: longer ones cost more than the request around them. */
export const SMALL_BYTES_MAX = 64 * 1024
const SMALLEST_BYTES = 4096
/** Enough for as many bodies as are under way when the disk is the limit. */
const FREE_BYTES_MAX = 8 * 1024 * 1024

/**
 * Memory for small bodies, used again and again. Chunks of the socket that are kept until a commit
 * is durable outlive the young generation, and only a full collection lets them go: it cost more
 * than the hashing. Copied at once, they die young.
 */
export class BodyBuffers {
  /** By size, each twice as long as those before it. */
  readonly #free: Buffer[][] = []
  #freeBytes = 0
  readonly #freeBytesMax: number

  /** So many bytes are kept for later at most. */
  constructor(freeBytesMax = FREE_BYTES_MAX) {
    this.#freeBytesMax = freeBytesMax
  }

  /** At least so long; what stands in it is anybody's. */
  take(bytes: number): Buffer {
    const at = classOf(bytes)
    const free = this.#free[at]?.pop()
    if (free === undefined) return Buffer.allocUnsafeSlow(SMALLEST_BYTES << at)
    this.#freeBytes -= free.length
    return free
  }

  /** Only for a whole buffer that nobody looks at any more. */
  giveBack(buffer: Buffer): void {
    if (this.#freeBytes + buffer.length > this.#freeBytesMax) return
    this.#freeBytes += buffer.length
    const at = classOf(buffer.length)
    this.#free[at] ??= []
    this.#free[at].push(buffer)
  }
}

/** All bytes of a body, in memory that is long enough for those announced. */
export async function gather(source: ByteSource, memory: Buffer): Promise<Buffer> {
  let size = 0
  for await (const chunk of source) {
    if (chunk.length > memory.length - size) throw new HoldfastError('LENGTH_MISMATCH')
    memory.set(chunk, size)
    size += chunk.length
  }
  return memory.subarray(0, size)
}

function classOf(bytes: number): number {
  return Math.max(0, 32 - Math.clz32(Math.ceil(bytes / SMALLEST_BYTES) - 1))
}
