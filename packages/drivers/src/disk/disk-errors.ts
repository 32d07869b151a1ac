import { HoldfastError, isHoldfastError } from '@holdfast/core/errors.ts'

/** Full in any of the ways a file system can be full. */
const FULL = new Set(['ENOSPC', 'EDQUOT', 'EFBIG'])

const SYSTEM_CODE = /^(E[A-Z0-9]+|SQLITE_[A-Z_]+)$/

/** The code of the system or of SQLite that an error carries. */
export function errnoOf(error: unknown): string | undefined {
  if (!(error instanceof Error) || isHoldfastError(error) || !('code' in error)) return undefined
  const { code } = error
  return typeof code === 'string' && SYSTEM_CODE.test(code) ? code : undefined
}

export function isFull(error: unknown): boolean {
  const code = errnoOf(error)
  return (code !== undefined && FULL.has(code)) || code === 'SQLITE_FULL'
}

/** The store's word for a failure of the disk; errors that already are ours pass through. */
export function fromDisk(error: unknown): unknown {
  if (isHoldfastError(error)) return error
  if (isFull(error)) return new HoldfastError('STORAGE_FULL', {}, { cause: error })
  if (errnoOf(error) !== undefined) {
    return new HoldfastError('STORAGE_UNAVAILABLE', {}, { cause: error })
  }
  return error
}

/**
 * A sync failed or the log is in doubt: what was promised to be durable may not be. Nothing more
 * may be acknowledged; the process must end and come back through recovery.
 */
export class FatalStoreError extends Error {
  override readonly name = 'FatalStoreError'
}
