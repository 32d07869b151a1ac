import { isUuid } from '@holdfast/core/ids.ts'
import type { Principal } from '@holdfast/core/principal.ts'
import { hasScope, refusal } from './decide.ts'

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
