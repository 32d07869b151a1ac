import { crc32 } from '../crc.ts'

/**
 * CRC-32 of every block of a blob: cheap enough to check on every read (20 GB/s against 1.2 GB/s
 * of SHA-256), so that ranges are verified too. SHA-256 stays the identity and the scrub's judge.
 */

const BLOCK_MIN = 64 * 1024
const BLOCK_MAX = 1024 * 1024
const BLOCKS_AIM = 16_384

/** Block size for a length; unknown lengths get the largest. */
export function blockBytesFor(length: number | undefined): number {
  if (length === undefined) return BLOCK_MAX
  let block = BLOCK_MIN
  while (block < BLOCK_MAX && length > block * BLOCKS_AIM) block *= 2
  return block
}

/** Sums of bytes that are all there. */
export function sumsOf(bytes: Uint8Array, blockBytes: number): Uint8Array {
  const sums = Buffer.alloc(4 * Math.ceil(bytes.length / blockBytes))
  for (let block = 0; block * blockBytes < bytes.length; block += 1) {
    const at = block * blockBytes
    sums.writeUInt32LE(crc32(bytes.subarray(at, at + blockBytes)), block * 4)
  }
  return sums
}

export function sumMatches(sums: Uint8Array, block: number, bytes: Uint8Array): boolean {
  const at = block * 4
  if (at + 4 > sums.length) return false
  const expected =
    ((sums[at] ?? 0) |
      ((sums[at + 1] ?? 0) << 8) |
      ((sums[at + 2] ?? 0) << 16) |
      ((sums[at + 3] ?? 0) << 24)) >>>
    0
  return crc32(bytes) === expected
}

/** Sums of bytes that arrive in pieces of any size. */
export class BlockSummer {
  readonly #blockBytes: number
  #sums: number[] = []
  #current = 0
  #filled = 0

  constructor(blockBytes: number) {
    this.#blockBytes = blockBytes
  }

  add(bytes: Uint8Array): void {
    let rest = bytes
    while (rest.length > 0) {
      const piece = rest.subarray(0, this.#blockBytes - this.#filled)
      this.#current = crc32(piece, this.#current)
      this.#filled += piece.length
      rest = rest.subarray(piece.length)
      if (this.#filled === this.#blockBytes) this.#close()
    }
  }

  finish(): Uint8Array {
    if (this.#filled > 0) this.#close()
    const sums = Buffer.alloc(4 * this.#sums.length)
    for (const [index, sum] of this.#sums.entries()) sums.writeUInt32LE(sum, index * 4)
    return sums
  }

  #close(): void {
    this.#sums.push(this.#current)
    this.#current = 0
    this.#filled = 0
  }
}
