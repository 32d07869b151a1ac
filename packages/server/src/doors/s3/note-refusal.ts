import { isHoldfastError } from '@holdfast/core/errors.ts'
import { asTableError } from '../../http/problems.ts'
import { asS3Error } from './error-codes.ts'
import { S3Error } from './errors.ts'
import type { S3Request } from './requests/request.ts'

/** Whatever was thrown, in S3's words; log and metrics are told what callers are not. */
export function noteRefusal(request: S3Request, thrown: unknown): S3Error {
  const { context, told, patience, raw } = request
  // A request is destroyed when it was read to its end, too.
  const gone = patience.over || (raw.destroyed && !raw.complete)
  const hashed = /^[\da-f]{64}$/i.test(request.headers.get('x-amz-content-sha256') ?? '')
  const { stopping } = context.load
  const error =
    thrown instanceof S3Error
      ? thrown
      : asS3Error(asTableError(thrown, { aborted: gone, stopping }), { hashed })
  told.code = error.code
  context.metrics.errors.inc({ code: `s3.${error.code}` })
  const cause = error.cause ?? thrown
  if (error.status >= 500 && error.status !== 501 && !gone && !isQuiet(cause)) {
    const { requestId, trace } = request
    const ids = { request_id: requestId, trace_id: trace.traceId, span_id: trace.spanId }
    context.log.error({ ...ids, code: error.code, error: cause }, 'request failed')
  }
  return error
}

function isQuiet(cause: unknown): boolean {
  return isHoldfastError(cause) && (cause.kind === 'limited' || cause.code === 'SHUTTING_DOWN')
}
