const SMALLEST_BYTES = 4096

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
  constructor(freeBytesMax: number) {
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

function classOf(bytes: number): number {
  return Math.max(0, 32 - Math.clz32(Math.ceil(bytes / SMALLEST_BYTES) - 1))
}
