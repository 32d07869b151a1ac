import type { Call } from '@holdfast/core/call.ts'
import { isUuid } from '@holdfast/core/ids.ts'
import type { Principal } from '@holdfast/core/principal.ts'
import type { Engine } from '../engine.ts'
import { hasOwnRight, hasScope, refusal } from './decide.ts'

/**
 * FORBIDDEN where somebody else is named as the owner of what is to be made by who may write only
 * in places: as owner of the bucket, by a grant or a policy. Its bytes would weigh on the quota of
 * that owner, who could then store nothing, and on none of its maker's.
 */
export function requireOwnName(principal: Principal, ownerId: string): void {
  const { id } = principal
  // Whoever has no id that can own is given one by the door.
  if (!isUuid(id) || ownerId.toLowerCase() === id.toLowerCase()) return
  if (hasScope(principal, 'assets:write')) return
  throw refusal(principal, 'assets:write', 'only for assets of one’s own')
}

/** The service of a new asset when the caller names none. */
export const defaultService = 'default'

/** What doors name by themselves is for everybody. */
const COMMON: ReadonlySet<string> = new Set([defaultService, 's3'])

/**
 * FORBIDDEN where a service with a quota is named for what is to be made by who may write only in
 * places: in some buckets, or by a grant or a policy. Its bytes would stop whoever else writes for
 * that service, in buckets that the caller may not even see.
 */
export async function requireOwnService(
  engine: Engine,
  call: Call,
  service: string,
): Promise<void> {
  if (await mayName(engine, call, service)) return
  const reason = 'the quota of the service is for who may write in all buckets'
  throw refusal(call.principal, 'assets:write', reason)
}

export async function mayName(
  { catalog }: Engine,
  { principal }: Call,
  service: string,
): Promise<boolean> {
  const permission = 'assets:write'
  const isEverywhere = hasScope(principal, permission) || hasOwnRight(principal, permission)
  if (COMMON.has(service) || (principal.buckets === null && isEverywhere)) return true
  return (await catalog.view.quotas.get('service', service)) === undefined
}
