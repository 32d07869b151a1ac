import type { Bucket, JsonObject } from '@holdfast/core/records.ts'
import type { Engine } from '@holdfast/engine/engine.ts'
import { S3Error } from '../errors.ts'
import { notImplemented } from '../requests/route.ts'
import { malformed } from '../xml/read.ts'
import { object } from './kept-objects.ts'

/** Keys of logs have one form (API_TargetObjectKeyFormat.html), and lists are not made for them. */
export function checkLogging({ LoggingEnabled: enabled }: JsonObject): void {
  const { TargetGrants: grants, TargetObjectKeyFormat: format } = object(enabled ?? {})
  // Kept, it would look as if others could read the logs.
  if (grants !== undefined) throw notImplemented('TargetGrants')
  if (format !== undefined && Object.keys(object(format)).length !== 1) throw malformed()
}

/**
 * Logs go to a bucket that is there and has the same owner
 * (https://docs.aws.amazon.com/AmazonS3/latest/userguide/enable-server-access-logging.html).
 */
export async function requireTarget(
  document: JsonObject,
  bucket: Bucket,
  engine: Engine,
): Promise<void> {
  const { TargetBucket: name } = object(document.LoggingEnabled)
  if (typeof name !== 'string') return
  const target = await engine.catalog.view.buckets.byName(name)
  if (target?.ownerId === bucket.ownerId) return
  const message =
    target === undefined
      ? 'The target bucket for logging does not exist'
      : 'The owner for the bucket to be logged and the target bucket must be the same.'
  throw new S3Error('InvalidTargetBucketForLogging', { message, TargetBucket: name.slice(0, 1024) })
}
