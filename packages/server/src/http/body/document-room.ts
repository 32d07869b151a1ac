import { HoldfastError } from '@holdfast/core/errors.ts'
import type { Principal } from '@holdfast/core/principal.ts'
import type { LimitSettings } from '../../config/limit-settings.ts'
import type { RequestBody } from './request-body.ts'

export type RoomSize = Pick<LimitSettings, 'documentBytesMax' | 'ownDocumentBytesMax'>

interface Sender {
  readonly principal: Pick<Principal, 'id'>
  readonly body: Pick<RequestBody, 'length'>
}

/** Shorter ones are not counted: all that may be at work have no more than 64 MiB of them. */
const FREE_BYTES = 16 * 1024

/**
 * Memory for documents that are read as a whole, among all who send some: a thousand clients that
 * each begin one of megabytes, and let us wait for its end, would fill the memory of the server.
 */
export class DocumentRoom {
  readonly #size: RoomSize
  readonly #own = new Map<string, number>()
  #taken = 0

  constructor(size: RoomSize) {
    this.#size = size
  }

  /** Gives the room back when it is disposed of; TOO_MANY_REQUESTS while there is none. */
  take(callerId: string, bytes: number): Disposable {
    const { documentBytesMax, ownDocumentBytesMax } = this.#size
    if (bytes <= FREE_BYTES) return NOTHING
    const own = (this.#own.get(callerId) ?? 0) + bytes
    if (own > ownDocumentBytesMax || this.#taken + bytes > documentBytesMax) {
      throw new HoldfastError('TOO_MANY_REQUESTS')
    }
    this.#taken += bytes
    this.#own.set(callerId, own)
    return { [Symbol.dispose]: () => this.#giveBack(callerId, bytes) }
  }

  /** The same for a body that may be as long as it says, or as it may be where it does not say. */
  takeBody({ principal, body }: Sender, bytesMax: number): Disposable {
    return this.take(principal.id, Math.min(body.length ?? bytesMax, bytesMax))
  }

  #giveBack(callerId: string, bytes: number): void {
    this.#taken -= bytes
    const own = (this.#own.get(callerId) ?? 0) - bytes
    if (own > 0) this.#own.set(callerId, own)
    else this.#own.delete(callerId)
  }
}

const NOTHING: Disposable = { [Symbol.dispose]: () => {} }
