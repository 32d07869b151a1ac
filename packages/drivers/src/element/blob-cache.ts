import { BoundedCache } from '@holdfast/core/bounded-cache.ts'

/** Larger ones are read from the memory of the system faster than they are kept here. */
export const CACHED_BYTES_MAX = 16 * 1024
/** What an entry takes beside its bytes. */
const ENTRY_BYTES = 512
/** The server keeps the smallest in a second form, ready to be sent. */
const TWICE_UP_TO = 8 * 1024

/** Hot small blobs by digest. Content never changes under its digest, so nothing is ever stale. */
export class BlobCache {
  readonly #entries: BoundedCache<Uint8Array>

  constructor(bytesMax: number) {
    this.#entries = new BoundedCache(bytesMax)
  }

  get(sha256: string): Uint8Array | undefined {
    return this.#entries.get(sha256)
  }

  add(sha256: string, bytes: Uint8Array): void {
    if (bytes.length > CACHED_BYTES_MAX) return
    // A view of a larger buffer would keep all of that.
    const own = bytes.buffer.byteLength > bytes.length ? new Uint8Array(bytes) : bytes
    const copies = own.length <= TWICE_UP_TO ? 2 : 1
    this.#entries.set(sha256, own, copies * own.length + ENTRY_BYTES)
  }
}
