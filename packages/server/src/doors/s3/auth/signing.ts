import { createHash, createHmac, hash, timingSafeEqual } from 'node:crypto'

/**
 * Signature Version 4
 * (https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv-create-signed-request.html).
 */
export const ALGORITHM = 'AWS4-HMAC-SHA256'
export const EMPTY_SHA256 = hash('sha256', '', 'hex')

export interface Scope {
  /** yyyymmdd. */
  readonly day: string
  readonly region: string
}

export function scopeText({ day, region }: Scope): string {
  return `${day}/${region}/s3/aws4_request`
}

export function signingKey(secret: string, { day, region }: Scope): Buffer {
  const dayKey = hmac(Buffer.from(`AWS4${secret}`), day)
  return hmac(hmac(hmac(dayKey, region), 's3'), 'aws4_request')
}

export function requestSignature(
  key: Buffer,
  moment: { readonly time: string; readonly scope: Scope },
  canonicalRequest: string,
): string {
  // Header values hold one byte in each char, so latin1 gives back the bytes that were sent.
  const digest = createHash('sha256').update(canonicalRequest, 'latin1').digest('hex')
  const text = `${ALGORITHM}\n${moment.time}\n${scopeText(moment.scope)}\n${digest}`
  return signText(key, text)
}

export function signText(key: Buffer, text: string): string {
  return hmac(key, text).toString('hex')
}

/** In a time that tells nothing about where they differ. */
export function sameSignature(given: string, expected: string): boolean {
  const one = Buffer.from(given)
  const other = Buffer.from(expected)
  return one.length === other.length && timingSafeEqual(one, other)
}

function hmac(key: Buffer, text: string): Buffer {
  return createHmac('sha256', key).update(text).digest()
}
