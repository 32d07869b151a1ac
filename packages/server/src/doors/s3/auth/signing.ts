import { createHmac, createSecretKey, hash, type KeyObject, timingSafeEqual } from 'node:crypto'
import { isAscii } from '../wire/headers.ts'

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

/** As a key object: a raw key costs Node eight times as much at every use. */
export function signingKey(secret: string, { day, region }: Scope): KeyObject {
  const dayKey = hmac(Buffer.from(`AWS4${secret}`), day)
  return createSecretKey(hmac(hmac(hmac(dayKey, region), 's3'), 'aws4_request'))
}

/** Clocks differ by minutes, so two days and the links of a week are all there can be. */
const SCOPES_MAX = 10
const kept = new WeakMap<object, Map<string, KeyObject>>()

/** The same, kept as long as the secret is. */
export function keptSigningKey(secret: { readonly text: string }, scope: Scope): KeyObject {
  const keys = kept.get(secret) ?? new Map<string, KeyObject>()
  kept.set(secret, keys)
  const name = scopeText(scope)
  const known = keys.get(name)
  if (known !== undefined) return known
  const key = signingKey(secret.text, scope)
  // The day of a request is not proven yet: whoever invents days must not fill the memory.
  if (keys.size >= SCOPES_MAX) keys.clear()
  keys.set(name, key)
  return key
}

export function requestSignature(
  key: KeyObject,
  moment: { readonly time: string; readonly scope: Scope },
  canonicalRequest: string,
): string {
  // Header values hold one byte in each char, so latin1 gives back the bytes that were sent.
  const plain = isAscii(canonicalRequest)
  const bytes = plain ? canonicalRequest : Buffer.from(canonicalRequest, 'latin1')
  const digest = hash('sha256', bytes, 'hex')
  const text = `${ALGORITHM}\n${moment.time}\n${scopeText(moment.scope)}\n${digest}`
  return signText(key, text)
}

export function signText(key: KeyObject, text: string): string {
  return createHmac('sha256', key).update(text).digest('hex')
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
