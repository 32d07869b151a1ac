import type { Verified } from '../auth/verify.ts'
import { S3Error } from '../errors.ts'
import type { OperationName } from '../operations.ts'

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
  const { bucket } = request.address
  if (call.principal.kind !== 'anonymous' || bucket === undefined || name === 'CreateBucket') return
  const found = await request.context.engine.catalog.view.buckets.byName(bucket)
  if (found === undefined) throw new S3Error('NoSuchBucket', { BucketName: bucket })
}
