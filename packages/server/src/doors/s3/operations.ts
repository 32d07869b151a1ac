/**
 * Every operation of the S3 API, once. The router, the metrics, the probe of the tests and the
 * table in docs/s3.md all come from here.
 */
export type Level = 'service' | 'bucket' | 'object'

/** `served`: does what AWS documents. `kept`: stored and given back, not acted upon. */
export type OperationState = 'served' | 'kept' | 'refused'
type Method = 'GET' | 'HEAD' | 'PUT' | 'POST' | 'DELETE' | 'OPTIONS'
type Marks = Omit<OperationRow, 'method' | 'level' | 'state'>

export interface OperationRow<State extends OperationState = OperationState> {
  readonly method: Method
  readonly level: Level
  /** The query parameter without which it would be another operation. */
  readonly sub?: string
  /** Further query parameters that must be there. */
  readonly needs?: readonly string[]
  /** A header that must be there. */
  readonly header?: string
  /** Query parameters that it reads. */
  readonly reads?: readonly string[]
  readonly state: State
  readonly note?: string
}

const LIST = ['prefix', 'delimiter', 'max-keys', 'encoding-type']
/** Each version refuses those of the other. */
const EITHER_LIST = [...LIST, 'marker', 'continuation-token', 'start-after', 'fetch-owner']
const CONTENT = [
  'versionId',
  'partNumber',
  'response-cache-control',
  'response-content-disposition',
  'response-content-encoding',
  'response-content-language',
  'response-content-type',
  'response-expires',
]
const VERSION = ['versionId']

const ANALYTICS = 'Reports about storage classes; there is one class of storage.'
const INVENTORY = 'Reports are made by search and listings.'
const TIERING = 'Needs several classes of storage.'
const TABLES = 'Needs S3 Tables, another service of AWS.'
const ANNOTATIONS =
  'The metadata and the description of an asset, at the REST interface, are for this.'
const METRICS = 'Metrics of all buckets are at /metrics.'
const REPLICATION = 'Comes with replication of stores.'

export const operations = {
  AbortMultipartUpload: served('DELETE', 'object', { sub: 'uploadId' }),
  CompleteMultipartUpload: served('POST', 'object', { sub: 'uploadId' }),
  CopyObject: served('PUT', 'object', { header: 'x-amz-copy-source' }),
  CreateBucket: served('PUT', 'bucket'),
  CreateBucketMetadataConfiguration: refused('POST', 'bucket', {
    sub: 'metadataConfiguration',
    note: TABLES,
  }),
  CreateBucketMetadataTableConfiguration: refused('POST', 'bucket', {
    sub: 'metadataTable',
    note: TABLES,
  }),
  CreateMultipartUpload: served('POST', 'object', { sub: 'uploads' }),
  CreateSession: refused('GET', 'bucket', { sub: 'session', note: 'For directory buckets only.' }),
  DeleteBucket: served('DELETE', 'bucket'),
  DeleteBucketAnalyticsConfiguration: refused('DELETE', 'bucket', {
    sub: 'analytics',
    reads: ['id'],
    note: ANALYTICS,
  }),
  DeleteBucketCors: served('DELETE', 'bucket', { sub: 'cors' }),
  DeleteBucketEncryption: kept('DELETE', 'bucket', { sub: 'encryption' }),
  DeleteBucketIntelligentTieringConfiguration: refused('DELETE', 'bucket', {
    sub: 'intelligent-tiering',
    reads: ['id'],
    note: TIERING,
  }),
  DeleteBucketInventoryConfiguration: refused('DELETE', 'bucket', {
    sub: 'inventory',
    reads: ['id'],
    note: INVENTORY,
  }),
  DeleteBucketLifecycle: kept('DELETE', 'bucket', { sub: 'lifecycle' }),
  DeleteBucketMetadataConfiguration: refused('DELETE', 'bucket', {
    sub: 'metadataConfiguration',
    note: TABLES,
  }),
  DeleteBucketMetadataTableConfiguration: refused('DELETE', 'bucket', {
    sub: 'metadataTable',
    note: TABLES,
  }),
  DeleteBucketMetricsConfiguration: refused('DELETE', 'bucket', {
    sub: 'metrics',
    reads: ['id'],
    note: METRICS,
  }),
  DeleteBucketOwnershipControls: served('DELETE', 'bucket', { sub: 'ownershipControls' }),
  DeleteBucketPolicy: served('DELETE', 'bucket', { sub: 'policy' }),
  DeleteBucketReplication: refused('DELETE', 'bucket', { sub: 'replication', note: REPLICATION }),
  DeleteBucketTagging: served('DELETE', 'bucket', { sub: 'tagging' }),
  DeleteBucketWebsite: kept('DELETE', 'bucket', { sub: 'website' }),
  DeleteObject: served('DELETE', 'object', { reads: VERSION }),
  DeleteObjectAnnotation: refused('DELETE', 'object', {
    sub: 'annotation',
    reads: ['annotationName', 'versionId'],
    note: ANNOTATIONS,
  }),
  DeleteObjectTagging: served('DELETE', 'object', { sub: 'tagging', reads: VERSION }),
  DeleteObjects: served('POST', 'bucket', { sub: 'delete' }),
  DeletePublicAccessBlock: served('DELETE', 'bucket', { sub: 'publicAccessBlock' }),
  GetBucketAbac: refused('GET', 'bucket', {
    sub: 'abac',
    note: 'Access by tags is not part of the permissions here.',
  }),
  GetBucketAccelerateConfiguration: served('GET', 'bucket', {
    sub: 'accelerate',
    note: 'Always without status: there is no other way in.',
  }),
  GetBucketAcl: served('GET', 'bucket', { sub: 'acl' }),
  GetBucketAnalyticsConfiguration: refused('GET', 'bucket', {
    sub: 'analytics',
    needs: ['id'],
    note: ANALYTICS,
  }),
  GetBucketCors: served('GET', 'bucket', { sub: 'cors' }),
  GetBucketEncryption: kept('GET', 'bucket', { sub: 'encryption' }),
  GetBucketIntelligentTieringConfiguration: refused('GET', 'bucket', {
    sub: 'intelligent-tiering',
    needs: ['id'],
    note: TIERING,
  }),
  GetBucketInventoryConfiguration: refused('GET', 'bucket', {
    sub: 'inventory',
    needs: ['id'],
    note: INVENTORY,
  }),
  GetBucketLifecycleConfiguration: kept('GET', 'bucket', { sub: 'lifecycle' }),
  GetBucketLocation: served('GET', 'bucket', { sub: 'location' }),
  GetBucketLogging: kept('GET', 'bucket', { sub: 'logging' }),
  GetBucketMetadataConfiguration: refused('GET', 'bucket', {
    sub: 'metadataConfiguration',
    note: TABLES,
  }),
  GetBucketMetadataTableConfiguration: refused('GET', 'bucket', {
    sub: 'metadataTable',
    note: TABLES,
  }),
  GetBucketMetricsConfiguration: refused('GET', 'bucket', {
    sub: 'metrics',
    needs: ['id'],
    note: METRICS,
  }),
  GetBucketNotificationConfiguration: kept('GET', 'bucket', { sub: 'notification' }),
  GetBucketOwnershipControls: served('GET', 'bucket', { sub: 'ownershipControls' }),
  GetBucketPolicy: served('GET', 'bucket', { sub: 'policy' }),
  GetBucketPolicyStatus: served('GET', 'bucket', { sub: 'policyStatus' }),
  GetBucketReplication: refused('GET', 'bucket', { sub: 'replication', note: REPLICATION }),
  GetBucketRequestPayment: served('GET', 'bucket', {
    sub: 'requestPayment',
    note: 'Always BucketOwner.',
  }),
  GetBucketTagging: served('GET', 'bucket', { sub: 'tagging' }),
  GetBucketVersioning: served('GET', 'bucket', { sub: 'versioning' }),
  GetBucketWebsite: kept('GET', 'bucket', { sub: 'website' }),
  GetObject: served('GET', 'object', { reads: CONTENT }),
  GetObjectAcl: served('GET', 'object', { sub: 'acl', reads: VERSION }),
  GetObjectAnnotation: refused('GET', 'object', {
    sub: 'annotation',
    needs: ['annotationName'],
    reads: ['versionId'],
    note: ANNOTATIONS,
  }),
  GetObjectAttributes: served('GET', 'object', { sub: 'attributes', reads: VERSION }),
  GetObjectLegalHold: served('GET', 'object', { sub: 'legal-hold', reads: VERSION }),
  GetObjectLockConfiguration: served('GET', 'bucket', { sub: 'object-lock' }),
  GetObjectRetention: served('GET', 'object', { sub: 'retention', reads: VERSION }),
  GetObjectTagging: served('GET', 'object', { sub: 'tagging', reads: VERSION }),
  GetObjectTorrent: refused('GET', 'object', { sub: 'torrent', note: 'AWS has ended it, too.' }),
  GetPublicAccessBlock: served('GET', 'bucket', { sub: 'publicAccessBlock' }),
  HeadBucket: served('HEAD', 'bucket', { reads: ['list-type', ...EITHER_LIST] }),
  HeadObject: served('HEAD', 'object', { reads: CONTENT }),
  ListBucketAnalyticsConfigurations: refused('GET', 'bucket', {
    sub: 'analytics',
    reads: ['continuation-token'],
    note: ANALYTICS,
  }),
  ListBucketIntelligentTieringConfigurations: refused('GET', 'bucket', {
    sub: 'intelligent-tiering',
    reads: ['continuation-token'],
    note: TIERING,
  }),
  ListBucketInventoryConfigurations: refused('GET', 'bucket', {
    sub: 'inventory',
    reads: ['continuation-token'],
    note: INVENTORY,
  }),
  ListBucketMetricsConfigurations: refused('GET', 'bucket', {
    sub: 'metrics',
    reads: ['continuation-token'],
    note: METRICS,
  }),
  ListBuckets: served('GET', 'service', {
    reads: ['prefix', 'max-buckets', 'continuation-token', 'bucket-region'],
  }),
  ListDirectoryBuckets: refused('GET', 'service', {
    sub: 'max-directory-buckets',
    note: 'There are no directory buckets.',
  }),
  ListMultipartUploads: served('GET', 'bucket', {
    sub: 'uploads',
    reads: [
      'prefix',
      'delimiter',
      'max-uploads',
      'encoding-type',
      'key-marker',
      'upload-id-marker',
    ],
  }),
  ListObjectAnnotations: refused('GET', 'object', {
    sub: 'annotation',
    reads: ['versionId', 'continuation-token', 'max-results', 'annotation-prefix'],
    note: ANNOTATIONS,
  }),
  ListObjects: served('GET', 'bucket', { reads: EITHER_LIST }),
  ListObjectsV2: served('GET', 'bucket', { sub: 'list-type', reads: EITHER_LIST }),
  ListObjectVersions: served('GET', 'bucket', {
    sub: 'versions',
    reads: [...LIST, 'key-marker', 'version-id-marker'],
  }),
  ListParts: served('GET', 'object', {
    sub: 'uploadId',
    reads: ['max-parts', 'part-number-marker', 'encoding-type'],
  }),
  PutBucketAbac: refused('PUT', 'bucket', {
    sub: 'abac',
    note: 'Access by tags is not part of the permissions here.',
  }),
  PutBucketAccelerateConfiguration: refused('PUT', 'bucket', {
    sub: 'accelerate',
    note: 'There is no other way in.',
  }),
  PutBucketAcl: served('PUT', 'bucket', { sub: 'acl' }),
  PutBucketAnalyticsConfiguration: refused('PUT', 'bucket', {
    sub: 'analytics',
    reads: ['id'],
    note: ANALYTICS,
  }),
  PutBucketCors: served('PUT', 'bucket', { sub: 'cors' }),
  PutBucketEncryption: kept('PUT', 'bucket', {
    sub: 'encryption',
    note: 'SSE-S3 only; carried out once elements can encrypt.',
  }),
  PutBucketIntelligentTieringConfiguration: refused('PUT', 'bucket', {
    sub: 'intelligent-tiering',
    reads: ['id'],
    note: TIERING,
  }),
  PutBucketInventoryConfiguration: refused('PUT', 'bucket', {
    sub: 'inventory',
    reads: ['id'],
    note: INVENTORY,
  }),
  PutBucketLifecycleConfiguration: kept('PUT', 'bucket', {
    sub: 'lifecycle',
    note: 'Carried out once the lifecycle room is there.',
  }),
  PutBucketLogging: kept('PUT', 'bucket', {
    sub: 'logging',
    note: 'Requests are in the log of the server.',
  }),
  PutBucketMetricsConfiguration: refused('PUT', 'bucket', {
    sub: 'metrics',
    reads: ['id'],
    note: METRICS,
  }),
  PutBucketNotificationConfiguration: kept('PUT', 'bucket', {
    sub: 'notification',
    note: 'Carried out once events have a way out.',
  }),
  PutBucketOwnershipControls: served('PUT', 'bucket', { sub: 'ownershipControls' }),
  PutBucketPolicy: served('PUT', 'bucket', {
    sub: 'policy',
    note: 'A documented part of the policy language.',
  }),
  PutBucketReplication: refused('PUT', 'bucket', { sub: 'replication', note: REPLICATION }),
  PutBucketRequestPayment: served('PUT', 'bucket', {
    sub: 'requestPayment',
    note: 'BucketOwner only.',
  }),
  PutBucketTagging: served('PUT', 'bucket', { sub: 'tagging' }),
  PutBucketVersioning: served('PUT', 'bucket', { sub: 'versioning' }),
  PutBucketWebsite: kept('PUT', 'bucket', {
    sub: 'website',
    note: 'Sites have a door of their own.',
  }),
  PutObject: served('PUT', 'object'),
  PutObjectAcl: served('PUT', 'object', { sub: 'acl', reads: VERSION }),
  PutObjectAnnotation: refused('PUT', 'object', {
    sub: 'annotation',
    reads: ['annotationName', 'versionId'],
    note: ANNOTATIONS,
  }),
  PutObjectLegalHold: served('PUT', 'object', { sub: 'legal-hold', reads: VERSION }),
  PutObjectLockConfiguration: served('PUT', 'bucket', { sub: 'object-lock' }),
  PutObjectRetention: served('PUT', 'object', { sub: 'retention', reads: VERSION }),
  PutObjectTagging: served('PUT', 'object', { sub: 'tagging', reads: VERSION }),
  PutPublicAccessBlock: served('PUT', 'bucket', { sub: 'publicAccessBlock' }),
  RenameObject: served('PUT', 'object', { sub: 'renameObject' }),
  RestoreObject: refused('POST', 'object', {
    sub: 'restore',
    reads: VERSION,
    note: 'Nothing is archived; comes with archive elements.',
  }),
  SelectObjectContent: refused('POST', 'object', {
    sub: 'select',
    reads: ['select-type'],
    note: 'AWS offers it to no new customer.',
  }),
  UpdateBucketMetadataAnnotationTableConfiguration: refused('PUT', 'bucket', {
    sub: 'metadataAnnotationTable',
    note: TABLES,
  }),
  UpdateBucketMetadataInventoryTableConfiguration: refused('PUT', 'bucket', {
    sub: 'metadataInventoryTable',
    note: TABLES,
  }),
  UpdateBucketMetadataJournalTableConfiguration: refused('PUT', 'bucket', {
    sub: 'metadataJournalTable',
    note: TABLES,
  }),
  UpdateObjectEncryption: refused('PUT', 'object', {
    sub: 'encryption',
    reads: VERSION,
    note: 'Keys of KMS are not supported.',
  }),
  UploadPart: served('PUT', 'object', { sub: 'uploadId', needs: ['partNumber'] }),
  UploadPartCopy: served('PUT', 'object', {
    sub: 'uploadId',
    needs: ['partNumber'],
    header: 'x-amz-copy-source',
  }),
  WriteGetObjectResponse: refused('POST', 'service', {
    sub: 'WriteGetObjectResponse',
    note: 'Needs Lambda, another service of AWS.',
  }),
  /** A form of a browser; it is no operation of the SDKs. */
  PostObject: served('POST', 'bucket'),
  /** The question that browsers ask before. */
  Preflight: served('OPTIONS', 'bucket'),
} as const satisfies Record<string, OperationRow>

export type OperationName = keyof typeof operations
/** Those that have code: all but the refused ones. */
export type BuiltOperation = {
  [Name in OperationName]: (typeof operations)[Name] extends OperationRow<'refused'> ? never : Name
}[OperationName]

function served(method: Method, level: Level, marks: Marks = {}): OperationRow<'served'> {
  return { method, level, state: 'served', ...marks }
}

function kept(method: Method, level: Level, marks: Marks = {}): OperationRow<'kept'> {
  return { method, level, state: 'kept', ...marks }
}

function refused(method: Method, level: Level, marks: Marks = {}): OperationRow<'refused'> {
  return { method, level, state: 'refused', ...marks }
}
