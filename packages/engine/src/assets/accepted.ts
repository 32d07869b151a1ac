import { HoldfastError } from '@holdfast/core/errors.ts'
import { contentTypeAllowed } from '@holdfast/core/names.ts'
import type { Bucket } from '@holdfast/core/records.ts'

/** BODY_TOO_LARGE or CONTENT_TYPE_REFUSED unless the rules of the bucket take such content now. */
export function requireAccepted(
  bucket: Bucket,
  content: { readonly size: number; readonly contentType: string },
): void {
  requireLength(content.size, bucket.settings.assetBytesMax ?? Number.MAX_SAFE_INTEGER)
  requireAllowedType(bucket, content.contentType)
}

/** BODY_TOO_LARGE before the first byte when the announced length says so. */
export function requireLength(length: number | undefined, sizeMax: number): void {
  if (length !== undefined && length > sizeMax) {
    throw new HoldfastError('BODY_TOO_LARGE', { limit: sizeMax, size: length })
  }
}

/** CONTENT_TYPE_REFUSED unless the bucket takes the type. */
export function requireAllowedType(bucket: Bucket, contentType: string): void {
  const { contentTypes } = bucket.settings
  if (contentTypeAllowed(contentType, contentTypes)) return
  throw new HoldfastError('CONTENT_TYPE_REFUSED', {
    content_type: contentType,
    allowed: contentTypes,
  })
}
