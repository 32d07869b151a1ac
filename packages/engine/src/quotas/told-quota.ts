import type { Call } from '@holdfast/core/call.ts'
import { HoldfastError, isHoldfastError } from '@holdfast/core/errors.ts'
import type { Principal } from '@holdfast/core/principal.ts'
import { decide } from '../access/decide.ts'

/**
 * The work, whose QUOTA_EXCEEDED says what is used and left only to whom it concerns: who is
 * refused by the quota of a service, or of another owner, would be told of buckets that are hidden.
 */
export async function asQuotasTell<T>(call: Call, work: () => Promise<T>): Promise<T> {
  try {
    return await work()
  } catch (error) {
    const isTold =
      !isHoldfastError(error) ||
      error.code !== 'QUOTA_EXCEEDED' ||
      concerns(call.principal, error.details)
    if (isTold) throw error
    const { current_usage: _, limit: __, ...told } = error.details
    throw new HoldfastError('QUOTA_EXCEEDED', told, { cause: error })
  }
}

function concerns(principal: Principal, { scope, owner }: HoldfastError['details']): boolean {
  if (scope === 'bucket' || decide(principal, 'quotas:admin', {}).allowed) return true
  return scope === 'owner' && owner === principal.id
}
