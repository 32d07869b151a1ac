import { HoldfastError, isHoldfastError } from '@holdfast/core/errors.ts'

/** For results that hold an error instead of throwing it; the cause stays for the log. */
export function asHoldfastError(error: unknown): HoldfastError {
  return isHoldfastError(error) ? error : new HoldfastError('INTERNAL', {}, { cause: error })
}
