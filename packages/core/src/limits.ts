/** Every bound of the store in one place. Settings may lower or raise those in `Limits`. */

export interface Limits {
  /** Largest single multipart form upload in bytes; raw PUT is bounded by `assetBytesMax`. */
  readonly uploadBytesMax: number
  /** Largest asset of any door, in bytes. */
  readonly assetBytesMax: number
  /** Blobs up to this size are kept in packs, larger ones in files of their own. */
  readonly packedBlobBytesMax: number
  readonly jsonBodyBytesMax: number
  readonly batchItemsMax: number
  readonly pageItemsMax: number
  /** Assets that one listing looks at where each has to be asked about. */
  readonly judgedItemsMax: number
  readonly searchTextBytesMax: number
  readonly rangesMax: number
  /** Free space that puts must leave for deletes, garbage collection and the catalog. */
  readonly reservedBytes: number
  /** A blob without references is kept this long before its bytes may go. */
  readonly graceMs: number
  /** A multipart upload to which no part came for so long is dropped with its parts. */
  readonly uploadIdleMs: number
  /** Every part of a multipart upload but its last has at least so many bytes. */
  readonly partBytesMin: number
  /** Plain blobs that a blob of parts may be made of, where its parts are made of parts. */
  readonly plainPartsMax: number
  /** Buckets that one principal may own; those of administrators have no owner. */
  readonly ownedBucketsMax: number
  /** API keys of one maker; those of the settings, and what is made with them, have none. */
  readonly makerKeysMax: number
  /** S3 access keys of one user, or maker: each is looked through where keys are looked for. */
  readonly userKeysMax: number
  /** Share links of one maker. */
  readonly sharesMax: number
  /** Lists that are read at one moment of the catalog, each over a connection of its own. */
  readonly momentsMax: number
  /** Of one caller who has the whole audit log looked at, and as many exports of it. */
  readonly auditRunsMax: number
  /** Memory for verified bytes of small blobs that are read again and again. */
  readonly blobCacheBytes: number
  /** Memory for chunks of large blobs on their way out; beyond, readers get short chunks. */
  readonly readBufferBytes: number
  /** So much of what was read last is taken to be in the memory of the system still. */
  readonly recentReadBytes: number
  /** Memory for records of the catalog that are asked for again and again. */
  readonly catalogCacheBytes: number
}

const KiB = 1024
const MiB = 1024 * KiB
const GiB = 1024 * MiB
const TiB = 1024 * GiB

export const defaultLimits: Limits = Object.freeze({
  uploadBytesMax: 100 * MiB,
  assetBytesMax: 5 * TiB,
  packedBlobBytesMax: 256 * KiB,
  jsonBodyBytesMax: 1 * MiB,
  batchItemsMax: 1000,
  pageItemsMax: 1000,
  judgedItemsMax: 10_000,
  searchTextBytesMax: 512,
  rangesMax: 8,
  reservedBytes: 64 * MiB,
  graceMs: 24 * 60 * 60 * 1000,
  uploadIdleMs: 7 * 24 * 60 * 60 * 1000,
  partBytesMin: 5 * MiB,
  plainPartsMax: 100_000,
  ownedBucketsMax: 100,
  makerKeysMax: 1000,
  userKeysMax: 1000,
  sharesMax: 1000,
  momentsMax: 16,
  auditRunsMax: 2,
  blobCacheBytes: 32 * MiB,
  readBufferBytes: 16 * MiB,
  recentReadBytes: 1 * GiB,
  catalogCacheBytes: 16 * MiB,
})

/** Fixed bounds of names and small values: part of the format, not of the settings. */
export const bounds = Object.freeze({
  keyBytesMax: 1024,
  nameBytesMax: 1024,
  serviceBytesMax: 255,
  tagsMax: 64,
  tagBytesMax: 256,
  metadataKeysMax: 256,
  metadataKeyBytesMax: 255,
  metadataDepthMax: 8,
  metadataBytesMax: 32 * KiB,
  contentTypeBytesMax: 255,
  descriptionBytesMax: 1000,
  aclEntriesMax: 256,
  versionTagsMax: 32,
  /** From an asset, and to it by those who may only read it; so many more by who may write it. */
  linksPerAssetMax: 1000,
  /** Services that totals tell apart: callers name them, so there may be any number. */
  servicesToldMax: 1000,
  /** https://docs.aws.amazon.com/AmazonS3/latest/userguide/qfacts.html */
  partsMax: 10_000,
  partBytesMax: 5 * GiB,
  objectBytesMax: 5 * TiB,
  bucketDocumentBytesMax: 64 * KiB,
  bucketDocumentsBytesMax: 128 * KiB,
})
