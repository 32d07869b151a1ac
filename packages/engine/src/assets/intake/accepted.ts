import type { Bucket } from '@holdfast/core/records.ts'
import { requireAllowedType } from './content-type.ts'
import { requireLength } from './upload.ts'

/** BODY_TOO_LARGE or CONTENT_TYPE_REFUSED unless the rules of the bucket take such content now. */
export function requireAccepted(
  bucket: Bucket,
  content: { readonly size: number; readonly contentType: string },
): void {
  requireLength(content.size, bucket.settings.assetBytesMax ?? Number.MAX_SAFE_INTEGER)
  requireAllowedType(bucket, content.contentType)
}
