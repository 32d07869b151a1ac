import type { PlacesPolicy, RatePolicy } from '@holdfast/core/ports/limit-store.ts'
import type { Taken } from '@holdfast/core/rates/rate-table.ts'

/** One limit that was asked about, and what is left of it. */
export type Asked =
  | { readonly policy: RatePolicy; readonly taken: Pick<Taken, 'left' | 'waitMs'> }
  | { readonly policy: PlacesPolicy; readonly left: number }

/** Policy of service accounts: the rate is that of the account. */
export const ACCOUNT = 'account'

/**
 * What a caller is told of its limits (draft-ietf-httpapi-ratelimit-headers-11, §3 and §4). Who
 * spends what is left evenly over `t` never meets the limit; without any left, `t` is the wait.
 * The `X-` fields that clients of service accounts know tell of that one limit alone.
 */
export function rateLimitFields(
  asked: readonly Asked[],
  nowMs: number,
): Record<string, string> | undefined {
  if (asked.length === 0) return undefined
  return {
    'ratelimit-policy': asked.map(policyItem).join(', '),
    ratelimit: asked.map(limitItem).join(', '),
    ...accountFields(asked, nowMs),
  }
}

function accountFields(asked: readonly Asked[], nowMs: number): Record<string, string> {
  const own = asked.find(({ policy }) => policy.name === ACCOUNT)
  if (own === undefined || 'left' in own) return {}
  const { left } = own.taken
  const { quota, windowMs } = own.policy.rate
  const wholeAtMs = nowMs + ((quota - left) * windowMs) / quota
  return {
    'x-ratelimit-limit': String(quota),
    'x-ratelimit-remaining': String(left),
    'x-ratelimit-reset': String(Math.ceil(wholeAtMs / 1000)),
  }
}

export function waitSeconds(waitMs: number): number {
  return Math.max(1, Math.ceil(waitMs / 1000))
}

function policyItem({ policy }: Asked): string {
  if ('places' in policy) {
    return `"${policy.name}";q=${policy.places};qu="concurrent-requests"`
  }
  const { quota, windowMs } = policy.rate
  return `"${policy.name}";q=${quota};w=${windowMs / 1000}`
}

function limitItem(asked: Asked): string {
  if ('left' in asked) return `"${asked.policy.name}";r=${asked.left}`
  const { policy, taken } = asked
  const { quota, windowMs } = policy.rate
  const waitMs = taken.left > 0 ? (taken.left * windowMs) / quota : taken.waitMs
  return `"${policy.name}";r=${taken.left};t=${waitSeconds(waitMs)}`
}
