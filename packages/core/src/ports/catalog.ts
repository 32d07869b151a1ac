import type { AuditEntry, AuditLink, AuditRow, Identity } from '../identities.ts'
import type { AccessKey, BlobPart, MultipartUpload, UploadPart } from '../objects.ts'
import type {
  ApiKey,
  Asset,
  Blob,
  Bucket,
  BucketRules,
  Change,
  ChangeKind,
  JsonObject,
  Link,
  Quota,
  QuotaScope,
  Usage,
  Version,
} from '../records.ts'
import type { AssetQuestions, Stretch, StretchQuery, VersionQuestions } from './asset-questions.ts'
import type { Awaitable } from './awaitable.ts'
import type { BlobFacts, BlobPlace, Staged } from './element.ts'
import type { AccessKeyQuestions, AuditQuestions, IdentityQuestions } from './identity-questions.ts'
import type { KeyedPage, ObjectQuestions, UploadQuestions } from './object-questions.ts'

/**
 * What is true. Promises, each with a test of its number in the shared suite:
 *
 * C1 A write is all or nothing, and serialisable against every other write.
 * C2 When a write resolves, its effects, its change rows and its staged bytes are durable.
 * C3 A write that rejects left nothing, unless the code is OUTCOME_UNKNOWN.
 * C4 A view sees every write that resolved before the question was asked.
 * C5 `read` sees one moment, however long it lasts.
 * C6 Sequence numbers of changes have no gaps and no duplicates for readers.
 * C7 Using a transaction after its end throws.
 * C8 Usage, reference counts and totals equal what recounting the records gives.
 * C9 Watchers hear of everything a write touched before that write resolves.
 * C10 `check` names every record that is not as it was written, and no other, while writes go on.
 */
export interface Catalog {
  readonly traits: CatalogTraits
  /** Latest committed state, question by question. */
  readonly view: CatalogView
  /** Several questions at one moment. */
  read<T>(questions: (view: CatalogView) => T | Promise<T>): Promise<T>
  /**
   * Runs the named transaction with plain-data arguments and resolves with its plain-data result.
   * It may run in another thread and together with others in one commit.
   */
  write(name: string, args: unknown, options: CommitOptions): Promise<unknown>
  /** For caches: told of every commit, and of bytes that moved. Returns how to stop. */
  watch(watcher: (touched: Touched) => void): () => void
  probe(): Promise<{ readonly state: 'up' | 'down'; readonly reason: string }>
  /** Every record against what it could be made again from. Absent where there is nothing such. */
  check?(how?: CheckRecords): AsyncIterable<RecordFault>
  [Symbol.asyncDispose](): Promise<void>
}

export interface CheckRecords {
  readonly signal?: AbortSignal | undefined
  /** Told of so many more records that were looked at. */
  readonly onRecords?: ((records: number) => void) | undefined
}

/** A record that is not as it was written, or a reason why that cannot be told. */
export interface RecordFault {
  readonly place: string
  /** One sentence for a person. */
  readonly problem: string
}

/** What one transaction wrote or removed, and where else its bytes lie now. */
export interface Touched {
  /** With the key before and the key after, where they differ. */
  readonly assets: readonly TouchedAsset[]
  /** Ids of other records by kind; a blob goes by its SHA-256. */
  readonly records: Readonly<Partial<Record<string, readonly string[]>>>
}

export interface TouchedAsset {
  readonly id: string
  readonly bucketId: string
  readonly key: string
}

export interface CatalogTraits {
  readonly driver: string
  /** Staged bytes become durable with the transaction. */
  readonly carriesBytes: boolean
}

export interface CommitOptions {
  readonly actor: string
  readonly requestId: string
  readonly staged?: readonly Staged[]
  readonly signal?: AbortSignal
}

/** A named transaction. It must be a pure function of its arguments, the catalog and `moment`. */
export type Transaction<Args, Result> = (
  tx: CatalogTransaction,
  args: Args,
  moment: Moment,
) => Promise<Result>

/** The store's time and ids for one transaction. */
export interface Moment {
  readonly now: string
  readonly actor: string
  newId(): string
}

export interface CatalogView {
  readonly buckets: BucketQuestions
  readonly assets: AssetQuestions
  readonly versions: VersionQuestions
  readonly blobs: BlobQuestions
  readonly links: LinkQuestions
  readonly quotas: QuotaQuestions
  readonly keys: KeyQuestions
  readonly identities: IdentityQuestions
  readonly audits: AuditQuestions
  readonly changes: ChangeQuestions
  readonly objects: ObjectQuestions
  readonly uploads: UploadQuestions
  readonly accessKeys: AccessKeyQuestions
}

export interface CatalogTransaction extends CatalogView {
  readonly put: CatalogPuts
  readonly remove: CatalogRemovals
  /** Adds the change row of this transaction; returns its sequence number. */
  note(change: NewChange): Awaitable<number>
  /**
   * Appends to the audit log; the catalog numbers the row and chains it to the one before. `seal`
   * proves the place that the row got.
   */
  audit(entry: AuditEntry, seal?: (link: AuditLink) => string): Awaitable<AuditRow>
  /** The sequence the next `note` will get: records written with it carry it as their `seq`. */
  nextSeq(): Awaitable<number>
  /**
   * Makes a blob of staged or already written bytes, unless the content is already here.
   * `location` null means the bytes ride with this transaction.
   */
  keepBlob(facts: BlobFacts, location: string | null): Awaitable<void>
  /** Makes a blob of the bytes of others, unless the content is already here. */
  composeBlob(blob: ComposedBlob): Awaitable<void>
}

/**
 * `sha256` is that of the bytes of all parts in their order. The parts are plain blobs, but for
 * those whose lost bytes came back in parts.
 */
export interface ComposedBlob {
  readonly sha256: string
  readonly size: number
  /** The bytes that are known by the digest were looked at and are damaged. */
  readonly replaces?: boolean | undefined
  readonly parts: readonly BlobPart[]
}

/** Insert or replace a whole record; counters, references and search follow by themselves. */
export interface CatalogPuts {
  bucket(record: Bucket): Awaitable<void>
  asset(record: Asset): Awaitable<void>
  version(record: Version): Awaitable<void>
  link(record: Link): Awaitable<void>
  quota(record: Quota): Awaitable<void>
  key(record: ApiKey): Awaitable<void>
  accessKey(record: AccessKey): Awaitable<void>
  upload(record: MultipartUpload): Awaitable<void>
  /** Of an upload that is there; a part of the same number gives way. */
  part(record: UploadPart): Awaitable<void>
  /** Its names must be free: of two holders the later one would win. */
  identity(record: Identity): Awaitable<void>
}

/** Remove records for good. A version drops its reference; an asset must have no versions left. */
export interface CatalogRemovals {
  bucket(id: string): Awaitable<void>
  asset(id: string): Awaitable<void>
  version(id: string): Awaitable<void>
  link(id: string): Awaitable<void>
  quota(scope: QuotaScope, name: string): Awaitable<void>
  /** With its parts, which drop their references. */
  upload(id: string): Awaitable<void>
  identity(id: string): Awaitable<void>
  /** The rows of the audit log up to this number, of which some must be left behind it. */
  audits(until: number): Awaitable<void>
  /** Only without references; the bytes go after the commit. */
  blob(sha256: string): Awaitable<void>
}

export interface NewChange {
  readonly what: ChangeKind
  readonly bucketId?: string
  readonly assetId?: string
  readonly versionId?: string
  readonly detail?: JsonObject
}

export interface BucketQuestions {
  byName(name: string): Awaitable<Bucket | undefined>
  byId(id: string): Awaitable<Bucket | undefined>
  list(query: { after?: string; limit: number }): Awaitable<Bucket[]>
  count(): Awaitable<number>
  /** How many belong to this principal. */
  countOwnedBy(ownerId: string): Awaitable<number>
  /** The rules of each, in order of names; stops early, with where, after reading much. */
  rules(query: { after?: string; limit: number }): Awaitable<KeyedPage<BucketRules>>
}

export interface BlobQuestions {
  get(sha256: string): Awaitable<Blob | undefined>
  /** Where its bytes lie: all that reading them takes. */
  place(sha256: string): Awaitable<StoredPlace | undefined>
  /** In order of sha256, after the given one. */
  list(query: { after?: string; limit: number }): Awaitable<Blob[]>
  /** Unreferenced since before the given time. */
  dead(query: { before: string; limit: number }): Awaitable<Blob[]>
  totals(): Awaitable<BlobTotals>
}

/** A composed blob has no bytes of its own, but those of its parts. */
export interface StoredPlace extends BlobPlace {
  readonly parts?: readonly BlobPart[]
}

export interface BlobTotals {
  readonly blobs: number
  /** Those that lie there: composed blobs bring none. */
  readonly bytes: number
  /** Bytes and count of those without references. */
  readonly dead: number
  readonly deadBlobs: number
}

export interface LinkQuestions {
  byId(id: string): Awaitable<Link | undefined>
  /** Both directions, oldest first. */
  of(query: { assetId: string; type?: string; limit: number; offset?: number }): Awaitable<Link[]>
  /** Of those that the asset is one end of. */
  count(assetId: string, end: 'from' | 'to'): Awaitable<number>
  find(fromId: string, toId: string, type: string): Awaitable<Link | undefined>
}

export interface QuotaQuestions {
  get(scope: QuotaScope, name: string): Awaitable<Quota | undefined>
  list(): Awaitable<Quota[]>
  /** Usage of a scope, whether or not it has a quota. */
  usage(scope: QuotaScope, name: string): Awaitable<Usage>
}

export interface KeyQuestions {
  byHash(hash: string): Awaitable<ApiKey | undefined>
  byId(id: string): Awaitable<ApiKey | undefined>
  list(): Awaitable<ApiKey[]>
  count(): Awaitable<number>
}

export interface AssetChangesQuery {
  readonly assetId: string
  /** With a smaller sequence. */
  readonly below?: number
  readonly limit: number
  readonly offset?: number
}

export interface ChangeQuestions {
  /** Ascending, after the given sequence. */
  after(seq: number, limit: number): Awaitable<Change[]>
  /** Of one asset, newest first. */
  ofAsset(query: AssetChangesQuery): Awaitable<Change[]>
  /** Of all changes of an asset. */
  stretch(query: StretchQuery): Awaitable<Stretch>
  latest(): Awaitable<number>
}
