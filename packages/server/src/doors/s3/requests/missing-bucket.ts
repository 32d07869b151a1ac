import type { Verified } from '../auth/verify.ts'
import { S3Error } from '../errors.ts'
import type { OperationName } from '../operations.ts'
import type { ReadRequest } from './request.ts'

/**
 * Who comes without a credential hears of a missing bucket what everybody hears, as at AWS: names
 * of buckets are no secret there, and what is closed is told apart from what is gone
 * (https://docs.aws.amazon.com/AmazonS3/latest/API/ErrorResponses.html#ErrorCodeList). Others are
 * answered by the operation, which knows what they may know.
 */
export async function requireBucketForAnyone(
  { request, call }: Verified,
  name: OperationName,
): Promise<void> {
  if (call.principal.kind === 'anonymous' && name !== 'CreateBucket') await requireBucket(request)
}

/** NoSuchBucket where the bucket that is named is not there. */
export async function requireBucket({ address, context }: ReadRequest): Promise<void> {
  const { bucket } = address
  if (bucket === undefined) return
  const found = await context.engine.catalog.view.buckets.byName(bucket)
  if (found === undefined) throw new S3Error('NoSuchBucket', { BucketName: bucket })
}
