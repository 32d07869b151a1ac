import { isLike } from './wildcards.ts'

/**
 * Every action that a bucket policy at AWS may name, by what it is about, in lower case
 * (https://docs.aws.amazon.com/service-authorization/latest/reference/list_amazons3.html). More
 * than is served here: a policy of AWS that names them stays valid, and a misspelt one is refused.
 */
const OF_OBJECTS = `
  AbortMultipartUpload BypassGovernanceRetention DeleteObject DeleteObjectAnnotation
  DeleteObjectTagging DeleteObjectVersion DeleteObjectVersionAnnotation DeleteObjectVersionTagging
  GetObject GetObjectAcl GetObjectAnnotation GetObjectAttributes GetObjectLegalHold
  GetObjectRetention GetObjectTagging GetObjectTorrent GetObjectVersion GetObjectVersionAcl
  GetObjectVersionAnnotation GetObjectVersionAttributes GetObjectVersionForReplication
  GetObjectVersionTagging GetObjectVersionTorrent InitiateReplication ListMultipartUploadParts
  ListObjectAnnotations ListObjectVersionAnnotations ObjectOwnerOverrideToBucketOwner PutObject
  PutObjectAcl PutObjectAnnotation PutObjectLegalHold PutObjectRetention PutObjectTagging
  PutObjectVersionAcl PutObjectVersionAnnotation PutObjectVersionTagging ReplicateDelete
  ReplicateObject ReplicateTags RestoreObject UpdateObjectEncryption`

const OF_BUCKETS = `
  CreateBucket CreateBucketMetadataTableConfiguration DeleteBucket
  DeleteBucketMetadataTableConfiguration DeleteBucketPolicy DeleteBucketWebsite
  GetAccelerateConfiguration GetAnalyticsConfiguration GetBucketAbac GetBucketAcl GetBucketCORS
  GetBucketLocation GetBucketLogging GetBucketMetadataTableConfiguration GetBucketNotification
  GetBucketObjectLockConfiguration GetBucketOwnershipControls GetBucketPolicy GetBucketPolicyStatus
  GetBucketPublicAccessBlock GetBucketRequestPayment GetBucketTagging GetBucketVersioning
  GetBucketWebsite GetEncryptionConfiguration GetIntelligentTieringConfiguration
  GetInventoryConfiguration GetLifecycleConfiguration GetMetricsConfiguration
  GetReplicationConfiguration ListBucket ListBucketMultipartUploads ListBucketVersions
  PutAccelerateConfiguration PutAnalyticsConfiguration PutBucketAbac PutBucketAcl PutBucketCORS
  PutBucketLogging PutBucketNotification PutBucketObjectLockConfiguration
  PutBucketOwnershipControls PutBucketPolicy PutBucketPublicAccessBlock PutBucketRequestPayment
  PutBucketTagging PutBucketVersioning PutBucketWebsite PutEncryptionConfiguration
  PutIntelligentTieringConfiguration PutInventoryConfiguration PutLifecycleConfiguration
  PutMetricsConfiguration PutReplicationConfiguration TagResource UntagResource ListTagsForResource
  UpdateBucketMetadataAnnotationTableConfiguration UpdateBucketMetadataInventoryTableConfiguration
  UpdateBucketMetadataJournalTableConfiguration`

/** Of the account; they decide nothing about a bucket, and AWS takes them in identity policies. */
const OF_ACCOUNTS = 'ListAllMyBuckets GetAccountPublicAccessBlock PutAccountPublicAccessBlock'

const known = {
  object: namesIn(OF_OBJECTS),
  bucket: namesIn(OF_BUCKETS),
  account: namesIn(OF_ACCOUNTS),
} as const

function namesIn(text: string): readonly string[] {
  return text
    .trim()
    .split(/\s+/)
    .map(name => `s3:${name.toLowerCase()}`)
}

/** `pattern`: in lower case, with `*` and `?`. Whether any action is meant. */
export function isKnownAction(pattern: string): boolean {
  return Object.values(known).some(names => names.some(name => isLike(name, pattern)))
}

const bucketNames: ReadonlySet<string> = new Set(known.bucket)

/** Whether the action is done to a bucket, not to an object in it. */
export function isOfBucket(action: string): boolean {
  return bucketNames.has(action.toLowerCase())
}

/** Whether the pattern means an action that can be asked of one of these resources. */
export function appliesToAny(pattern: string, resources: readonly string[]): boolean {
  return resources.some(resource => {
    const names = resource.includes('/') ? known.object : known.bucket
    return names.some(name => isLike(name, pattern))
  })
}
