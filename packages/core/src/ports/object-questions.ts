import type { MultipartUpload, UploadPart } from '../objects.ts'
import type { Asset, BriefVersion, Version } from '../records.ts'
import type { Ownership, Reach } from './asset-questions.ts'
import type { Awaitable } from './awaitable.ts'

/** Keys in the order of their UTF-8 bytes. What it costs follows the page, not the bucket. */
export interface ObjectQuestions {
  list(query: ObjectQuery): Awaitable<KeyedPage<ObjectEntry>>
  /** Every version of every key, for each key the newest first. */
  listVersions(query: VersionEntryQuery): Awaitable<KeyedPage<VersionEntry>>
  nullVersion(assetId: string): Awaitable<Version | undefined>
}

export interface KeyedQuery {
  readonly bucketId: string
  readonly prefix?: string
  /** Keys that hold it after the prefix are summed up as one common prefix. */
  readonly delimiter?: string
  readonly limit: number
  /** How many keys may be looked at, in round figures: most of them may be hidden. */
  readonly looksMax?: number
  /** Where the answer before stopped; instead of `after`. */
  readonly from?: string
}

export interface KeyedPage<Entry> {
  readonly entries: readonly Entry[]
  /** Set where the looks were spent before the page was full. May be a key that is not shown. */
  readonly stopped?: string
}

export interface ObjectQuery extends KeyedQuery {
  /** Only keys and common prefixes after this one. */
  readonly after?: string
  /** When set, assets with an ACL count only if it names one of these principals for reading. */
  readonly visibleTo?: string | readonly string[]
  /** With `visibleTo`: whose assets count whatever their ACL says. */
  readonly visibleOwner?: Ownership
  /** When set, only assets of the bucket that it opens. */
  readonly reach?: Reach
}

export type ObjectEntry =
  | { readonly prefix: string; readonly asset?: never; readonly version?: never }
  | { readonly prefix?: never; readonly asset: Asset; readonly version: BriefVersion }

export interface VersionEntryQuery extends KeyedQuery {
  /** After this key, or after this common prefix. */
  readonly after?: string
  /** With it: of the key `after` only versions older than this number. */
  readonly olderThan?: number
  readonly visibleTo?: string | readonly string[]
  readonly visibleOwner?: Ownership
  readonly reach?: Reach
}

export type VersionEntry =
  | { readonly prefix: string; readonly asset?: never; readonly version?: never }
  | {
      readonly prefix?: never
      readonly asset: Asset
      readonly version: BriefVersion
      readonly isLatest: boolean
    }

export interface UploadQuestions {
  byId(id: string): Awaitable<MultipartUpload | undefined>
  part(uploadId: string, number: number): Awaitable<UploadPart | undefined>
  /** In order of their numbers, after the given one. */
  parts(query: { uploadId: string; after?: number; limit: number }): Awaitable<UploadPart[]>
  /** In order of keys, then of creation. */
  list(query: UploadQuery): Awaitable<UploadEntry[]>
  /** Begun before the time, and no part came since; oldest first. */
  abandoned(query: { before: string; limit: number }): Awaitable<MultipartUpload[]>
  count(): Awaitable<number>
}

export interface UploadQuery extends KeyedQuery {
  readonly after?: string
  /** With it: of the key `after` only uploads created after this sequence. */
  readonly afterSeq?: number
}

export type UploadEntry =
  | { readonly prefix: string; readonly upload?: never }
  | { readonly prefix?: never; readonly upload: MultipartUpload }
