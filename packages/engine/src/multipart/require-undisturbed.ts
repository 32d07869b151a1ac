import { HoldfastError } from '@holdfast/core/errors.ts'
import type { MultipartUpload } from '@holdfast/core/objects.ts'
import type { CatalogView } from '@holdfast/core/ports/catalog.ts'
import { type ETagConditions, etagOf, matches } from '../objects/etag.ts'

/**
 * A condition says what was there when the upload began: PRECONDITION_FAILED (`disturbed`) where it
 * holds, but of an object that was put, or of none since one was deleted, in the meantime
 * (https://docs.aws.amazon.com/AmazonS3/latest/userguide/conditional-writes.html).
 * Exact only inside a transaction.
 */
export async function requireUndisturbed(
  view: CatalogView,
  upload: MultipartUpload,
  { ifMatch, ifNoneMatch }: ETagConditions,
): Promise<void> {
  if (ifMatch === undefined && ifNoneMatch === undefined) return
  const asset = await view.assets.byKey(upload.bucketId, upload.key)
  if (asset === undefined) return
  if (asset.deletedAt !== null) {
    const since = asset.seq > upload.createdSeq && asset.deletedAt >= upload.createdAt
    if (since && ifMatch === undefined) refuse('If-None-Match', upload)
    return
  }
  const version = await view.versions.byId(asset.versionId)
  if (version === undefined || version.createdSeq <= upload.createdSeq) return
  if (ifMatch !== undefined && matches(etagOf(version), ifMatch)) refuse('If-Match', upload)
}

function refuse(precondition: string, { key }: MultipartUpload): never {
  throw new HoldfastError('PRECONDITION_FAILED', { precondition, key, disturbed: true })
}
