import type { ClientError } from '../client-error.ts'
import { isLasting } from './network-failure.ts'

export interface RetryPolicy {
  /** The first one included; 1 never repeats. */
  readonly attemptsMax: number
  /** Upper bound of the first wait; it doubles with every further one. */
  readonly waitMs: number
  readonly waitMsMax: number
  /** A server that asks to wait longer is not asked again. */
  readonly retryAfterMsMax: number
}

export const defaultRetryPolicy: RetryPolicy = Object.freeze({
  attemptsMax: 5,
  waitMs: 200,
  waitMsMax: 10_000,
  retryAfterMsMax: 60_000,
})

export interface RetryEvent {
  readonly error: ClientError
  /** The attempt that failed, from 1. */
  readonly attempt: number
  readonly waitMs: number
}

/** What decides whether a request may be sent once more. */
export interface Repeatability {
  /** Doing it twice is the same as doing it once. */
  readonly idempotent: boolean
  /** The body can be sent again from its beginning. */
  readonly replayable: boolean
}

const TRANSIENT_CODES = new Set(['NETWORK', 'TIMEOUT'])
// 507 is absent on purpose: a full disk does not empty itself while we wait.
const TRANSIENT_STATUSES = new Set([408, 429, 502, 503, 504])

/**
 * Only failures that may pass by themselves, and only where a second try cannot do a thing twice:
 * a request that is not idempotent goes out again only when it certainly was not applied.
 */
export function isWorthRepeating(failure: ClientError, request: Repeatability): boolean {
  if (!request.replayable || isLasting(failure.details.cause)) return false
  if (!TRANSIENT_CODES.has(failure.code) && !TRANSIENT_STATUSES.has(failure.status)) return false
  return request.idempotent || !failure.mayHaveApplied
}

/** Exponential backoff with full jitter; undefined when the server asks for too long a wait. */
export function waitBefore(
  attempt: number,
  failure: ClientError,
  source: { policy: RetryPolicy; random: () => number },
): number | undefined {
  const { policy, random } = source
  const ceiling = Math.min(policy.waitMsMax, policy.waitMs * 2 ** Math.min(attempt - 1, 30))
  const jitter = random() * ceiling
  const asked = failure.retryAfterMs
  if (asked === undefined) return jitter
  // The jitter comes on top: all who were told the same second must not come back together.
  return asked > policy.retryAfterMsMax ? undefined : asked + jitter
}

/** Retry-After is seconds or a date (RFC 9110 §10.2.3); a date is read by the server's clock. */
export function parseRetryAfter(headers: Headers): number | undefined {
  const text = headers.get('retry-after')?.trim()
  if (text === undefined || text === '') return undefined
  if (/^\d{1,9}$/.test(text)) return Number(text) * 1000
  const at = Date.parse(text)
  const now = Date.parse(headers.get('date') ?? '')
  if (Number.isNaN(at) || Number.isNaN(now)) return undefined
  return Math.max(0, at - now)
}

export function cryptoRandom(): number {
  const [value = 0] = globalThis.crypto.getRandomValues(new Uint32Array(1))
  return value / 2 ** 32
}
