/**
 * The one table of error codes. A code is a promise to callers: it never changes its meaning, and
 * every door maps every code (exhaustively, by type) to its own wire form.
 */

/** How a caller should treat a failure: what kind of thing went wrong. */
export type ErrorKind =
  | 'invalid'
  | 'unauthenticated'
  | 'forbidden'
  | 'missing'
  | 'conflict'
  | 'precondition'
  | 'too-large'
  | 'range'
  | 'unprocessable'
  | 'limited'
  | 'locked'
  | 'full'
  | 'unavailable'
  | 'internal'

export interface ErrorEntry {
  readonly kind: ErrorKind
  /** Safe for any caller: no internals, no paths, no foreign names. */
  readonly message: string
  /** `now`: the same request may be repeated at once; `later`: after a wait; `never`: change it. */
  readonly retry: 'never' | 'now' | 'later'
  /** What an operator should look at, for the generated reference page. */
  readonly hint: string
}

function entry(
  kind: ErrorKind,
  message: string,
  hint: string,
  retry: ErrorEntry['retry'] = 'never',
): ErrorEntry {
  return { kind, message, hint, retry }
}

export const errorTable = {
  MALFORMED_REQUEST: entry(
    'invalid',
    'The request cannot be read.',
    'The client sends bad syntax.',
  ),
  INVALID_JSON: entry('invalid', 'The body is not valid JSON.', 'The client sends bad JSON.'),
  INVALID_NAME: entry('unprocessable', 'A name breaks the naming rules.', 'See details.errors.'),
  VALIDATION_ERROR: entry(
    'unprocessable',
    'Some fields are missing or wrong.',
    'See details.errors for each field.',
  ),
  INVALID_CURSOR: entry('invalid', 'The cursor is not one this server gave out.', 'Start anew.'),
  INVALID_SEARCH: entry('invalid', 'The search text cannot be used.', 'Shorten or simplify it.'),
  BODY_INCOMPLETE: entry(
    'invalid',
    'The body ended before its announced length.',
    'The connection broke or Content-Length lies.',
    'now',
  ),
  LENGTH_MISMATCH: entry(
    'invalid',
    'The body is longer or shorter than announced.',
    'Content-Length lies.',
  ),
  DIGEST_MISMATCH: entry(
    'invalid',
    'The bytes received do not match the checksum sent with them.',
    'Damage on the way, or the client computes it wrongly. Nothing was stored.',
    'now',
  ),
  DIGEST_UNSUPPORTED: entry(
    'invalid',
    'The checksum header is malformed or names an unknown algorithm.',
    'Use one of the documented algorithms.',
  ),
  CONTENT_TYPE_REFUSED: entry(
    'unprocessable',
    'The content type is not allowed in this bucket.',
    'Bucket setting content_types.',
  ),
  CONTENT_TYPE_MISMATCH: entry(
    'unprocessable',
    'The content is not what its declared type says.',
    'The bytes were recognised as another type.',
  ),
  UNAUTHENTICATED: entry('unauthenticated', 'A valid credential is needed.', 'Send X-API-Key.'),
  CREDENTIAL_EXPIRED: entry('unauthenticated', 'The credential has expired.', 'Issue a new one.'),
  ACCOUNT_DISABLED: entry(
    'forbidden',
    'The account is not active.',
    'An administrator can activate it.',
  ),
  ACCOUNT_LOCKED: entry(
    'locked',
    'Too many failed logins; the account is locked for a while.',
    'The lock ends by itself; an administrator can end it earlier.',
    'later',
  ),
  IDENTITY_UNAVAILABLE: entry(
    'unavailable',
    'The place that knows this identity cannot be asked right now.',
    'The directory or the key set of an issuer does not answer. See the log.',
    'later',
  ),
  LIMITS_UNAVAILABLE: entry(
    'unavailable',
    'Limits on callers cannot be counted right now.',
    'Redis does not answer, and STORAGE_LIMITS_WITHOUT_REDIS is refuse. See the log.',
    'later',
  ),
  PASSWORD_CHANGE_REQUIRED: entry(
    'forbidden',
    'The password must be changed first.',
    'Set by an administrator, or too old. POST /api/v2/auth/password.',
  ),
  SECOND_FACTOR_REQUIRED: entry(
    'unauthenticated',
    'The password is right; a code of the second factor is needed, too.',
    'POST /api/v2/auth/login/code with the challenge in details; elsewhere send `code`.',
  ),
  SECOND_FACTOR_ENROLMENT_REQUIRED: entry(
    'forbidden',
    'The account must have a second factor first.',
    'STORAGE_SECOND_FACTOR_REQUIRED. POST /api/v2/auth/second-factor.',
  ),
  SECOND_FACTOR_EXISTS: entry(
    'conflict',
    'The account has a second factor already, or none that waits for its first code.',
    'Disable the present one, or begin anew.',
  ),
  SECOND_FACTOR_MISSING: entry('conflict', 'The account has no second factor.', ''),
  CONFIRMATION_REQUIRED: entry(
    'forbidden',
    'This takes a fresh proof of who you are: a session alone is not enough.',
    'POST /api/v2/auth/confirm with the password, or log in anew, and ask again.',
  ),
  RESET_INVALID: entry(
    'forbidden',
    'The reset of the password is not good: used, too old, or replaced by a newer one.',
    'Ask for another mail: POST /api/v2/auth/password/forgot.',
  ),
  RESET_UNAVAILABLE: entry(
    'unavailable',
    'This server sends no mail.',
    'Set STORAGE_SMTP_HOST and STORAGE_MAIL_FROM; an administrator can set passwords, too.',
  ),
  FORBIDDEN: entry(
    'forbidden',
    'The credential does not permit this.',
    'Grant what details.permission names.',
  ),
  LINK_INVALID: entry(
    'forbidden',
    'The presigned link is not valid for this request.',
    'Expired, altered, revoked, or used for another method, size or type.',
  ),
  SHARE_PASSWORD_NEEDED: entry(
    'unauthenticated',
    'The share link needs its password.',
    'Sent as the password of HTTP Basic authentication; the user name does not matter.',
  ),
  SHARE_LOCKED: entry(
    'locked',
    'Too many wrong passwords; the share link is locked for a while.',
    'The lock ends by itself.',
    'later',
  ),
  SECRET_EXPIRED: entry('forbidden', 'The client secret has expired.', 'Make the next secret.'),
  GRANT_TYPE_UNSUPPORTED: entry(
    'invalid',
    'The grant type is not supported.',
    'client_credentials is, and refresh_token where the settings have it (RFC 6749 §4.4, §6).',
  ),
  GRANT_INVALID: entry(
    'invalid',
    'The refresh token is not good.',
    'It was used, has ended with its secret, or is of another client. Use the secret.',
  ),
  SCOPE_INVALID: entry(
    'invalid',
    'The scope is unknown or more than the account holds.',
    'Scopes are permissions such as assets:read, separated by spaces.',
  ),
  BUCKET_NOT_FOUND: entry('missing', 'There is no such bucket.', ''),
  ASSET_NOT_FOUND: entry('missing', 'There is no such asset.', ''),
  VERSION_NOT_FOUND: entry('missing', 'There is no such version.', ''),
  LINK_NOT_FOUND: entry('missing', 'There is no such link.', ''),
  QUOTA_NOT_FOUND: entry('missing', 'There is no such quota.', ''),
  UPLOAD_NOT_FOUND: entry('missing', 'There is no such multipart upload.', ''),
  DOCUMENT_NOT_FOUND: entry('missing', 'The bucket has no such configuration.', ''),
  KEY_NOT_FOUND: entry('missing', 'There is no such API key.', ''),
  GROUP_NOT_FOUND: entry('missing', 'There is no such group.', ''),
  GRANT_NOT_FOUND: entry('missing', 'There is no such grant.', ''),
  PRINCIPAL_NOT_FOUND: entry('missing', 'There is no such principal, or it cannot act.', ''),
  USER_NOT_FOUND: entry('missing', 'There is no such user.', ''),
  SESSION_NOT_FOUND: entry('missing', 'There is no such session.', ''),
  SHARE_NOT_FOUND: entry(
    'missing',
    'There is no such share link, or it has ended.',
    'Expired, used up, revoked, or its maker may no longer read what it opens.',
  ),
  ACCOUNT_NOT_FOUND: entry('missing', 'There is no such service account.', ''),
  SECRET_NOT_FOUND: entry('missing', 'The service account has no such secret.', ''),
  ROUTE_NOT_FOUND: entry('missing', 'There is no such path.', 'See /api/v2/openapi.json.'),
  EXPECTATION_FAILED: entry('invalid', 'The expectation cannot be met.', 'Only 100-continue can.'),
  METHOD_NOT_ALLOWED: entry('invalid', 'The path does not take this method.', 'See Allow.'),
  ASSET_EXISTS: entry('conflict', 'An asset with this key already exists.', ''),
  ASSET_DELETED: entry('conflict', 'The asset is deleted; restore it first.', ''),
  ASSET_NOT_DELETED: entry('conflict', 'The asset is not deleted.', ''),
  BUCKET_EXISTS: entry('conflict', 'A bucket with this name already exists.', ''),
  TOO_MANY_BUCKETS: entry(
    'conflict',
    'The caller owns as many buckets as are allowed.',
    'Remove one, or ask an administrator.',
  ),
  BUCKET_NOT_EMPTY: entry('conflict', 'The bucket is not empty.', 'Remove its assets first.'),
  USER_EXISTS: entry('conflict', 'The user name or e-mail address is taken.', ''),
  ACCOUNT_EXISTS: entry('conflict', 'A service account with this name already exists.', ''),
  GROUP_EXISTS: entry('conflict', 'A group with this name already exists.', ''),
  USER_OUTSIDE: entry(
    'conflict',
    'This is kept where the user comes from, not here.',
    'Names, roles and passwords of users of a directory or an issuer are changed there.',
  ),
  USER_PROTECTED: entry(
    'conflict',
    'The administrator of the settings cannot be removed, demoted, confined or deactivated.',
    'STORAGE_INITIAL_ADMIN_USERNAME names it.',
  ),
  ACCOUNT_PROTECTED: entry(
    'conflict',
    'The service account of the settings cannot be removed or suspended, and has no end.',
    'STORAGE_INITIAL_ACCOUNT_NAME names it. Rotate its secret, or take its rights.',
  ),
  LINK_EXISTS: entry('conflict', 'This link already exists.', ''),
  VERSION_CURRENT: entry('conflict', 'The current version cannot be deleted.', ''),
  VERSION_TAG_EXISTS: entry('conflict', 'The asset already has a version with this tag.', ''),
  CHANGED_MEANWHILE: entry(
    'conflict',
    'The asset or its bucket changed while the request was running.',
    'Another writer was faster.',
    'now',
  ),
  VERSION_IS_MARKER: entry('invalid', 'The version is a delete marker and has no content.', ''),
  VERSION_LOCKED: entry(
    'conflict',
    'The version is under retention or legal hold.',
    'Object lock of the bucket; it ends at the time in details.',
  ),
  VERSIONING_LOCKED: entry(
    'conflict',
    'The versioning of a bucket with object lock cannot be changed.',
    '',
  ),
  PART_INVALID: entry('invalid', 'A part is missing or is not the one named.', 'See details.'),
  PART_ORDER_INVALID: entry('invalid', 'The parts are not in ascending order.', ''),
  PART_TOO_SMALL: entry('invalid', 'A part other than the last is smaller than 5 MiB.', ''),
  POLICY_UNSUPPORTED: entry(
    'invalid',
    'The policy is malformed or uses what is not supported.',
    'See details.reason and the S3 page.',
  ),
  PUBLIC_ACCESS_BLOCKED: entry(
    'forbidden',
    'The public access block of the bucket refuses this.',
    '',
  ),
  ACL_NOT_SUPPORTED: entry('invalid', 'Access lists are switched off in this bucket.', ''),
  PRECONDITION_FAILED: entry('precondition', 'A precondition of the request does not hold.', ''),
  QUOTA_EXCEEDED: entry('too-large', 'A quota would be exceeded.', 'Raise the quota or clean up.'),
  BODY_TOO_LARGE: entry('too-large', 'The body is larger than allowed.', 'See the limits page.'),
  TOO_MANY_ITEMS: entry('too-large', 'The request names more items than allowed.', 'Split it.'),
  RANGE_NOT_SATISFIABLE: entry('range', 'The range lies outside the content.', ''),
  TOO_MANY_REQUESTS: entry('limited', 'Too many requests at once.', 'Wait and repeat.', 'later'),
  RATE_LIMITED: entry(
    'limited',
    'Too many requests in too short a time.',
    'Wait as Retry-After says; details.policies name the limits (STORAGE_RATE_LIMIT_*).',
    'later',
  ),
  REQUEST_TIMEOUT: entry('limited', 'The request took too long to arrive.', '', 'now'),
  STORAGE_FULL: entry(
    'full',
    'The store has no room for this.',
    'Free space on the element; deletes still work.',
    'later',
  ),
  STORAGE_UNAVAILABLE: entry(
    'unavailable',
    'The store cannot do this right now.',
    'See /health/ready and the log.',
    'later',
  ),
  SHUTTING_DOWN: entry('unavailable', 'The server is stopping.', 'Restart in progress.', 'later'),
  OUTCOME_UNKNOWN: entry(
    'unavailable',
    'The store failed while committing; the change may or may not have happened.',
    'The server restarts through recovery. Read before you repeat.',
    'later',
  ),
  BLOB_DAMAGED: entry(
    'internal',
    'The stored bytes are damaged and are not served.',
    'Run holdfast verify; restore the blob from a copy.',
  ),
  BLOB_MISSING: entry(
    'internal',
    'The stored bytes are missing.',
    'Run holdfast verify; restore the blob from a copy.',
  ),
  STORE_LOCKED: entry(
    'unavailable',
    'Another process uses this data directory.',
    'Stop it, or choose another STORAGE_DATA_DIR.',
  ),
  STORE_FOREIGN: entry(
    'unavailable',
    'The data directory is not one this server can open.',
    'Marker missing, of another element, or of a newer format.',
  ),
  STORE_DAMAGED: entry(
    'unavailable',
    'The data directory is damaged and was not opened.',
    'Nothing was changed. See the log for the place, restore it or run holdfast rebuild.',
  ),
  SETTINGS_INVALID: entry('invalid', 'The settings are not valid.', 'See details.errors.'),
  INTERNAL: entry('internal', 'Something went wrong inside the server.', 'See the log.'),
} as const satisfies Record<string, ErrorEntry>

export type ErrorCode = keyof typeof errorTable

/** JSON-safe facts for the caller; never internals. */
export type ErrorDetails = Record<string, unknown>

const brand = Symbol.for('holdfast.error')

/** The one error class. Callers see the table's sentence and `details`, the log the cause too. */
export class HoldfastError extends Error {
  override readonly name = 'HoldfastError'
  readonly code: ErrorCode
  readonly details: ErrorDetails
  readonly [brand] = true
  readonly #holder: RefusedHolder | undefined

  constructor(code: ErrorCode, details: ErrorDetails = {}, options?: HoldfastErrorOptions) {
    super(errorTable[code].message, options)
    this.code = code
    this.details = details
    this.#holder = options?.holder
  }

  /**
   * Whose good credential was refused. For the audit log alone: callers are never told, and lines
   * of a log write out whatever an error lists as its own.
   */
  get holder(): RefusedHolder | undefined {
    return this.#holder
  }

  get kind(): ErrorKind {
    return errorTable[this.code].kind
  }
}

interface HoldfastErrorOptions extends ErrorOptions {
  readonly holder?: RefusedHolder
}

export interface RefusedHolder {
  /** Ids and name. */
  readonly who: Readonly<Record<string, string | null>>
  /** Of the login that the credential belongs to, also where it has ended. */
  readonly sessionId: string | undefined
}

/**
 * Cause of an error that says of something that is there that it is not, since the caller may not
 * know of it. Callers are never told causes; the audit log is, for this was a refusal.
 */
export const HIDDEN = 'hidden from the caller'

/** True for errors of any copy of this module (worker threads, bundled clients). */
export function isHoldfastError(error: unknown): error is HoldfastError {
  return typeof error === 'object' && error !== null && brand in error
}

/** One wrong field. `path` is a JSON path such as `metadata.a.b`. */
export interface FieldProblem {
  readonly path: string
  readonly problem: string
}

export function invalidFields(...errors: readonly FieldProblem[]): HoldfastError {
  return new HoldfastError('VALIDATION_ERROR', { errors })
}
