import type { OperationName } from '@holdfast/server/doors/s3/operations.ts'

/** Key pairs of the matrix. `reader`: every `*:read`; `writer`: assets but no buckets. */
export const pairs = ['admin', 'reader', 'writer', 'stranger', 'anonymous'] as const
export type PairName = (typeof pairs)[number]

/** `+` may; `-` may not: 403, or 404 where the caller may not know of the bucket. */
export type Verdict = '+' | '-'
export type Rule = Readonly<Record<PairName, Verdict>>

//                            adm rea wri str ano
const readAssets = verdicts(' +   +   +   -   - ')
const writeAssets = verdicts('+   -   +   -   - ')
const readBucket = verdicts(' +   +   -   -   - ')
const writeBucket = verdicts('+   -   -   -   - ')
/** Nobody is asked for a right: there is nothing behind it. */
const nothing = verdicts('    +   +   +   +   + ')

/** Who may what, for every operation that this door knows; refused ones are told to anybody. */
export const s3Rules = {
  AbortMultipartUpload: writeAssets,
  CompleteMultipartUpload: writeAssets,
  CopyObject: writeAssets,
  CreateBucket: writeBucket,
  CreateMultipartUpload: writeAssets,
  DeleteBucket: writeBucket,
  DeleteBucketCors: writeBucket,
  DeleteBucketEncryption: writeBucket,
  DeleteBucketLifecycle: writeBucket,
  DeleteBucketOwnershipControls: writeBucket,
  DeleteBucketPolicy: writeBucket,
  DeleteBucketTagging: writeBucket,
  DeleteBucketWebsite: writeBucket,
  DeleteObject: writeAssets,
  DeleteObjectTagging: writeAssets,
  DeleteObjects: writeAssets,
  DeletePublicAccessBlock: writeBucket,
  GetBucketAccelerateConfiguration: readBucket,
  GetBucketAcl: readBucket,
  GetBucketCors: readBucket,
  GetBucketEncryption: readBucket,
  GetBucketLifecycleConfiguration: readBucket,
  GetBucketLocation: readBucket,
  GetBucketLogging: readBucket,
  GetBucketNotificationConfiguration: readBucket,
  GetBucketOwnershipControls: readBucket,
  GetBucketPolicy: readBucket,
  GetBucketPolicyStatus: readBucket,
  GetBucketRequestPayment: readBucket,
  GetBucketTagging: readBucket,
  GetBucketVersioning: readBucket,
  GetBucketWebsite: readBucket,
  GetObject: readAssets,
  GetObjectAcl: readAssets,
  GetObjectAttributes: readAssets,
  GetObjectLegalHold: readAssets,
  GetObjectLockConfiguration: readBucket,
  GetObjectRetention: readAssets,
  GetObjectTagging: readAssets,
  GetPublicAccessBlock: readBucket,
  HeadBucket: readAssets,
  HeadObject: readAssets,
  ListBuckets: { ...readBucket, stranger: '+' },
  ListMultipartUploads: writeAssets,
  ListObjects: readAssets,
  ListObjectsV2: readAssets,
  ListObjectVersions: readAssets,
  ListParts: writeAssets,
  PostObject: writeAssets,
  Preflight: nothing,
  PutBucketAcl: writeBucket,
  PutBucketCors: writeBucket,
  PutBucketEncryption: writeBucket,
  PutBucketLifecycleConfiguration: writeBucket,
  PutBucketLogging: writeBucket,
  PutBucketNotificationConfiguration: writeBucket,
  PutBucketOwnershipControls: writeBucket,
  PutBucketPolicy: writeBucket,
  PutBucketRequestPayment: writeBucket,
  PutBucketTagging: writeBucket,
  PutBucketVersioning: writeBucket,
  PutBucketWebsite: writeBucket,
  PutObject: writeAssets,
  PutObjectAcl: writeAssets,
  PutObjectLegalHold: writeAssets,
  PutObjectLockConfiguration: writeBucket,
  PutObjectRetention: writeAssets,
  PutObjectTagging: writeAssets,
  PutPublicAccessBlock: writeBucket,
  RenameObject: writeAssets,
  UploadPart: writeAssets,
  UploadPartCopy: writeAssets,
} as const satisfies Partial<Record<OperationName, Rule>>

function verdicts(text: string): Rule {
  const columns = text.trim().split(/ +/)
  const rule = pairs.map((name, at) => [name, columns[at] === '+' ? '+' : '-'] as const)
  return Object.fromEntries(rule) as Record<PairName, Verdict>
}
