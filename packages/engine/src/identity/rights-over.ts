import type { Call } from '@holdfast/core/call.ts'
import type { Principal } from '@holdfast/core/principal.ts'
import { requireWithin } from '../access/keys/keys.ts'

/**
 * Nobody acts on who may more than they do: else they could take over that user or account, or shut
 * it out. Counts all that it holds, by roles, by permissions of its own or of its place, by grants
 * and by groups.
 */
export function requireRightsOver(
  { principal: caller }: Pick<Call, 'principal'>,
  held: Principal,
): void {
  const { permissions, ownPermissions = [], grants = [] } = held
  const granted = grants.flatMap(grant => grant.permissions)
  const all = { permissions: [...permissions, ...ownPermissions, ...granted] }
  requireWithin(caller, all, 'it may more than the caller holds')
}
