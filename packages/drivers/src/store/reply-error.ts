import {
  type ErrorCode,
  errorTable,
  HoldfastError,
  isHoldfastError,
} from '@holdfast/core/errors.ts'
import { FatalStoreError, fromDisk } from '../disk/disk-errors.ts'
import type { ReplyError } from './commit-request.ts'

export function toReplyError(thrown: unknown): ReplyError {
  const error = fromDisk(thrown)
  const stack = stackOf(error)
  if (isHoldfastError(error)) {
    return { code: error.code, message: error.message, details: error.details, stack, fatal: false }
  }
  const message = error instanceof Error ? error.message : String(error)
  const fatal = error instanceof FatalStoreError
  return { code: fatal ? 'OUTCOME_UNKNOWN' : null, message, details: {}, stack, fatal }
}

export function fromReplyError(reply: ReplyError): HoldfastError {
  const cause = new Error(reply.message)
  cause.stack = reply.stack
  const code = reply.code !== null && isErrorCode(reply.code) ? reply.code : 'INTERNAL'
  return new HoldfastError(code, reply.details, { cause })
}

function isErrorCode(code: string): code is ErrorCode {
  return Object.hasOwn(errorTable, code)
}

function stackOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error)
  const cause = error.cause === undefined ? '' : `\ncaused by ${stackOf(error.cause)}`
  return `${error.stack ?? error.message}${cause}`
}
