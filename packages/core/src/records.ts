/**
 * What the store remembers. Records are plain data: they cross threads, and their JSON is what the
 * change lines on the element hold (docs/format.md). Times are ISO 8601 UTC text, sizes are bytes.
 */

import type {
  BlobPart,
  BriefFacets,
  BucketDocumentName,
  ObjectFacets,
  RuleDocumentName,
} from './objects.ts'

export type Json =
  | null
  | boolean
  | number
  | string
  | readonly Json[]
  | { readonly [key: string]: Json }
export type JsonObject = { readonly [key: string]: Json }

export type AssetType = 'image' | 'document' | 'audio' | 'video' | 'binary' | 'archive'
export const assetTypes: readonly AssetType[] = [
  'image',
  'document',
  'audio',
  'video',
  'binary',
  'archive',
]

export interface Cors {
  readonly origins: readonly string[]
}

export type Versioning = 'enabled' | 'disabled' | 'suspended'

export interface BucketSettings {
  /**
   * `enabled`: changed content makes a version. `disabled`: the newest content only is kept.
   * `suspended`: versions there are stay, new content replaces only the null version.
   */
  readonly versioning: Versioning
  /** Anyone may read and list assets here without a credential. */
  readonly publicRead: boolean
  /** Allowed content types such as `image/png` or `image/*`; empty allows all. */
  readonly contentTypes: readonly string[]
  /** Largest asset, bytes; null leaves it to the server's limit. */
  readonly assetBytesMax: number | null
  /** Versions kept per asset by prune; null = the server's setting. */
  readonly versionsMax: number | null
  /** Age in days after which prune takes versions; null = the server's setting. */
  readonly versionRetentionDays: number | null
  readonly corsOrigins: readonly string[]
}

export const defaultBucketSettings: BucketSettings = Object.freeze({
  versioning: 'enabled',
  publicRead: false,
  contentTypes: [],
  assetBytesMax: null,
  versionsMax: null,
  versionRetentionDays: null,
  corsOrigins: [],
})

export interface Bucket {
  readonly id: string
  readonly name: string
  readonly settings: BucketSettings
  /** Configurations of S3 as JSON, each validated when it was set; absent: none. */
  readonly documents?: BucketDocuments
  /** The principal whose alone it is, with what `buckets:create` brings; null: open to roles. */
  readonly ownerId: string | null
  /** Whose it was before, while some of what they stored here may still be theirs. */
  readonly givenFrom?: string
  readonly createdAt: string
  readonly createdBy: string
  readonly updatedAt: string
  /** Sequence of the change that last wrote this record. */
  readonly seq: number
}

export type BucketDocuments = { readonly [Name in BucketDocumentName]?: JsonObject }

/** What is asked of a bucket to say who may do what; most of a record may be anything else. */
export interface BucketRules extends Pick<Bucket, 'id' | 'name' | 'ownerId' | 'seq'> {
  readonly settings: Pick<BucketSettings, 'publicRead'>
  readonly documents?: Pick<BucketDocuments, RuleDocumentName>
}

/** Who else may read or write one asset, by principal id. */
export interface Acl {
  readonly read: readonly string[]
  readonly write: readonly string[]
}

export interface Asset {
  readonly id: string
  /** Sequence of the change that created it: the order of listings. */
  readonly createdSeq: number
  readonly seq: number
  readonly bucketId: string
  readonly key: string
  readonly name: string
  readonly type: AssetType
  readonly service: string
  readonly ownerId: string
  readonly tags: readonly string[]
  readonly metadata: JsonObject
  readonly acl: Acl | null
  readonly createdAt: string
  readonly createdBy: string
  readonly updatedAt: string
  readonly deletedAt: string | null
  /** In the trash: deleted in an unversioned bucket; its key is free for another asset. */
  readonly trashed: boolean
  /** The content shown: the newest version that is not a marker and not deleted. */
  readonly versionId: string
  readonly versionNumber: number
  readonly size: number
  readonly sha256: string
  readonly contentType: string
  /** When the content shown was written. */
  readonly contentAt: string
  /** Highest version number ever used. */
  readonly lastNumber: number
}

export interface VersionTag {
  readonly name: string
  readonly description: string
  readonly taggedAt: string
}

export interface Version {
  readonly id: string
  readonly seq: number
  /** Sequence of the change that created it. */
  readonly createdSeq: number
  readonly assetId: string
  readonly number: number
  /** A marker records a delete; it has no content (size 0, sha256 empty). */
  readonly kind: 'content' | 'marker'
  readonly sha256: string
  /** Hex; present only where a door asked for it. */
  readonly md5: string | null
  readonly size: number
  readonly contentType: string
  readonly metadata: JsonObject
  readonly tags: readonly VersionTag[]
  readonly change: 'create' | 'update' | 'rollback' | 'copy' | 'delete'
  readonly description: string
  readonly createdAt: string
  readonly createdBy: string
  readonly deletedAt: string | null
  /** Made while the bucket did not version: S3 names it `null`, it gives way to the next. */
  readonly isNull?: boolean
  /** What S3 knows of it; absent for versions that no S3 request touched. */
  readonly object?: ObjectFacets
}

/** As lists tell it. Never to be put back: its parts would be lost. */
export interface BriefVersion extends Omit<Version, 'object'> {
  readonly object?: BriefFacets
}

export interface Link {
  readonly id: string
  readonly seq: number
  readonly type: string
  readonly fromId: string
  readonly toId: string
  readonly createdAt: string
  readonly createdBy: string
}

export type QuotaScope = 'bucket' | 'owner' | 'service'
export const quotaScopes: readonly QuotaScope[] = ['bucket', 'owner', 'service']

/** A ceiling. Usage counts every kept version's bytes and every asset, deleted ones included. */
export interface Quota {
  readonly seq: number
  readonly scope: QuotaScope
  /** Bucket name, owner UUID or service name. */
  readonly name: string
  readonly bytesMax: number | null
  readonly assetsMax: number | null
  readonly updatedAt: string
  readonly updatedBy: string
}

export interface Usage {
  readonly assets: number
  readonly bytes: number
}

export interface ApiKey {
  readonly id: string
  readonly seq: number
  readonly name: string
  /** SHA-256 of the secret, hex. The secret has 256 random bits, so no slow hash is needed. */
  readonly hash: string
  /** First characters of the key, to recognise it in lists. */
  readonly prefix: string
  readonly permissions: readonly string[]
  /** Bucket names it is confined to; null = all. */
  readonly buckets: readonly string[] | null
  /** User or service account with which it stops; null = nobody, as for those of the settings. */
  readonly makerId: string | null
  readonly createdAt: string
  readonly createdBy: string
  readonly expiresAt: string | null
  readonly revokedAt: string | null
}

/** Bytes by content, shared between versions. */
export interface Blob {
  readonly sha256: string
  readonly size: number
  /** Where on the element, in the element's own words. */
  readonly location: string
  /** Bytes covered by each block sum. */
  readonly blockBytes: number
  /** CRC-32 of every block, 4 bytes little-endian each: what reads are checked against. */
  readonly sums: Uint8Array
  readonly references: number
  /** When the last reference went (ISO), null while referenced. */
  readonly deadSince: string | null
  /** Set for a composed blob: its bytes are those of other blobs, in this order. */
  readonly parts?: readonly BlobPart[]
}

/** One row of the change log. */
export interface Change {
  readonly seq: number
  readonly at: string
  readonly actor: string
  readonly requestId: string
  readonly what: ChangeKind
  readonly bucketId: string | null
  readonly assetId: string | null
  readonly versionId: string | null
  /** What was and what is, as far as a person needs it. */
  readonly detail: JsonObject
}

export const changeKinds = [
  'bucket.created',
  'bucket.updated',
  'bucket.removed',
  'asset.created',
  'asset.updated',
  'asset.moved',
  'asset.deleted',
  'asset.restored',
  'asset.removed',
  'version.created',
  'version.updated',
  'version.deleted',
  'version.removed',
  'link.created',
  'link.removed',
  'quota.set',
  'quota.removed',
  'key.created',
  'key.revoked',
  'blob.removed',
  'upload.created',
  'upload.removed',
  'part.created',
  'access_key.created',
  'access_key.revoked',
  'identity.set',
  'identity.removed',
  'login.failed',
  'key.updated',
  'access_key.updated',
] as const
export type ChangeKind = (typeof changeKinds)[number]
