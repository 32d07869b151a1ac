import { type Permission, type Principal, scopeCovers } from '@holdfast/core/principal.ts'
import type { Bucket } from '@holdfast/core/records.ts'
import { ownBucketPermissions } from '@holdfast/core/roles.ts'

/**
 * Buckets that somebody owns: whoever may make buckets (`buckets:create`) but rules none by role.
 * Only `decide` draws conclusions from what is said here.
 */
export type Owned = Pick<Bucket, 'ownerId'>

/** What the principal may in the buckets that it owns. */
export function bucketPermissionsOf(principal: Principal): readonly string[] {
  const { bucketPermissions } = principal
  if (bucketPermissions !== undefined) return bucketPermissions
  return holds(principal, 'buckets:create') ? ownBucketPermissions : []
}

/** Whether the bucket belongs to somebody else. */
export function isOfAnother({ id }: Principal, bucket: Owned | undefined): boolean {
  return bucket !== undefined && bucket.ownerId !== null && bucket.ownerId !== id
}

/** Whether it owns the bucket, with the right to do this in it. */
export function ownsBucket(
  principal: Principal,
  permission: Permission,
  bucket: Owned | undefined,
): boolean {
  if (bucket === undefined || bucket.ownerId !== principal.id) return false
  return mayAsOwner(principal, permission)
}

export function mayAsOwner(principal: Principal, permission: Permission): boolean {
  return bucketPermissionsOf(principal).some(scope => scopeCovers(scope, permission))
}

const OF_ASSETS = /^(assets|versions|metadata):/

/** The same with single assets that it owns in a bucket of another: no more than with these. */
export function mayAsGuest(principal: Principal, permission: Permission): boolean {
  return OF_ASSETS.test(permission) && mayAsOwner(principal, permission)
}

/** Whether no bucket is hidden from it, whoever owns it. */
export function seesAllBuckets(principal: Principal): boolean {
  return principal.buckets === null && holds(principal, 'buckets:read') && isOverseer(principal)
}

/** Whether its scopes show it the bucket: names alone do not open what others own. */
export function showsBucket(principal: Principal, bucket: Owned | undefined): boolean {
  return !isOfAnother(principal, bucket) || isOverseer(principal)
}

/** Who reads or administers all buckets. */
function isOverseer(principal: Principal): boolean {
  return holds(principal, 'assets:read') || holds(principal, 'buckets:admin')
}

function holds({ permissions }: Principal, permission: Permission): boolean {
  return permissions.some(scope => scopeCovers(scope, permission))
}
