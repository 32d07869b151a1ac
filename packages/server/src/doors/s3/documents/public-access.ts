import type { JsonObject } from '@holdfast/core/records.ts'
import type { BucketDocument } from './bucket-document.ts'
import { publicAccessBlockShape } from './shapes.ts'

const NAMES = {
  blockPublicAcls: 'BlockPublicAcls',
  ignorePublicAcls: 'IgnorePublicAcls',
  blockPublicPolicy: 'BlockPublicPolicy',
  restrictPublicBuckets: 'RestrictPublicBuckets',
} as const

/** https://docs.aws.amazon.com/AmazonS3/latest/API/API_PutPublicAccessBlock.html */
export const publicAccessBlock: BucketDocument = {
  name: 'publicAccessBlock',
  root: 'PublicAccessBlockConfiguration',
  shape: publicAccessBlockShape,
  read: 's3:GetBucketPublicAccessBlock',
  write: 's3:PutBucketPublicAccessBlock',
  missing: 'NoSuchPublicAccessBlockConfiguration',
  // What is left out is off.
  kept: document => renamed(([kept, shown]) => [kept, document[shown] === true]),
  shown: document => renamed(([kept, shown]) => [shown, document[kept] === true]),
}

function renamed(one: (names: [string, string]) => [string, boolean]): JsonObject {
  return Object.fromEntries(Object.entries(NAMES).map(one))
}
