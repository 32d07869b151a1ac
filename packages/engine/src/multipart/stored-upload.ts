import { HoldfastError } from '@holdfast/core/errors.ts'
import type { MultipartUpload } from '@holdfast/core/objects.ts'
import type { CatalogView } from '@holdfast/core/ports/catalog.ts'

/** The upload inside a transaction. */
export async function storedUpload(view: CatalogView, id: string): Promise<MultipartUpload> {
  const upload = await view.uploads.byId(id)
  if (upload === undefined) throw missingUpload(id)
  return upload
}

export function missingUpload(uploadId: string, why: ErrorOptions = {}): HoldfastError {
  return new HoldfastError('UPLOAD_NOT_FOUND', { upload_id: uploadId }, why)
}
