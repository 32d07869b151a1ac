import type { Verified } from './auth/verify.ts'
import { getBucketAcl, putBucketAcl } from './buckets/acl.ts'
import {
  createBucketHere,
  deleteBucket,
  getAccelerate,
  getLocation,
  getRequestPayment,
  getVersioning,
  headBucket,
  putRequestPayment,
  putVersioning,
} from './buckets/buckets.ts'
import { deleteBucketTagging, getBucketTagging, putBucketTagging } from './buckets/tagging.ts'
import { deleteDocument, getDocument, putDocument } from './documents/bucket-document.ts'
import {
  cors,
  encryption,
  lifecycle,
  logging,
  notification,
  ownership,
  website,
} from './documents/documents.ts'
import { objectLock } from './documents/object-lock.ts'
import { deletePolicy, getPolicy, getPolicyStatus, putPolicy } from './documents/policy.ts'
import { publicAccessBlock } from './documents/public-access.ts'
import { listBucketsHere } from './listing/list-buckets.ts'
import { listObjectsFirst, listObjectsSecond } from './listing/list-objects.ts'
import { listVersionsHere } from './listing/list-versions.ts'
import { getObjectAcl, putObjectAcl } from './objects/acl.ts'
import { getObjectAttributes } from './objects/attributes.ts'
import { copyObjectHere, renameObjectHere } from './objects/copy-object.ts'
import { deleteObject } from './objects/delete-object.ts'
import { deleteObjects } from './objects/delete-objects.ts'
import { getObjectHere } from './objects/get-object.ts'
import { getLegalHold, getRetention, putLegalHold, putRetention } from './objects/locks.ts'
import { putObjectHere } from './objects/put-object.ts'
import { deleteObjectTagging, getObjectTagging, putObjectTagging } from './objects/tagging.ts'
import type { BuiltOperation } from './operations.ts'
import type { Answer } from './requests/answer.ts'
import { abortUploadHere, completeUploadHere } from './uploads/complete-upload.ts'
import { createUploadHere } from './uploads/create-upload.ts'
import { listPartsHere, listUploadsHere } from './uploads/list-parts.ts'
import { uploadPartCopyHere, uploadPartHere } from './uploads/upload-part.ts'

/** Answered before anybody is authenticated: a form carries its credential inside. */
export type Unverified = 'Preflight' | 'PostObject'

/** One for every operation that is not refused: a missing or surplus one does not compile. */
export const builtOperations: Readonly<
  Record<Exclude<BuiltOperation, Unverified>, (verified: Verified) => Promise<Answer>>
> = {
  AbortMultipartUpload: abortUploadHere,
  CompleteMultipartUpload: completeUploadHere,
  CopyObject: copyObjectHere,
  CreateBucket: createBucketHere,
  CreateMultipartUpload: createUploadHere,
  DeleteBucket: deleteBucket,
  DeleteBucketCors: deleteDocument(cors),
  DeleteBucketEncryption: deleteDocument(encryption),
  DeleteBucketLifecycle: deleteDocument(lifecycle),
  DeleteBucketOwnershipControls: deleteDocument(ownership),
  DeleteBucketPolicy: deletePolicy,
  DeleteBucketTagging: deleteBucketTagging,
  DeleteBucketWebsite: deleteDocument(website),
  DeleteObject: deleteObject,
  DeleteObjectTagging: deleteObjectTagging,
  DeleteObjects: deleteObjects,
  DeletePublicAccessBlock: deleteDocument(publicAccessBlock),
  GetBucketAccelerateConfiguration: getAccelerate,
  GetBucketAcl: getBucketAcl,
  GetBucketCors: getDocument(cors),
  GetBucketEncryption: getDocument(encryption),
  GetBucketLifecycleConfiguration: getDocument(lifecycle),
  GetBucketLocation: getLocation,
  GetBucketLogging: getDocument(logging),
  GetBucketNotificationConfiguration: getDocument(notification),
  GetBucketOwnershipControls: getDocument(ownership),
  GetBucketPolicy: getPolicy,
  GetBucketPolicyStatus: getPolicyStatus,
  GetBucketRequestPayment: getRequestPayment,
  GetBucketTagging: getBucketTagging,
  GetBucketVersioning: getVersioning,
  GetBucketWebsite: getDocument(website),
  GetObject: getObjectHere,
  GetObjectAcl: getObjectAcl,
  GetObjectAttributes: getObjectAttributes,
  GetObjectLegalHold: getLegalHold,
  GetObjectLockConfiguration: getDocument(objectLock),
  GetObjectRetention: getRetention,
  GetObjectTagging: getObjectTagging,
  GetPublicAccessBlock: getDocument(publicAccessBlock),
  HeadBucket: headBucket,
  HeadObject: getObjectHere,
  ListBuckets: listBucketsHere,
  ListMultipartUploads: listUploadsHere,
  ListObjects: listObjectsFirst,
  ListObjectsV2: listObjectsSecond,
  ListObjectVersions: listVersionsHere,
  ListParts: listPartsHere,
  PutBucketAcl: putBucketAcl,
  PutBucketCors: putDocument(cors),
  PutBucketEncryption: putDocument(encryption),
  PutBucketLifecycleConfiguration: putDocument(lifecycle),
  PutBucketLogging: putDocument(logging),
  PutBucketNotificationConfiguration: putDocument(notification),
  PutBucketOwnershipControls: putDocument(ownership),
  PutBucketPolicy: putPolicy,
  PutBucketRequestPayment: putRequestPayment,
  PutBucketTagging: putBucketTagging,
  PutBucketVersioning: putVersioning,
  PutBucketWebsite: putDocument(website),
  PutObject: putObjectHere,
  PutObjectAcl: putObjectAcl,
  PutObjectLegalHold: putLegalHold,
  PutObjectLockConfiguration: putDocument(objectLock),
  PutObjectRetention: putRetention,
  PutObjectTagging: putObjectTagging,
  PutPublicAccessBlock: putDocument(publicAccessBlock),
  RenameObject: renameObjectHere,
  UploadPart: uploadPartHere,
  UploadPartCopy: uploadPartCopyHere,
}
