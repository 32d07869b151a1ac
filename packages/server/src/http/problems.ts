import type { Problem } from '@holdfast/contract/schemas/problem.ts'
import {
  type ErrorCode,
  errorTable,
  HoldfastError,
  isHoldfastError,
} from '@holdfast/core/errors.ts'

export type StatusOf = (code: ErrorCode) => number

/** Failures of Fastify and Node that callers cause, as codes of ours. */
const FOREIGN: Readonly<Record<string, ErrorCode>> = {
  FST_ERR_BAD_URL: 'MALFORMED_REQUEST',
  FST_ERR_ASYNC_CONSTRAINT: 'MALFORMED_REQUEST',
  FST_ERR_CTP_INVALID_MEDIA_TYPE: 'MALFORMED_REQUEST',
  FST_ERR_CTP_INVALID_CONTENT_LENGTH: 'LENGTH_MISMATCH',
  FST_ERR_CTP_BODY_TOO_LARGE: 'BODY_TOO_LARGE',
  ERR_INVALID_CHAR: 'INTERNAL',
}

/** Whatever was thrown, as an error of the table. The cause stays for the log. */
export function asTableError(
  error: unknown,
  { aborted, stopping }: { readonly aborted: boolean; readonly stopping: boolean },
): HoldfastError {
  if (isHoldfastError(error)) return error
  const code = codeOf(error)
  const known = code === undefined || !Object.hasOwn(FOREIGN, code) ? undefined : FOREIGN[code]
  if (known !== undefined) return new HoldfastError(known, {}, { cause: error })
  if (aborted && stopping) return new HoldfastError('SHUTTING_DOWN', {}, { cause: error })
  if (aborted) return new HoldfastError('BODY_INCOMPLETE', {}, { cause: error })
  return new HoldfastError('INTERNAL', {}, { cause: error })
}

function codeOf(error: unknown): string | undefined {
  if (typeof error !== 'object' || error === null || !('code' in error)) return undefined
  return typeof error.code === 'string' ? error.code : undefined
}

/** The sentence comes from the table, never from the error: no internal text leaves. */
export function problemOf(error: HoldfastError, requestId: string): Problem {
  const entry = errorTable[error.code]
  const quiet = entry.kind === 'internal' || entry.kind === 'unavailable'
  return {
    message: entry.message,
    code: error.code,
    details: quiet ? {} : { ...error.details },
    request_id: requestId,
  }
}

const OAUTH: Partial<Record<ErrorCode, string>> = {
  UNAUTHENTICATED: 'invalid_client',
  ACCOUNT_DISABLED: 'invalid_client',
  SECRET_EXPIRED: 'invalid_client',
  GRANT_TYPE_UNSUPPORTED: 'unsupported_grant_type',
  GRANT_INVALID: 'invalid_grant',
  SCOPE_INVALID: 'invalid_scope',
  BODY_TOO_LARGE: 'invalid_request',
}

/** What RFC 6749 §5.2 wants in a refusal of its token endpoint. */
export function oauthProblem({ code, kind }: HoldfastError): object {
  const isRequest = kind === 'invalid' || kind === 'unprocessable'
  const error = OAUTH[code] ?? (isRequest ? 'invalid_request' : 'temporarily_unavailable')
  return { error, error_description: errorTable[code].message }
}

/** Headers that belong to a refusal. */
export function problemHeaders(error: HoldfastError): Record<string, string> {
  switch (error.kind) {
    case 'unauthenticated':
      // RFC 7617 §2: browsers ask for it by themselves.
      if (error.code === 'SHARE_PASSWORD_NEEDED') {
        return { 'www-authenticate': 'Basic realm="share link", charset="UTF-8"' }
      }
      return { 'www-authenticate': 'Bearer realm="holdfast"' }
    case 'limited': {
      const { retry_after: seconds = 1 } = error.details
      return error.code === 'REQUEST_TIMEOUT' ? {} : { 'retry-after': String(seconds) }
    }
    case 'locked': {
      const { retry_after: seconds } = error.details
      return typeof seconds === 'number' ? { 'retry-after': String(seconds) } : {}
    }
    case 'unavailable':
      return { 'retry-after': '5' }
    case 'full':
      return { 'retry-after': '60' }
    case 'range': {
      const { size } = error.details
      return typeof size === 'number' ? { 'content-range': `bytes */${size}` } : {}
    }
    default: {
      const { allow } = error.details
      return typeof allow === 'string' ? { allow } : {}
    }
  }
}
