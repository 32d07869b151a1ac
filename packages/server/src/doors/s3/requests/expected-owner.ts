import type { Verified } from '../auth/verify.ts'
import { S3Error } from '../errors.ts'
import { parseCopySource } from './address.ts'

/**
 * Whose buckets the caller believes to use
 * (https://docs.aws.amazon.com/AmazonS3/latest/userguide/bucket-owner-condition.html). Ids are those
 * that listings show as `Owner`.
 */
export async function requireExpectedOwners({ request }: Verified): Promise<void> {
  const { headers, address } = request
  const source = headers.get('x-amz-copy-source')
  await requireOwner(request.context, headers.get('x-amz-expected-bucket-owner'), address.bucket)
  const expected = headers.get('x-amz-source-expected-bucket-owner')
  if (expected === undefined || source === undefined) return
  await requireOwner(request.context, expected, parseCopySource(source).bucket)
}

async function requireOwner(
  { engine }: Verified['request']['context'],
  expected: string | undefined,
  name: string | undefined,
): Promise<void> {
  if (expected === undefined || name === undefined) return
  const bucket = await engine.catalog.view.buckets.byName(name)
  if (bucket !== undefined && bucket.createdBy !== expected) throw new S3Error('AccessDenied')
}
