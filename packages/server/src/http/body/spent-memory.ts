import type { ByteSource } from '@holdfast/core/ports/element.ts'

/**
 * Memory of the source whose pieces have all been copied goes back to it: left to the collector, it
 * costs a body as much again as receiving it does.
 */
export class SpentMemory {
  readonly #source: ByteSource
  #memory: Uint8Array | undefined
  /** Pieces of it that somebody may still look at. */
  #used = 0

  constructor(source: ByteSource) {
    this.#source = source
  }

  take(memory: Uint8Array, isCopied: boolean): void {
    this.#used = 0
    this.#memory = memory
    if (isCopied) this.leave()
  }

  given(): void {
    this.#used += 1
  }

  /** Pieces of earlier memory, which was left for good, are nothing to this one. */
  done({ buffer, byteOffset }: Uint8Array): void {
    const memory = this.#memory
    if (memory === undefined || buffer !== memory.buffer) return
    const at = byteOffset - memory.byteOffset
    if (at >= 0 && at < memory.byteLength) this.#used -= 1
  }

  /** Nothing more will be given of it. */
  leave(): void {
    if (this.#memory !== undefined && this.#used === 0) this.#source.done?.(this.#memory)
    this.#memory = undefined
  }
}
