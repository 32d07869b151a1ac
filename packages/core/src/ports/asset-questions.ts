import type { ObjectAcl } from '../objects.ts'
import type { Asset, AssetType, BriefVersion, Usage, Version } from '../records.ts'
import type { Awaitable } from './awaitable.ts'

export type DeletedFilter = 'without' | 'only' | 'with'

export interface AssetFilter {
  readonly bucketId?: string
  /** Bucket ids the caller may see; absent = all. */
  readonly bucketIds?: readonly string[]
  readonly service?: string
  readonly ownerId?: string
  readonly type?: AssetType
  readonly tagsAny?: readonly string[]
  readonly keyPrefix?: string
  readonly name?: string
  /** Search text of a person: words, prefixes, "phrases". */
  readonly search?: string
  readonly deleted: DeletedFilter
  /**
   * When set, assets with an ACL count only if it names one of these for reading, and deleted ones
   * if it names one for writing, too.
   */
  readonly visibleTo?: string | readonly string[]
  /** With `visibleTo`: whose assets count whatever their ACL says. */
  readonly visibleOwner?: Ownership
  /** When set, only what one of its parts opens: for callers who do not see whole buckets. */
  readonly reach?: Reach
}

/** Assets that somebody may see; those with an ACL if it names `ids` so, or the owner asks. */
export interface Reach {
  /** The principal and its groups. */
  readonly ids: readonly string[]
  readonly owner?: Ownership
  /** Buckets that are open as a whole. */
  readonly bucketIds: readonly string[]
  readonly prefixes: readonly { readonly bucketId: string; readonly prefix: string }[]
}

/** What somebody owns. */
export interface Ownership {
  readonly ownerId: string
  /** Only in these buckets; absent: in all. */
  readonly bucketIds?: readonly string[]
}

export interface AssetQuery extends AssetFilter {
  readonly limit: number
  readonly offset?: number
  /** Keyset paging, newest first: only assets with a smaller `createdSeq`. */
  readonly beforeSeq?: number
  /** Order by key (UTF-8 bytes) instead, starting after this key. Needs `bucketId`. */
  readonly afterKey?: string
}

export interface AssetStats {
  readonly assets: number
  readonly bytes: number
  readonly types: Readonly<Record<string, number>>
  /** At most `servicesToldMax`, those with the most bytes; the others are in the totals alone. */
  readonly services: Readonly<Record<string, Usage>>
}

/**
 * Awaited between looks at some thousand assets, where many are looked at of which few are shown;
 * what it throws ends the question. The answer is of one moment only within `Catalog.read`.
 */
export type GiveWay = () => Promise<void>

export interface AssetQuestions {
  byId(id: string): Awaitable<Asset | undefined>
  /** The asset that holds the key now (deleted ones of a versioned bucket included). */
  byKey(bucketId: string, key: string): Awaitable<Asset | undefined>
  list(query: AssetQuery, giveWay?: GiveWay): Awaitable<Asset[]>
  /** The true total of the filter; cheap for what counters hold. */
  count(filter: AssetFilter, giveWay?: GiveWay): Awaitable<number>
  /**
   * Whether `list` and `count` of the filter take long, however little they find. They hold nobody
   * else up, but are worked out one after the other, and of a moment of their own: not to be asked
   * for within `Catalog.read`.
   */
  isLong(filter: AssetFilter): Awaitable<boolean>
  /** Assets not deleted, current content only. */
  stats(
    filter: Pick<AssetFilter, 'service' | 'bucketIds' | 'visibleTo' | 'visibleOwner'>,
    giveWay?: GiveWay,
  ): Awaitable<AssetStats>
}

export interface VersionQuestions {
  byId(id: string): Awaitable<Version | undefined>
  /** Without its parts, which may be a megabyte; it may come with them where they are at hand. */
  briefById(id: string): Awaitable<BriefVersion | undefined>
  byNumber(assetId: string, number: number): Awaitable<Version | undefined>
  /** Newest number first, if the query does not say otherwise. */
  list(query: VersionQuery): Awaitable<BriefVersion[]>
  count(query: Omit<VersionQuery, 'limit' | 'offset'>): Awaitable<number>
  /** What content versions that are not deleted hold: each type once, with its largest size. */
  contents(assetId: string): Awaitable<VersionContent[]>
  /** Content versions with an access list of S3, deleted ones too; the newest first. */
  acls(assetId: string, page: VersionPage): Awaitable<VersionAcl[]>
  /** Bytes of all kept versions, deleted ones too. */
  bytes(assetId: string): Awaitable<number>
}

export interface VersionPage {
  /** With a smaller number. */
  readonly below: number | undefined
  readonly limit: number
}

export interface VersionAcl {
  readonly number: number
  readonly acl: ObjectAcl
}

export interface VersionContent {
  readonly contentType: string
  readonly size: number
}

export interface VersionQuery {
  readonly assetId: string
  readonly kinds?: readonly Version['kind'][]
  readonly deleted: DeletedFilter
  readonly changes?: readonly Version['change'][]
  /** At that time or later. */
  readonly createdAfter?: string
  /** Before that time. */
  readonly createdBefore?: string
  /** The version with this id, or all but it. */
  readonly id?: { readonly is: string } | { readonly not: string }
  /** With a smaller number: how to go on behind a page, as an offset would read it again. */
  readonly below?: number
  /** That bear a tag of this name; null: none at all. */
  readonly tag?: string | null
  /** Whether retention or legal hold keep them at that time. */
  readonly lock?: { readonly at: string; readonly holds: boolean }
  /** Those with tags of S3, whatever their names. */
  readonly hasObjectTags?: true
  /** Whose access list of S3 names this owner. */
  readonly aclOwner?: string
  /** Whose access list of S3 grants something to all, or to all who show a credential. */
  readonly aclIsPublic?: true
  readonly oldestFirst?: true
  readonly limit: number
  readonly offset?: number
}
