import { createHash } from 'node:crypto'
import type { OperationName } from '@holdfast/server/doors/s3/operations.ts'
import type { Plain } from './sign.ts'

/** What the requests of the matrix are about. */
export interface Place {
  readonly bucket: string
  readonly key: string
  readonly uploadId: string
  readonly etag: string
  readonly nowMs: number
}

type More = Partial<Pick<Plain, 'headers' | 'body' | 'query' | 'path'>>

const xml = (root: string, inner: string): string =>
  `<${root} xmlns="http://s3.amazonaws.com/doc/2006-03-01/">${inner}</${root}>`
const tags = xml('Tagging', '<TagSet><Tag><Key>a</Key><Value>b</Value></Tag></TagSet>')
const source = ({ bucket, key }: Place) => ({ 'x-amz-copy-source': `${bucket}/${key}` })

/** What an operation needs beside method, path and sub-resource to be carried out. */
export const bodies: { readonly [Name in OperationName]?: (place: Place) => More } = {
  CompleteMultipartUpload: ({ etag }) => ({
    body: xml(
      'CompleteMultipartUpload',
      `<Part><PartNumber>1</PartNumber><ETag>${etag}</ETag></Part>`,
    ),
  }),
  CopyObject: place => ({ headers: source(place), path: `/${place.bucket}/${place.key}-copy` }),
  CreateBucket: ({ nowMs }) => ({ path: `/s3-new-${nowMs}-${unique()}` }),
  DeleteObjects: ({ key }) => {
    const body = xml('Delete', `<Object><Key>${key}</Key></Object>`)
    return { body, headers: { 'content-md5': createHash('md5').update(body).digest('base64') } }
  },
  GetObjectAttributes: () => ({ headers: { 'x-amz-object-attributes': 'ETag' } }),
  Preflight: () => ({
    headers: { origin: 'https://example.org', 'access-control-request-method': 'GET' },
  }),
  PutBucketAcl: () => ({ headers: { 'x-amz-acl': 'private' } }),
  PutBucketCors: () => ({
    body: xml(
      'CORSConfiguration',
      '<CORSRule><AllowedMethod>GET</AllowedMethod><AllowedOrigin>*</AllowedOrigin></CORSRule>',
    ),
  }),
  PutBucketEncryption: () => ({
    body: xml(
      'ServerSideEncryptionConfiguration',
      '<Rule><ApplyServerSideEncryptionByDefault><SSEAlgorithm>AES256</SSEAlgorithm>' +
        '</ApplyServerSideEncryptionByDefault></Rule>',
    ),
  }),
  PutBucketLifecycleConfiguration: () => ({
    body: xml(
      'LifecycleConfiguration',
      '<Rule><ID>a</ID><Filter><Prefix>x/</Prefix></Filter><Status>Enabled</Status>' +
        '<Expiration><Days>1</Days></Expiration></Rule>',
    ),
  }),
  PutBucketLogging: () => ({ body: xml('BucketLoggingStatus', '') }),
  PutBucketNotificationConfiguration: () => ({ body: xml('NotificationConfiguration', '') }),
  PutBucketOwnershipControls: () => ({
    body: xml('OwnershipControls', '<Rule><ObjectOwnership>ObjectWriter</ObjectOwnership></Rule>'),
  }),
  PutBucketPolicy: ({ bucket }) => ({
    body: JSON.stringify({
      Version: '2012-10-17',
      Statement: [
        {
          Effect: 'Deny',
          Principal: '*',
          Action: 's3:GetObject',
          Resource: `arn:aws:s3:::${bucket}/nothing-lies-here/*`,
        },
      ],
    }),
  }),
  PutBucketRequestPayment: () => ({
    body: xml('RequestPaymentConfiguration', '<Payer>BucketOwner</Payer>'),
  }),
  PutBucketTagging: () => ({ body: tags }),
  PutBucketVersioning: () => ({
    body: xml('VersioningConfiguration', '<Status>Enabled</Status>'),
  }),
  PutBucketWebsite: () => ({
    body: xml('WebsiteConfiguration', '<IndexDocument><Suffix>index.html</Suffix></IndexDocument>'),
  }),
  PutObject: () => ({ body: 'taken' }),
  PutObjectAcl: () => ({ headers: { 'x-amz-acl': 'private' } }),
  PutObjectLegalHold: () => ({ body: xml('LegalHold', '<Status>OFF</Status>') }),
  PutObjectLockConfiguration: () => ({
    body: xml('ObjectLockConfiguration', '<ObjectLockEnabled>Enabled</ObjectLockEnabled>'),
  }),
  PutObjectRetention: ({ nowMs }) => ({
    body: xml('Retention', `<Mode>GOVERNANCE</Mode>${until(nowMs + 60_000)}`),
  }),
  PutObjectTagging: () => ({ body: tags }),
  PutPublicAccessBlock: () => ({
    body: xml('PublicAccessBlockConfiguration', '<BlockPublicAcls>true</BlockPublicAcls>'),
  }),
  RenameObject: place => ({
    headers: { 'x-amz-rename-source': `${place.bucket}/${place.key}` },
    path: `/${place.bucket}/${place.key}-renamed`,
  }),
  UploadPart: () => ({ body: 'taken' }),
  UploadPartCopy: place => ({ headers: source(place) }),
}

function until(ms: number): string {
  return `<RetainUntilDate>${new Date(ms).toISOString()}</RetainUntilDate>`
}

let made = 0
function unique(): number {
  made += 1
  return made
}
