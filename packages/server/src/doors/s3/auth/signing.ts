import { createHmac, hash, timingSafeEqual } from 'node:crypto'
import { isHex } from '@holdfast/core/ids.ts'
import { isAscii } from '../wire/headers.ts'
import { SigningKey } from './signing-key.ts'

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

export function signingKey(secret: string, { day, region }: Scope): SigningKey {
  const dayKey = hmac(Buffer.from(`AWS4${secret}`), day)
  return new SigningKey(hmac(hmac(hmac(dayKey, region), 's3'), 'aws4_request'))
}

/** Clocks differ by minutes, so two days and the links of a week are all there can be. */
const SCOPES_MAX = 10
const kept = new WeakMap<object, KeptKeys>()

interface KeptKeys {
  readonly byScope: Map<string, SigningKey>
  /** A signer that is known already has the same scope each time. */
  latest: { readonly scope: Scope; readonly key: SigningKey } | undefined
}

/** The same, kept as long as the secret is. */
export function keptSigningKey(secret: { readonly text: string }, scope: Scope): SigningKey {
  let keys = kept.get(secret)
  if (keys === undefined) {
    keys = { byScope: new Map(), latest: undefined }
    kept.set(secret, keys)
  }
  if (keys.latest?.scope === scope) return keys.latest.key
  const { byScope } = keys
  const name = scopeText(scope)
  const key = byScope.get(name) ?? signingKey(secret.text, scope)
  // The day of a request is not proven yet: whoever invents days must not fill the memory.
  if (byScope.size >= SCOPES_MAX) byScope.clear()
  byScope.set(name, key)
  keys.latest = { scope, key }
  return key
}

interface Moment {
  readonly time: string
  readonly scope: Scope
}

export function requestSignature(
  key: SigningKey,
  moment: Moment,
  canonicalRequest: string,
): string {
  return key.sign(stringToSign(moment, canonicalRequest))
}

export function stringToSign(moment: Moment, canonicalRequest: string): string {
  // Header values hold one byte in each char, so latin1 gives back the bytes that were sent.
  const plain = isAscii(canonicalRequest)
  const bytes = plain ? canonicalRequest : Buffer.from(canonicalRequest, 'latin1')
  const digest = hash('sha256', bytes, 'hex')
  return introOf(moment) + digest
}

/** Of the second and the signer before: mostly both are the same. */
let latest: { readonly time: string; readonly scope: Scope; readonly intro: string } | undefined

function introOf({ time, scope }: Moment): string {
  if (latest?.time === time && latest.scope === scope) return latest.intro
  const intro = `${ALGORITHM}\n${time}\n${scopeText(scope)}\n`
  latest = { time, scope, intro }
  return intro
}

/** Longer than any signature; used again, since fresh memory costs more than the comparison. */
const givenBytes = Buffer.alloc(128)
const expectedBytes = Buffer.alloc(128)

/** Of version 4, in hex. */
const HEX_CHARS = 64
const givenHex = Buffer.alloc(HEX_CHARS)
const expectedHex = Buffer.alloc(HEX_CHARS)

/** In a time that tells nothing about where they differ. */
export function sameSignature(given: string, expected: string): boolean {
  const { length } = expected
  if (length === HEX_CHARS && given.length === HEX_CHARS && isHex(given)) {
    // Both are filled to the last byte, of one char each.
    givenHex.write(given, 'latin1')
    expectedHex.write(expected, 'latin1')
    return timingSafeEqual(givenHex, expectedHex)
  }
  if (given.length !== length || length > givenBytes.length) return false
  // Nothing of the ones before is left behind a shorter one.
  givenBytes.fill(0).write(given)
  expectedBytes.fill(0).write(expected)
  return timingSafeEqual(givenBytes, expectedBytes)
}

function hmac(key: Buffer, text: string): Buffer {
  return createHmac('sha256', key).update(text).digest()
}
