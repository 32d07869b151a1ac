import type { DigestName, ExpectedDigests } from '../digests.ts'

/**
 * A place where blobs lie. Promises, each with a test of its number in the shared suite:
 *
 * E1 Nothing is visible before it is whole.
 * E2 What `write` or `writeNote` resolved is durable.
 * E3 A finished blob never changes.
 * E4 A blob can be read as soon as its write resolved.
 * E5 `remove` is idempotent; what it removed is neither listed nor found, and its space comes back
 *    at once or when the element next reclaims.
 * E6 `list` is complete: every finished blob, each once.
 * E7 A failed or aborted write leaves nothing but temp names that the next open sweeps.
 * E8 The bytes read are the bytes written, or the read fails; never a silent difference.
 * E9 Digests and size limits given with a write are enforced before anything is visible.
 */
export interface Element {
  readonly id: string
  readonly traits: ElementTraits
  write(source: ByteSource, options: WriteOptions): Promise<WrittenBlob>
  /** BLOB_MISSING when it is not there, BLOB_DAMAGED when its bytes are not what was written. */
  read(place: BlobPlace, range?: ByteRange, options?: ReadOptions): Promise<BlobBytes>
  /** A whole blob that was read and verified before and is still in memory. Never to be changed. */
  held?(sha256: string): Uint8Array | undefined
  /**
   * A whole small blob on loan, read and verified; at once where that is not likely to wait for the
   * medium. Undefined and failures say nothing: `read` knows, and says why.
   */
  lend?(place: BlobPlace): LentBytes | Promise<LentBytes> | undefined
  stat(location: string): Promise<{ readonly size: number } | undefined>
  remove(location: string): Promise<void>
  list(): AsyncIterable<ListedBlob>
  /**
   * Small named texts (attributes, manifests). Undefined when absent. With `bytesMax`, no more than
   * the beginning of a longer one is read.
   */
  readNote(name: string, options?: { bytesMax?: number }): Promise<string | undefined>
  /** Atomic. With `ifAbsent`, false when the note already exists. */
  writeNote(name: string, text: string, options?: { ifAbsent?: boolean }): Promise<boolean>
  probe(): Promise<ElementProbe>
  /** Faults of the element's own records, beside those of blobs. Absent where it keeps none. */
  check?(): AsyncIterable<ElementFault>
  /** Gives back the space of what was removed, in bytes. Absent where removal does so at once. */
  reclaim?(signal?: AbortSignal): Promise<number>
  /** Absent on elements that do not look after damaged bytes themselves. */
  readonly repair?: Repair
  /** Absent on elements whose writes cannot ride in a catalog transaction. */
  readonly staging?: Staging
  [Symbol.asyncDispose](): Promise<void>
}

export interface ElementTraits {
  readonly driver: string
  /** Survives the process and a power cut. */
  readonly durable: boolean
}

/** The memory of a chunk is the caller's again when the write, or the commit of it, is over. */
export interface ByteSource extends AsyncIterable<Uint8Array> {
  /** Told of a chunk that was copied and that nobody looks at again: its memory may go at once. */
  readonly done?: (chunk: Uint8Array) => void
}

export interface WriteOptions {
  readonly expected?: ExpectedDigests
  /** Exact length announced by the sender, bytes. */
  readonly length?: number
  /** BODY_TOO_LARGE beyond this many bytes. */
  readonly sizeMax?: number
  /** Also compute MD5, for doors whose answers carry it. */
  readonly md5?: boolean
  /** Further digests to compute and give back. */
  readonly digests?: readonly DigestName[]
  /** Digests that the sender tells only after the bytes; asked once those ended. */
  readonly trailing?: () => ExpectedDigests
  readonly signal?: AbortSignal
}

/** What is known of bytes once they were received and hashed. */
export interface BlobFacts {
  readonly sha256: string
  readonly md5: string | null
  readonly size: number
  readonly blockBytes: number
  readonly sums: Uint8Array
  /** Hex, those that the write asked for. */
  readonly digests?: Readonly<Partial<Record<DigestName, string>>>
}

export interface WrittenBlob extends BlobFacts {
  readonly location: string
}

export interface BlobPlace {
  readonly sha256: string
  readonly location: string
  readonly size: number
  readonly blockBytes: number
  readonly sums: Uint8Array
}

/** First and last byte, both included, as in HTTP. */
export interface ByteRange {
  readonly first: number
  readonly last: number
}

export interface ReadOptions {
  /**
   * The reader takes chunks on loan: each is valid until the next one is asked for, and then filled
   * again. For readers that know when a chunk has left; anybody else would see other bytes.
   */
  readonly onLoan?: boolean
}

/** Bytes in memory that is used again. */
export interface LentBytes {
  readonly bytes: Uint8Array
  /** So many bytes before them in the same memory may be written to: a head goes out with them. */
  readonly headRoom?: number
  /** To be called once; `isFree` unless somebody may still be reading from that memory. */
  release(isFree: boolean): void
}

/**
 * Bytes on their way to a reader. Small results come whole in `bytes` and were checked; large ones
 * come as `chunks`, each checked before it is handed out, and the iteration throws on damage.
 */
export type BlobBytes =
  | { readonly size: number; readonly bytes: Uint8Array; readonly chunks?: never }
  | { readonly size: number; readonly bytes?: never; readonly chunks: AsyncIterable<Uint8Array> }

export interface ListedBlob {
  readonly sha256: string
  readonly location: string
  readonly size: number
}

export interface ElementFault {
  readonly place: string
  /** One sentence for a person. */
  readonly problem: string
}

/** A blob whose bytes are not what was written, or gone. */
export interface Damage {
  readonly sha256: string
  readonly location: string
  readonly size: number
  /** One sentence for a person. */
  readonly problem: string
  readonly foundAt: string
}

/**
 * How damage is found, told and undone. Damaged bytes are kept aside, never believed; a write of
 * the same content always brings whole bytes, whatever lies there (E2).
 */
export interface Repair {
  /** What is known to be damaged, by digest. Reads that fail add to it by themselves. */
  readonly known: ReadonlyMap<string, Damage>
  /** Reads the medium, past every cache. */
  readStored(place: BlobPlace): Promise<BlobBytes>
  report(place: BlobPlace, problem: string): Promise<void>
  /** The blob was read whole and is sound. */
  settle(sha256: string): Promise<void>
  /** Other copies of the content, not yet compared with its digest. */
  copies(place: BlobPlace): AsyncIterable<BlobBytes>
}

export interface ElementProbe {
  readonly state: 'up' | 'full' | 'degraded' | 'down'
  /** One sentence for a person. */
  readonly reason: string
  readonly freeBytes: number
  readonly totalBytes: number
}

/**
 * Bytes received, hashed and held, but not yet part of the store. They become durable together with
 * the catalog transaction that refers to them, in one sync (docs/format.md, commit protocol).
 */
export interface Staging {
  stage(source: ByteSource, options: WriteOptions): Promise<Staged>
  /**
   * The same at once, for bytes that are all there; undefined where they are too many to be held.
   * Their memory is lent until the commit of them is over. Absent where nothing is gained by it.
   */
  stageWhole?(bytes: Uint8Array, options: WriteOptions): Staged | undefined
}

export interface Staged extends BlobFacts {
  /** The bytes themselves, when small enough for a pack. */
  readonly body: Uint8Array | null
  /** Name of the synced temp file, for large ones. */
  readonly temp: string | null
  /** True when the content is there already, but damaged: these bytes take its place. */
  readonly replaces?: boolean
  /** First bytes, for type sniffing. */
  readonly head: Uint8Array
  /** Frees what is held. Always called, after success too. */
  discard(): Promise<void>
}
