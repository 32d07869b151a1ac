import { BoundedCache } from '@holdfast/core/bounded-cache.ts'
import { isHex } from '@holdfast/core/ids.ts'
import type { Besides } from '../../../http/direct/quick/quick-fields.ts'
import { invalidArgument, S3Error } from '../errors.ts'
import type { ReadRequest } from '../requests/request.ts'
import type { RequestHeaders } from '../wire/headers.ts'
import { NO_QUERY, type Query } from '../wire/query.ts'
import { ALGORITHM, type Scope, scopeText } from './signing.ts'
import { amzDate, parseAmzDate } from './times.ts'

/** What a request says about who signed it. Nothing of it is proven yet, nor is a signature one. */
export interface Claim {
  readonly kind: 'header' | 'query'
  readonly accessKeyId: string
  readonly scope: Scope
  readonly signedHeaders: readonly string[]
  readonly signature: string
  /** As signed: `20261127T120000Z`. */
  readonly time: string
  readonly timeMs: number
  /** Lifetime of a presigned request. */
  readonly expiresSeconds?: number
}

const EXPIRES_MAX = 604_800
const QUERY_NAMES = [
  'X-Amz-Algorithm',
  'X-Amz-Credential',
  'X-Amz-Date',
  'X-Amz-Expires',
  'X-Amz-SignedHeaders',
  'X-Amz-Signature',
] as const

/** The claim of header or query; undefined for a request without any: it is anonymous. */
export function claimOf(headers: RequestHeaders, query: Query): Claim | undefined {
  const authorization = headers.get('authorization')
  const claim = query === NO_QUERY ? sameButSigned(headers, authorization) : undefined
  if (claim !== undefined) return claim
  const presigned = query !== NO_QUERY && QUERY_NAMES.some(name => query.has(name))
  if (headers.has('x-amz-security-token') || query.has('X-Amz-Security-Token')) {
    throw new S3Error('InvalidToken')
  }
  if (authorization !== undefined && presigned) throw twoMechanisms()
  if (presigned) return queryClaim(query)
  // Whoever sends it empty is not anonymous, but a signer who has nothing to show.
  if (authorization?.trim() === '') throw new S3Error('AccessDenied')
  return authorization === undefined ? undefined : headerClaim(authorization, headers)
}

/** A form says in its fields who signed it: what stands beside them would have to be ignored. */
export function requireNoClaim({ wire, query }: Pick<ReadRequest, 'wire' | 'query'>): void {
  if (wire.has('x-amz-security-token')) throw new S3Error('InvalidToken')
  const isClaimed = [...query.names()].some(name => CREDENTIALS.test(name))
  if (isClaimed || wire.has('authorization')) throw twoMechanisms()
}

const CREDENTIALS =
  /^(x-amz-(algorithm|credential|date|expires|signedheaders|signature|security-token)|awsaccesskeyid|signature)$/i

function twoMechanisms(): S3Error {
  const message =
    'Only one auth mechanism allowed; only the X-Amz-Algorithm query parameter, ' +
    'Signature query string parameter or the Authorization header should be specified'
  return invalidArgument('Authorization', '', message)
}

function unsupported(): S3Error {
  return new S3Error('InvalidRequest', {
    message:
      'The authorization mechanism you have provided is not supported. ' +
      'Please use AWS4-HMAC-SHA256.',
  })
}

/** What a header says of its signer: the same in all its requests of one kind on one day. */
type Signer = Pick<Claim, 'accessKeyId' | 'scope' | 'signedHeaders'>

/** By all that stands before the signature. Only what was well-formed is kept. */
const signers = new BoundedCache<Signer>(256 * 1024)
/** To find one by its text takes longer than to compare it with the one before. */
let latest: { readonly before: string; readonly signer: Signer } | undefined
const SIGNED = /[, ]Signature=$/
const SIGNATURE_CHARS = 64

/** By all lines but the signature: what they say of the signer, his time included. */
const claims = new WeakMap<Besides, Claim>()

function sameButSigned(
  { besides }: RequestHeaders,
  authorization: string | undefined,
): Claim | undefined {
  const claim = besides && claims.get(besides)
  if (claim === undefined || authorization === undefined) return undefined
  return { ...claim, signature: authorization.slice(-SIGNATURE_CHARS) }
}

function headerClaim(authorization: string, headers: RequestHeaders): Claim {
  const signature = authorization.slice(-SIGNATURE_CHARS)
  const before = authorization.slice(0, -SIGNATURE_CHARS)
  const signer = isSignature(signature) ? knownSigner(before) : undefined
  if (signer === undefined) {
    const claim = parsedClaim(authorization, headers)
    const { accessKeyId, scope, signedHeaders } = claim
    if (SIGNED.test(before)) {
      signers.set(before, { accessKeyId, scope, signedHeaders }, before.length)
    }
    return claim
  }
  const { text: time, ms: timeMs } = timeOf(headers)
  const claim: Claim = { ...signer, kind: 'header', signature, time, timeMs }
  if (headers.besides !== undefined) claims.set(headers.besides, claim)
  return claim
}

function knownSigner(before: string): Signer | undefined {
  if (before === latest?.before) return latest.signer
  const signer = signers.get(before)
  if (signer !== undefined) latest = { before, signer }
  return signer
}

/** How AWS begins to say what is wrong with a credential. */
const IN_HEADER = {
  code: 'AuthorizationHeaderMalformed',
  words: 'The authorization header is malformed',
} as const
const IN_QUERY = {
  code: 'AuthorizationQueryParametersError',
  words: 'Error parsing the X-Amz-Credential parameter',
} as const

/** Of a form where no kind is told. */
export type ScopedSigner = Pick<Claim, 'accessKeyId' | 'scope'> & Partial<Pick<Claim, 'kind'>>

function wrongRegion({ kind, accessKeyId, scope }: ScopedSigner, Region: string): S3Error {
  const wrong =
    scope.region === ''
      ? 'a non-empty region must be provided in the credential.'
      : `the region '${scope.region}' is wrong; expecting '${Region}'`
  if (kind === undefined) {
    const argument = {
      ArgumentName: 'x-amz-credential',
      ArgumentValue: `${accessKeyId}/${scopeText(scope)}`,
    }
    return new S3Error('InvalidArgument', { message: wrong, ...argument, Region })
  }
  const where = kind === 'query' ? IN_QUERY : IN_HEADER
  return new S3Error(where.code, { message: `${where.words}; ${wrong}`, Region })
}

export function requireRegion(
  { context: { settings } }: Pick<ReadRequest, 'context'>,
  signer: ScopedSigner,
): void {
  if (signer.scope.region === settings.s3Region || settings.s3AnyRegion) return
  throw wrongRegion(signer, settings.s3Region)
}

/** The day of the credential is that of the signature; asked after the clock, as AWS does. */
export function requireDay({ kind, time, scope }: Claim): void {
  if (time.startsWith(scope.day)) return
  if (kind === 'header') {
    throw malformed('Invalid credential date. Date is not the same as X-Amz-Date.')
  }
  const day = time.slice(0, 8)
  throw wrongQuery(
    `Invalid credential date "${scope.day}". This date is not the same as X-Amz-Date: "${day}".`,
  )
}

/** Of a credential that is none, as AWS says it. */
export function credentialProblem(text: string): string {
  const [terminal = '', service = '', , day = '', key] = text
    .split('/')
    .reverse()
    .map(part => part.slice(0, 64))
  if (key !== undefined && terminal !== 'aws4_request') {
    return `incorrect terminal "${terminal}". This endpoint uses "aws4_request".`
  }
  if (key !== undefined && service !== 's3') {
    return `incorrect service "${service}". This endpoint belongs to "s3".`
  }
  if (key !== undefined && !/^\d{8}$/.test(day)) {
    return (
      `incorrect date format "${day}". This date in the credential must be in the format ` +
      '"yyyyMMdd".'
    )
  }
  return (
    'the Credential is mal-formed; expecting ' +
    '"<YOUR-AKID>/YYYYMMDD/REGION/SERVICE/aws4_request".'
  )
}

const THREE =
  'the authorization header requires three components: Credential, SignedHeaders, and Signature.'

function parsedClaim(authorization: string, headers: RequestHeaders): Claim {
  const [, algorithm = '', rest = ''] = /^(\S+)\s*(.*)$/s.exec(authorization.trim()) ?? []
  if (algorithm !== ALGORITHM) {
    if (algorithm === 'AWS' && !/^[^\s:]+:\S+$/.test(rest)) {
      const message = 'AWS authorization header is invalid.  Expected AwsAccessKeyId:signature'
      throw invalidArgument('Authorization', authorization.slice(0, 256), message)
    }
    if (/^(AWS|AWS4-[\w-]+)$/.test(algorithm)) throw unsupported()
    throw invalidArgument('Authorization', algorithm, 'Unsupported Authorization Type')
  }
  // AWS tells of a time that is none before all that stands beside it.
  const time = timeOf(headers)
  const fields = new Map<string, string>()
  for (const part of rest.split(',')) {
    const match = /^\s*(\w+)=([^\s]*)\s*$/.exec(part)
    if (rest === '' || (match !== null && fields.has(match[1] ?? ''))) {
      throw malformed(THREE)
    }
    if (match === null) {
      const shown = part.trim().slice(0, 256)
      throw malformed(`the authorization component "${shown}" is malformed.`)
    }
    fields.set(match[1] ?? '', match[2] ?? '')
  }
  const credential = fields.get('Credential')
  const signedHeaders = fields.get('SignedHeaders')
  const signature = fields.get('Signature')
  if (fields.size !== 3 || !credential || !signedHeaders || !signature) {
    const missing = ['Credential', 'SignedHeaders', 'Signature'].find(name => !fields.get(name))
    throw malformed(missing === undefined ? THREE : `missing ${missing}.`)
  }
  const parsed = parseCredential(credential)
  if (parsed === undefined) throw malformed(credentialProblem(credential))
  return {
    kind: 'header',
    ...parsed,
    signedHeaders:
      parseSignedHeaders(signedHeaders) ?? refuse(malformed('SignedHeaders are malformed.')),
    signature,
    time: time.text,
    timeMs: time.ms,
  }
}

/** Of `x-amz-date`, or of `date` where that is signed instead. */
function timeOf(headers: RequestHeaders): { text: string; ms: number } {
  const given = headers.get('x-amz-date') ?? headers.get('date')
  const message = 'AWS authentication requires a valid Date or x-amz-date header'
  if (given === undefined) throw new S3Error('AccessDenied', { message })
  const amzMs = parseAmzDate(given)
  if (amzMs !== undefined) return { text: given, ms: amzMs }
  const ms = parseHttpDate(given)
  if (ms === undefined) throw new S3Error('AccessDenied', { message })
  return { text: amzDate(ms), ms }
}

function parseHttpDate(text: string): number | undefined {
  const ms = /^[A-Z][a-z]{2}, \d{1,2} [A-Z][a-z]{2} \d{4} \d\d:\d\d:\d\d (GMT|[+-]0000)$/.test(text)
    ? Date.parse(text)
    : Number.NaN
  return Number.isNaN(ms) ? undefined : ms
}

function queryClaim(query: Query): Claim {
  const [algorithm, credential, time, expires, signedHeaders, signature] = QUERY_NAMES.map(name =>
    query.get(name),
  )
  if (!algorithm || !credential || !time || !expires || !signedHeaders || !signature) {
    throw wrongQuery(
      'Query-string authentication version 4 requires the X-Amz-Algorithm, X-Amz-Credential, ' +
        'X-Amz-Signature, X-Amz-Date, X-Amz-SignedHeaders, and X-Amz-Expires parameters.',
    )
  }
  if (algorithm !== ALGORITHM) throw wrongQuery(`X-Amz-Algorithm only supports "${ALGORITHM}"`)
  const timeMs = parseAmzDate(time)
  if (timeMs === undefined) {
    throw wrongQuery(`X-Amz-Date must be in the ISO8601 Long Format "yyyyMMdd'T'HHmmss'Z'"`)
  }
  const expiresSeconds = /^\d{1,10}$/.test(expires) ? Number(expires) : Number.NaN
  if (/^-\d/.test(expires)) throw wrongQuery('X-Amz-Expires must be non-negative')
  if (Number.isNaN(expiresSeconds)) throw wrongQuery('X-Amz-Expires should be a number')
  if (expiresSeconds > EXPIRES_MAX) {
    throw wrongQuery(
      'X-Amz-Expires must be less than a week (in seconds); that is, the given X-Amz-Expires ' +
        'must be less than 604800 seconds',
    )
  }
  const parsed = parseCredential(credential)
  if (parsed === undefined) throw wrongQuery(`${IN_QUERY.words}; ${credentialProblem(credential)}`)
  return {
    kind: 'query',
    ...parsed,
    signedHeaders:
      parseSignedHeaders(signedHeaders) ?? refuse(wrongQuery('X-Amz-SignedHeaders is malformed')),
    signature,
    time,
    timeMs,
    expiresSeconds,
  }
}

/** `AKID/20261127/us-east-1/s3/aws4_request`. */
export function parseCredential(
  text: string,
): { readonly accessKeyId: string; readonly scope: Scope } | undefined {
  const match = /^([\x21-\x7e]{1,128})\/(\d{8})\/([\w-]{0,64})\/s3\/aws4_request$/.exec(text)
  if (match === null) return undefined
  const [, accessKeyId = '', day = '', region = ''] = match
  return { accessKeyId, scope: { day, region } }
}

/** In order and without repetition, as they are signed. */
function parseSignedHeaders(text: string): readonly string[] | undefined {
  const names = text.split(';')
  if (names.length > 100) return undefined
  const wellFormed = names.every(name => /^[a-z0-9!#$%&'*+.^_`|~-]+$/.test(name))
  if (!wellFormed || new Set(names).size !== names.length) return undefined
  return names
}

export function signatureOf(text: string): string | undefined {
  return isSignature(text) ? text : undefined
}

function isSignature(text: string): boolean {
  return text.length === SIGNATURE_CHARS && isHex(text)
}

function malformed(problem: string): S3Error {
  return new S3Error(IN_HEADER.code, { message: `${IN_HEADER.words}; ${problem}` })
}

function wrongQuery(message: string): S3Error {
  return new S3Error('AuthorizationQueryParametersError', { message })
}

function refuse(error: S3Error): never {
  throw error
}
