import { HoldfastError, isHoldfastError } from '@holdfast/core/errors.ts'

/**
 * Tags, and writes of access lists, are refused to the marker that hides the object as if it had
 * been named by its id; for other operations there is no such object. As recorded of AWS.
 */
export function refuseHidden(error: unknown): never {
  const hidden = isHoldfastError(error) && error.code === 'ASSET_NOT_FOUND' ? error : undefined
  if (hidden?.details.delete_marker !== true) throw error
  throw new HoldfastError('VERSION_IS_MARKER', hidden.details)
}
