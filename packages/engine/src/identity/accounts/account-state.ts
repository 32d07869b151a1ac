import type { ServiceAccount } from '@holdfast/core/identities.ts'
import type { Principal } from '@holdfast/core/principal.ts'
import type { Engine } from '../../engine.ts'

/** Whether it may act at all. */
export function isGoodAccount(
  { status, expiresAt }: Pick<ServiceAccount, 'status' | 'expiresAt'>,
  nowMs: number,
): boolean {
  return status === 'ACTIVE' && (expiresAt === null || Date.parse(expiresAt) > nowMs)
}

/** The limit on whatever acts for the account, as a part of its principal. */
export function rateLimitOf(
  { identity }: Engine,
  { clientId, rateLimit }: Pick<ServiceAccount, 'clientId' | 'rateLimit'>,
): Pick<Principal, 'rateLimit'> {
  const perMinute = rateLimit ?? identity.settings.accountRequestsPerMinute
  return perMinute === 0 ? {} : { rateLimit: { clientId, perMinute } }
}
