import { invalidArgument, S3Error } from '../errors.ts'
import type { RequestHeaders } from '../wire/headers.ts'
import { EMPTY_SHA256 } from './signing.ts'

/** How the body is framed and what of it the signature covers. */
export type PayloadMode =
  | { readonly kind: 'hash'; readonly sha256: string }
  | { readonly kind: 'plain' }
  | { readonly kind: 'chunks'; readonly signed: boolean; readonly trailer: boolean }

export interface Payload {
  readonly mode: PayloadMode
  /** What stands for the body in the canonical request. */
  readonly hash: string
}

export const UNSIGNED = 'UNSIGNED-PAYLOAD'
const CHUNKED: Readonly<Record<string, { signed: boolean; trailer: boolean }>> = {
  'STREAMING-AWS4-HMAC-SHA256-PAYLOAD': { signed: true, trailer: false },
  'STREAMING-AWS4-HMAC-SHA256-PAYLOAD-TRAILER': { signed: true, trailer: true },
  'STREAMING-UNSIGNED-PAYLOAD-TRAILER': { signed: false, trailer: true },
}

/** https://docs.aws.amazon.com/AmazonS3/latest/API/sig-v4-authenticating-requests.html */
export function payloadOf(given: string | undefined, authenticated: boolean): Payload {
  if (given === undefined || given === UNSIGNED) return { mode: { kind: 'plain' }, hash: UNSIGNED }
  const chunks = Object.hasOwn(CHUNKED, given) ? CHUNKED[given] : undefined
  if (chunks !== undefined) {
    if (chunks.signed && !authenticated) throw new S3Error('AccessDenied')
    return { mode: { kind: 'chunks', ...chunks }, hash: given }
  }
  if (given.startsWith('STREAMING-')) {
    throw new S3Error('NotImplemented', { message: 'This form of streaming is not supported.' })
  }
  if (/^[0-9a-f]{64}$/i.test(given)) {
    return { mode: { kind: 'hash', sha256: given.toLowerCase() }, hash: given }
  }
  const message =
    'x-amz-content-sha256 must be UNSIGNED-PAYLOAD, STREAMING-UNSIGNED-PAYLOAD-TRAILER, ' +
    'STREAMING-AWS4-HMAC-SHA256-PAYLOAD, STREAMING-AWS4-HMAC-SHA256-PAYLOAD-TRAILER, ' +
    'or a valid sha256 value.'
  throw invalidArgument('x-amz-content-sha256', given, message)
}

/** A body that is not there is not read, and can have no hash but one. */
export function requireHashOfNothing(mode: PayloadMode, headers: RequestHeaders): void {
  if (mode.kind !== 'hash' || mode.sha256 === EMPTY_SHA256) return
  const isSent = Number(headers.get('content-length') ?? 0) > 0 || headers.has('transfer-encoding')
  if (!isSent) throw new S3Error('XAmzContentSHA256Mismatch')
}

/** Bytes of the body without its framing; undefined where nobody announced them. */
export function announcedBytes(
  mode: PayloadMode,
  headers: RequestHeaders,
  length: number | undefined,
): number | undefined {
  if (mode.kind !== 'chunks') return length
  const decoded = headers.get('x-amz-decoded-content-length')
  if (decoded === undefined || !/^\d{1,15}$/.test(decoded)) {
    throw new S3Error('MissingContentLength')
  }
  return Number(decoded)
}
