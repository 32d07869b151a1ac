import { shownOwner } from '@holdfast/engine/access/bucket-acl.ts'
import { mayKnowBucket } from '@holdfast/engine/access/decide.ts'
import type { Verified } from '../auth/verify.ts'
import { S3Error } from '../errors.ts'
import { parseCopySource } from './address.ts'

export const EXPECTED_OWNER = 'x-amz-expected-bucket-owner'

/**
 * Whose buckets the caller believes to use
 * (https://docs.aws.amazon.com/AmazonS3/latest/userguide/bucket-owner-condition.html). Ids are those
 * that listings show as `Owner`.
 */
export async function requireExpectedOwners(verified: Verified): Promise<void> {
  const { headers, address } = verified.request
  const source = headers.get('x-amz-copy-source')
  await requireOwner(verified, headers.get(EXPECTED_OWNER), address.bucket)
  const expected = headers.get('x-amz-source-expected-bucket-owner')
  if (expected === undefined || source === undefined) return
  await requireOwner(verified, expected, parseCopySource(source).bucket)
}

/** AccessDenied where another owner of the bucket with that name is expected. */
export async function requireOwner(
  { request, call }: Verified,
  expected: string | undefined,
  name: string | undefined,
): Promise<void> {
  if (expected === undefined || name === undefined) return
  const bucket = await request.context.engine.catalog.view.buckets.byName(name)
  // Who may not know of the bucket hears what the operation says of one that is not there.
  if (bucket === undefined || !mayKnowBucket(call.principal, bucket)) return
  if (shownOwner(bucket) !== expected) throw new S3Error('AccessDenied')
}
