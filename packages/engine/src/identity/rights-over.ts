import type { Call } from '@holdfast/core/call.ts'
import type { Principal } from '@holdfast/core/principal.ts'
import { excessOf, requireWithin } from '../access/keys/keys.ts'

/**
 * Nobody acts on who may more than they do: else they could take over that user or account, or shut
 * it out. Counts all that it holds, by roles, by permissions of its own or of its place, by grants
 * and by groups.
 */
export function requireRightsOver(
  { principal: caller }: Pick<Call, 'principal'>,
  held: Principal,
): void {
  requireWithin(caller, allOf(held), 'it may more than the caller holds')
}

/** The same as a question. */
export function hasRightsOver(
  { principal: caller }: Pick<Call, 'principal'>,
  held: Principal,
): boolean {
  return excessOf(caller, allOf(held)) === undefined
}

function allOf({ permissions, ownPermissions = [], grants = [] }: Principal) {
  const granted = grants.flatMap(grant => grant.permissions)
  return { permissions: [...permissions, ...ownPermissions, ...granted] }
}
