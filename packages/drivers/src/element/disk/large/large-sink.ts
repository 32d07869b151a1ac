import type { BlobFacts, WriteOptions } from '@holdfast/core/ports/element.ts'

/** Where the bytes of a large body go: a temp file that nothing refers to yet. */
export interface LargeSink {
  /** Bytes given to `write` may be used again as soon as it resolves. */
  readonly copies: boolean
  /**
   * Takes the next bytes. Resolves when more may come; unless the sink copies, the bytes given may
   * be used again only once it has finished.
   */
  write(chunks: readonly Uint8Array[], size: number): Promise<void>
  /** Takes the last bytes; synced when it resolves. DIGEST_MISMATCH when a promise was broken. */
  finish(chunks: readonly Uint8Array[], size: number): Promise<SunkFacts>
  /** Lets go of the file, which stays for the caller to remove. Never rejects. */
  abandon(): Promise<void>
}

export interface SunkFacts {
  readonly sha256: string
  readonly md5: string | null
  /** CRC-32 of every block, as in `BlobFacts`. */
  readonly sums: Uint8Array
  /** Those that the write asked for. */
  readonly digests?: NonNullable<BlobFacts['digests']>
}

export interface SinkOptions {
  readonly path: string
  readonly blockBytes: number
  readonly write: WriteOptions
}

export type OpenSink = (options: SinkOptions) => Promise<LargeSink>

/** Bytes gathered before a write: large enough for the disk, small for a hundred uploads. */
export const SINK_BYTES = 128 * 1024
