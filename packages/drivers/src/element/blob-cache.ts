/** Blobs up to this size are worth keeping. */
const ENTRY_BYTES_MAX = 64 * 1024

/** Hot small blobs by digest. Content never changes under its digest, so nothing is ever stale. */
export class BlobCache {
  readonly #bytesMax: number
  readonly #entries = new Map<string, Uint8Array>()
  #bytes = 0

  constructor(bytesMax: number) {
    this.#bytesMax = bytesMax
  }

  get(sha256: string): Uint8Array | undefined {
    const entry = this.#entries.get(sha256)
    if (entry === undefined) return undefined
    this.#entries.delete(sha256)
    this.#entries.set(sha256, entry)
    return entry
  }

  add(sha256: string, bytes: Uint8Array): void {
    if (bytes.length > ENTRY_BYTES_MAX || this.#entries.has(sha256)) return
    this.#entries.set(sha256, bytes)
    this.#bytes += bytes.length
    for (const [oldest, dropped] of this.#entries) {
      if (this.#bytes <= this.#bytesMax) return
      this.#entries.delete(oldest)
      this.#bytes -= dropped.length
    }
  }
}
