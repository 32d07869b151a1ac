import {
  permissions as allPermissions,
  type Permission,
  type Principal,
  scopeCovers,
  type Within,
} from '@holdfast/core/principal.ts'
import { bucketPermissionsOf } from './bucket-owners.ts'

/**
 * The same principal with no more than the permissions and buckets of its credential. Its lists are
 * cut, so that whoever asks what it holds hears the truth; `within` makes `decide` deny the rest
 * also where an access list, a policy or a public bucket would open it.
 */
export function narrow(
  principal: Principal,
  bounds: Pick<Within, 'by' | 'permissions' | 'buckets'>,
): Principal {
  const { ownPermissions, grants } = principal
  const cut = (held: readonly string[]) => both(held, bounds.permissions)
  return {
    ...principal,
    permissions: cut(principal.permissions),
    buckets: bothBuckets(principal.buckets, bounds.buckets ?? null),
    bucketPermissions: cut(bucketPermissionsOf(principal)),
    ...(ownPermissions === undefined ? {} : { ownPermissions: cut(ownPermissions) }),
    ...(grants === undefined
      ? {}
      : { grants: grants.map(grant => ({ ...grant, permissions: cut(grant.permissions) })) }),
    within: bounds,
  }
}

/** To the scope of a token (RFC 6749 §3.3). */
export function toScope(principal: Principal, permissions: readonly string[]): Principal {
  return narrow(principal, { by: 'the scope of the token', permissions })
}

function both(one: readonly string[], other: readonly string[]): readonly string[] {
  if (other.includes('*')) return one
  const covers = (scopes: readonly string[], permission: Permission) =>
    scopes.some(scope => scopeCovers(scope, permission))
  return allPermissions.filter(each => covers(one, each) && covers(other, each))
}

function bothBuckets(
  one: readonly string[] | null,
  other: readonly string[] | null,
): readonly string[] | null {
  if (one === null || other === null) return one ?? other
  return one.filter(bucket => other.includes(bucket))
}
