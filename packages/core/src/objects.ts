/**
 * What S3 adds to versions and buckets. Names and forms follow the S3 API, because every other
 * door only passes them on. Absent fields mean "not said": versions of other doors carry nothing.
 */

export const checksumAlgorithms = [
  'CRC32',
  'CRC32C',
  'CRC64NVME',
  'SHA1',
  'SHA256',
  'SHA512',
  'MD5',
] as const
export type ChecksumAlgorithm = (typeof checksumAlgorithms)[number]

/** `full`: of all bytes in order. `composite`: of the checksums of the parts. */
export type ChecksumType = 'full' | 'composite'

export interface ObjectChecksum {
  readonly algorithm: ChecksumAlgorithm
  readonly type: ChecksumType
  /** Base64; a composite one without its `-<parts>` ending. */
  readonly value: string
}

/** Headers that are given back as they came. */
export interface ObjectHeaders {
  /** As declared; the version's own content type is what the bytes allow. */
  readonly contentType?: string
  readonly cacheControl?: string
  readonly contentDisposition?: string
  readonly contentEncoding?: string
  readonly contentLanguage?: string
  readonly expires?: string
  readonly websiteRedirect?: string
}

export interface ObjectPart {
  readonly number: number
  readonly size: number
  /** Base64, by the algorithm of the object's checksum. */
  readonly checksum?: string
}

export interface ObjectTag {
  readonly key: string
  readonly value: string
}

export interface Retention {
  readonly mode: 'GOVERNANCE' | 'COMPLIANCE'
  /** ISO 8601. */
  readonly until: string
}

export type GrantPermission = 'READ' | 'WRITE' | 'READ_ACP' | 'WRITE_ACP' | 'FULL_CONTROL'

export interface Grant {
  readonly permission: GrantPermission
  /** `all`: AllUsers. `authenticated`: AuthenticatedUsers. Else a principal id. */
  readonly grantee: 'all' | 'authenticated' | { readonly id: string }
}

export interface ObjectAcl {
  /** Principal id. */
  readonly owner: string
  readonly grants: readonly Grant[]
}

/**
 * One version as S3 sees it. Headers, metadata, checksum and parts never change with it; tags,
 * retention, hold and acl may.
 */
export interface ObjectFacets {
  /** Put through another door: type, tags and metadata are those of the asset unless set here. */
  readonly elsewhere?: true
  readonly headers?: ObjectHeaders
  /** `x-amz-meta-*`, names in lower case without the prefix. */
  readonly userMetadata?: Readonly<Record<string, string>>
  /** Without quotes; absent where it is the MD5. */
  readonly etag?: string
  readonly checksum?: ObjectChecksum
  /** Of a multipart upload, in order. */
  readonly parts?: readonly ObjectPart[]
  /** The multipart upload that made it: a repeated completion finds its result. */
  readonly uploadId?: string
  /** Absent: STANDARD. */
  readonly storageClass?: string
  /** Server-side encryption that the request asked for; executed by the element. */
  readonly encryption?: string
  readonly tags?: readonly ObjectTag[]
  readonly retention?: Retention
  readonly legalHold?: boolean
  readonly acl?: ObjectAcl
  /** Of a marker: id of the version that was shown before it. */
  readonly hides?: string
}

/** As lists tell them: parts were not looked for, so there may be some (10,000 of them). */
export interface BriefFacets extends Omit<ObjectFacets, 'parts'> {
  readonly parts?: unknown
}

/** A multipart upload under way: all that is known before its parts. */
export interface MultipartUpload {
  readonly id: string
  readonly seq: number
  /** Sequence of the change that created it: the order of uploads with the same key. */
  readonly createdSeq: number
  readonly bucketId: string
  readonly key: string
  readonly service: string
  readonly ownerId: string
  readonly createdAt: string
  /** Principal id and name. */
  readonly initiatorId: string
  readonly createdBy: string
  /** Algorithm and type of checksum that the object will have. */
  readonly checksum: { readonly algorithm: ChecksumAlgorithm; readonly type: ChecksumType } | null
  readonly facets: ObjectFacets
}

/** One part of an upload under way. Its bytes are a blob that it refers to. */
export interface UploadPart {
  /** `<upload id>/<number>`. */
  readonly id: string
  readonly seq: number
  readonly uploadId: string
  readonly number: number
  readonly size: number
  readonly sha256: string
  /** Hex. */
  readonly md5: string
  /** Base64, by the algorithm of the upload. */
  readonly checksum: string | null
  readonly createdAt: string
}

/** One stretch of a composed blob: the whole of another blob. */
export interface BlobPart {
  readonly sha256: string
  readonly size: number
}

/** A key pair of S3. Signatures need the secret itself, so it is kept sealed instead of hashed. */
export interface AccessKey {
  /** What requests name: `AKIA…`. */
  readonly id: string
  readonly seq: number
  readonly name: string
  /** Who acts with it: what ACLs and the change log name. */
  readonly principalId: string
  /** The user it acts as, within what the user may at that moment; null = itself. */
  readonly userId: string | null
  /** AES-256-GCM under the store's own secret (docs/format.md). */
  readonly sealedSecret: string
  readonly permissions: readonly string[]
  /** Bucket names it is confined to; null = all. */
  readonly buckets: readonly string[] | null
  /** As of API keys; null where it acts as a user, with whom it stops anyway. */
  readonly makerId: string | null
  readonly createdAt: string
  readonly createdBy: string
  readonly expiresAt: string | null
  readonly revokedAt: string | null
}

export const bucketDocumentNames = [
  'accelerate',
  'acl',
  'cors',
  'encryption',
  'lifecycle',
  'logging',
  'notification',
  'objectLock',
  'ownership',
  'policy',
  'publicAccessBlock',
  'replication',
  'requestPayment',
  'tagging',
  'website',
] as const
export type BucketDocumentName = (typeof bucketDocumentNames)[number]

/** Those that say who may do what. */
export const ruleDocumentNames = [
  'acl',
  'ownership',
  'policy',
  'publicAccessBlock',
] as const satisfies readonly BucketDocumentName[]
export type RuleDocumentName = (typeof ruleDocumentNames)[number]
