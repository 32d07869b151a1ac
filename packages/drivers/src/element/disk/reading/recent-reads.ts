import { BoundedCache } from '@holdfast/core/bounded-cache.ts'
import type { DiskStream } from '@holdfast/core/ports/disk.ts'

/** Nothing is kept but names; so many at most, of which each takes some 200 bytes. */
const NAMES_MAX = 32_768
/** Copying out of memory takes 5 to 100 µs; this long, the read waited for the medium. */
const SLOW_MS = 2
/** After a read that waited, none is tried for so many times as long: 20 % of the time at most. */
const PAUSE_FACTOR = 4

/**
 * Blobs that were read lately, up to `bytesMax` together: the system most likely has them in memory
 * still. Those are read on the event loop, because a thread of the pool costs more than the read
 * (64 KiB: 6 µs here, 17 to 50 there). Where the guess was wrong the loop waits, so a read that
 * took long forbids the next ones for a while.
 */
export class RecentReads {
  readonly #blobs: BoundedCache<true>
  readonly #weightMin: number
  readonly #monotonic: () => number
  #pausedUntil = Number.NEGATIVE_INFINITY

  /** 0 keeps nothing, so that everything is read by threads. */
  constructor(bytesMax: number, monotonic: () => number) {
    this.#blobs = new BoundedCache(bytesMax)
    this.#weightMin = bytesMax / NAMES_MAX
    this.#monotonic = monotonic
  }

  /** Tells that the blob was read whole just now. */
  add(location: string, bytes: number): void {
    this.#blobs.set(location, true, Math.max(bytes, this.#weightMin))
  }

  isLikelyInMemory(location: string): boolean {
    return this.#blobs.get(location) === true && this.#monotonic() >= this.#pausedUntil
  }

  /** Fills `into` from there; false when there is less, or reading failed. */
  readNow(file: DiskStream, into: Uint8Array, position: number): boolean {
    const startedMs = this.#monotonic()
    try {
      return file.readNow(into, position) === into.length
    } catch {
      return false
    } finally {
      const endedMs = this.#monotonic()
      const tookMs = endedMs - startedMs
      if (tookMs > SLOW_MS) this.#pausedUntil = endedMs + PAUSE_FACTOR * tookMs
    }
  }
}
