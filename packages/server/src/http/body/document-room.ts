import { HoldfastError } from '@holdfast/core/errors.ts'

export interface RoomSize {
  readonly bytesMax: number
  /** Of one caller; all who show nothing are one. */
  readonly ownBytesMax: number
  /** Shorter ones are not counted. */
  readonly freeBytes: number
}

const standard: RoomSize = {
  bytesMax: 128 * 1024 * 1024,
  ownBytesMax: 32 * 1024 * 1024,
  freeBytes: 16 * 1024,
}

/**
 * Memory for documents that are read as a whole, among all who send some: a thousand clients that
 * each begin one of megabytes, and let us wait for its end, would fill the memory of the server.
 */
export class DocumentRoom {
  readonly #size: RoomSize
  readonly #own = new Map<string, number>()
  #taken = 0

  constructor(size: RoomSize = standard) {
    this.#size = size
  }

  /** Gives the room back when it is disposed of; TOO_MANY_REQUESTS while there is none. */
  take(callerId: string, bytes: number): Disposable {
    const { bytesMax, ownBytesMax, freeBytes } = this.#size
    if (bytes <= freeBytes) return NOTHING
    const own = (this.#own.get(callerId) ?? 0) + bytes
    if (own > ownBytesMax || this.#taken + bytes > bytesMax) {
      throw new HoldfastError('TOO_MANY_REQUESTS')
    }
    this.#taken += bytes
    this.#own.set(callerId, own)
    return { [Symbol.dispose]: () => this.#giveBack(callerId, bytes) }
  }

  #giveBack(callerId: string, bytes: number): void {
    this.#taken -= bytes
    const own = (this.#own.get(callerId) ?? 0) - bytes
    if (own > 0) this.#own.set(callerId, own)
    else this.#own.delete(callerId)
  }
}

const NOTHING: Disposable = { [Symbol.dispose]: () => {} }
