import type { ServiceAccount } from '@holdfast/core/identities.ts'

/** Whether it may act at all. */
export function isGoodAccount(
  { status, expiresAt }: Pick<ServiceAccount, 'status' | 'expiresAt'>,
  nowMs: number,
): boolean {
  return status === 'ACTIVE' && (expiresAt === null || Date.parse(expiresAt) > nowMs)
}
