import type { ErrorCode, HoldfastError } from '@holdfast/core/errors.ts'
import { BAD_MD5, type S3Code, S3Error } from './errors.ts'
import { httpDate } from './wire/header-text.ts'

/** Every code of the store in S3's words. A new code does not compile until it has some here. */
const codes: Record<ErrorCode, S3Code> = {
  MALFORMED_REQUEST: 'InvalidRequest',
  INVALID_JSON: 'InvalidRequest',
  INVALID_NAME: 'InvalidBucketName',
  VALIDATION_ERROR: 'InvalidArgument',
  INVALID_CURSOR: 'InvalidArgument',
  INVALID_SEARCH: 'InvalidArgument',
  BODY_INCOMPLETE: 'IncompleteBody',
  LENGTH_MISMATCH: 'IncompleteBody',
  DIGEST_MISMATCH: 'BadDigest',
  DIGEST_UNSUPPORTED: 'InvalidDigest',
  CONTENT_TYPE_REFUSED: 'InvalidRequest',
  CONTENT_TYPE_MISMATCH: 'InvalidRequest',
  UNAUTHENTICATED: 'AccessDenied',
  CREDENTIAL_EXPIRED: 'ExpiredToken',
  ACCOUNT_DISABLED: 'AccessDenied',
  ACCOUNT_LOCKED: 'AccessDenied',
  PASSWORD_CHANGE_REQUIRED: 'AccessDenied',
  SECOND_FACTOR_REQUIRED: 'AccessDenied',
  SECOND_FACTOR_ENROLMENT_REQUIRED: 'AccessDenied',
  CONFIRMATION_REQUIRED: 'AccessDenied',
  RESET_INVALID: 'AccessDenied',
  RESET_UNAVAILABLE: 'ServiceUnavailable',
  SECOND_FACTOR_EXISTS: 'InvalidRequest',
  SECOND_FACTOR_MISSING: 'InvalidRequest',
  FORBIDDEN: 'AccessDenied',
  LINK_INVALID: 'AccessDenied',
  SHARE_PASSWORD_NEEDED: 'AccessDenied',
  SHARE_LOCKED: 'AccessDenied',
  SECRET_EXPIRED: 'AccessDenied',
  GRANT_TYPE_UNSUPPORTED: 'InvalidRequest',
  GRANT_INVALID: 'InvalidRequest',
  SCOPE_INVALID: 'InvalidRequest',
  BUCKET_NOT_FOUND: 'NoSuchBucket',
  ASSET_NOT_FOUND: 'NoSuchKey',
  VERSION_NOT_FOUND: 'NoSuchVersion',
  LINK_NOT_FOUND: 'NoSuchKey',
  QUOTA_NOT_FOUND: 'NoSuchConfiguration',
  UPLOAD_NOT_FOUND: 'NoSuchUpload',
  DOCUMENT_NOT_FOUND: 'NoSuchConfiguration',
  VERSION_IS_MARKER: 'MethodNotAllowed',
  VERSION_LOCKED: 'AccessDenied',
  VERSIONING_LOCKED: 'InvalidBucketState',
  PART_INVALID: 'InvalidPart',
  PART_ORDER_INVALID: 'InvalidPartOrder',
  PART_TOO_SMALL: 'EntityTooSmall',
  POLICY_UNSUPPORTED: 'MalformedPolicy',
  PUBLIC_ACCESS_BLOCKED: 'AccessDenied',
  ACL_NOT_SUPPORTED: 'AccessControlListNotSupported',
  KEY_NOT_FOUND: 'InvalidAccessKeyId',
  USER_NOT_FOUND: 'InvalidRequest',
  SESSION_NOT_FOUND: 'InvalidRequest',
  SHARE_NOT_FOUND: 'InvalidRequest',
  ACCOUNT_NOT_FOUND: 'InvalidRequest',
  SECRET_NOT_FOUND: 'InvalidRequest',
  GROUP_NOT_FOUND: 'InvalidRequest',
  GRANT_NOT_FOUND: 'InvalidRequest',
  PRINCIPAL_NOT_FOUND: 'InvalidRequest',
  USER_EXISTS: 'InvalidRequest',
  USER_PROTECTED: 'InvalidRequest',
  ACCOUNT_PROTECTED: 'InvalidRequest',
  USER_OUTSIDE: 'InvalidRequest',
  GROUP_EXISTS: 'InvalidRequest',
  ACCOUNT_EXISTS: 'InvalidRequest',
  ROUTE_NOT_FOUND: 'NoSuchKey',
  METHOD_NOT_ALLOWED: 'MethodNotAllowed',
  ASSET_EXISTS: 'PreconditionFailed',
  ASSET_DELETED: 'NoSuchKey',
  ASSET_NOT_DELETED: 'InvalidRequest',
  BUCKET_EXISTS: 'BucketAlreadyOwnedByYou',
  TOO_MANY_BUCKETS: 'TooManyBuckets',
  BUCKET_NOT_EMPTY: 'BucketNotEmpty',
  LINK_EXISTS: 'InvalidRequest',
  VERSION_CURRENT: 'InvalidRequest',
  VERSION_TAG_EXISTS: 'InvalidRequest',
  CHANGED_MEANWHILE: 'ConditionalRequestConflict',
  PRECONDITION_FAILED: 'PreconditionFailed',
  QUOTA_EXCEEDED: 'QuotaExceeded',
  BODY_TOO_LARGE: 'EntityTooLarge',
  TOO_MANY_ITEMS: 'InvalidRequest',
  RANGE_NOT_SATISFIABLE: 'InvalidRange',
  TOO_MANY_REQUESTS: 'SlowDown',
  RATE_LIMITED: 'SlowDown',
  REQUEST_TIMEOUT: 'RequestTimeout',
  EXPECTATION_FAILED: 'InvalidRequest',
  STORAGE_FULL: 'InsufficientStorage',
  STORAGE_UNAVAILABLE: 'ServiceUnavailable',
  IDENTITY_UNAVAILABLE: 'ServiceUnavailable',
  LIMITS_UNAVAILABLE: 'ServiceUnavailable',
  SHUTTING_DOWN: 'ServiceUnavailable',
  OUTCOME_UNKNOWN: 'ServiceUnavailable',
  BLOB_DAMAGED: 'InternalError',
  BLOB_MISSING: 'InternalError',
  STORE_LOCKED: 'ServiceUnavailable',
  STORE_FOREIGN: 'ServiceUnavailable',
  STORE_DAMAGED: 'ServiceUnavailable',
  SETTINGS_INVALID: 'InternalError',
  INTERNAL: 'InternalError',
}

/** The refusal that the client sees; nothing internal is told. */
export function asS3Error(error: HoldfastError, options: { hashed?: boolean } = {}): S3Error {
  const code = codeOf(error, options.hashed ?? false)
  const message = messageOf(error, code)
  return new S3Error(code, message === undefined ? {} : { message }, {
    cause: error,
    headers: headersOf(error),
  })
}

/** `hashed`: the signature covers a SHA-256 of the body. */
function codeOf(error: HoldfastError, hashed: boolean): S3Code {
  if (hashed && error.code === 'DIGEST_MISMATCH' && error.details.algorithm === 'sha256') {
    return 'XAmzContentSHA256Mismatch'
  }
  if (error.code === 'VALIDATION_ERROR' && problemsOf(error).some(({ path }) => path === 'key')) {
    return problemsOf(error).some(({ problem }) => problem.includes('at most'))
      ? 'KeyTooLongError'
      : 'InvalidURI'
  }
  const paths = problemsOf(error).map(({ path }) => path)
  if (error.code === 'VALIDATION_ERROR' && paths.includes('name')) return 'InvalidBucketName'
  if (error.code === 'VALIDATION_ERROR' && paths.some(isLock)) return 'InvalidRequest'
  if (error.code === 'VALIDATION_ERROR' && paths.includes('checksum_algorithm')) {
    return 'InvalidRequest'
  }
  if (error.code === 'PRECONDITION_FAILED' && error.details.disturbed === true) {
    return 'ConditionalRequestConflict'
  }
  if (error.code === 'PRECONDITION_FAILED' && error.details.missing === true) return 'NoSuchKey'
  if (error.code === 'BUCKET_EXISTS' && error.details.owned === false) return 'BucketAlreadyExists'
  return codes[error.code]
}

function messageOf(error: HoldfastError, code: S3Code): string | undefined {
  const [first] = problemsOf(error)
  if (first?.path === 'versionId') return INVALID_VERSION_ID
  if (first?.path === 'upload_id_marker') return 'Invalid uploadId marker'
  // S3's own sentence: suites of tests compare it.
  if (code === 'InvalidBucketName' || code === 'KeyTooLongError') return undefined
  if (code === 'BadDigest') return digestSentence(error)
  // AWS says it of what comes in one way, of what is there in another.
  if (first?.path === 'object_lock') return 'Bucket is missing Object Lock Configuration'
  if (first?.path === 'retention') return 'Bucket is missing ObjectLockConfiguration'
  if (first?.path === 'retention.until') return 'The retain until date must be in the future!'
  if (first?.path === 'checksum_algorithm') return mismatchSentence(error)
  if (first !== undefined) return `${first.path} ${first.problem}`
  if (error.code === 'VERSION_LOCKED') {
    return 'Access Denied because object protected by object lock.'
  }
  const reason = error.details.sentence ?? error.details.reason
  const loud = error.kind === 'internal' || error.kind === 'unavailable'
  const told = error.code === 'QUOTA_EXCEEDED' || error.code === 'CONTENT_TYPE_REFUSED'
  if (told) return error.message
  const others: readonly ErrorCode[] = ['VERSIONING_LOCKED', 'TOO_MANY_ITEMS']
  const isTold = error.kind === 'invalid' || others.includes(error.code)
  return !loud && isTold && typeof reason === 'string' ? reason : undefined
}

function digestSentence({ details: { algorithm } }: HoldfastError): string | undefined {
  if (typeof algorithm !== 'string') return undefined
  return algorithm === 'md5'
    ? BAD_MD5
    : `The ${algorithm.toUpperCase()} you specified did not match the calculated checksum.`
}

/** Of a part whose checksum is of another algorithm than its upload. */
function mismatchSentence({ details: { expected, actual } }: HoldfastError): string {
  const [wanted, given] = [expected, actual].map(name => String(name).toLowerCase())
  return (
    `Checksum Type mismatch occurred, expected checksum Type: ${wanted}, ` +
    `actual checksum Type: ${given}`
  )
}

export const INVALID_VERSION_ID = 'Invalid version id specified'

/** Said of a lock in a bucket that has none. */
function isLock(path: string): boolean {
  return path === 'object_lock' || path === 'retention'
}

export function problemsOf(error: HoldfastError): { path: string; problem: string }[] {
  const { errors } = error.details
  if (!Array.isArray(errors)) return []
  return errors.map(({ path, problem }) => ({ path: String(path), problem: String(problem) }))
}

function headersOf(error: HoldfastError): Record<string, string> {
  return { ...markerHeaders(error), ...waitHeaders(error) }
}

/** What hides an object is told, so that it can be removed. */
function markerHeaders({ code, details }: HoldfastError): Record<string, string> {
  if (code !== 'VERSION_IS_MARKER' && details.delete_marker !== true) return {}
  const { version_id: id, modified_at: at } = details
  return {
    'x-amz-delete-marker': 'true',
    ...(typeof id === 'string' ? { 'x-amz-version-id': id } : {}),
    ...(typeof at === 'string' ? { 'last-modified': httpDate(at) } : {}),
    ...(code === 'VERSION_IS_MARKER' ? { allow: 'DELETE' } : {}),
  }
}

function waitOf({ details }: HoldfastError): string {
  return String(details.retry_after ?? 1)
}

function waitHeaders(error: HoldfastError): Record<string, string> {
  switch (error.kind) {
    case 'limited':
      return error.code === 'REQUEST_TIMEOUT' ? {} : { 'retry-after': waitOf(error) }
    case 'unavailable':
      return { 'retry-after': '5' }
    case 'full':
      return { 'retry-after': '60' }
    default:
      return {}
  }
}
