import type { AccessKey } from '@holdfast/core/objects.ts'
import {
  permissions as allPermissions,
  type Permission,
  type Principal,
  scopeCovers,
} from '@holdfast/core/principal.ts'
import type { Engine } from '../engine.ts'
import { principalOfUser } from '../identity/principal-of-user.ts'

/**
 * Who acts with a key. The key of a user is that user, as far as key and user both reach now: a
 * right that the user loses is lost to the key at once. Undefined where the user may not come in.
 */
export async function principalOfAccessKey(
  engine: Engine,
  key: AccessKey,
): Promise<Principal | undefined> {
  const { principalId, userId, name, permissions, buckets } = key
  if (userId === null) return { kind: 'api_key', id: principalId, name, permissions, buckets }
  const { holders } = engine.identity
  // Every change of a key has its own number, so nothing is kept beyond one.
  const place = `${key.id} ${key.seq}`
  const known = holders.get(place, engine.clock.now())
  if (known !== undefined) return known
  const { moment } = holders
  const user = await engine.catalog.view.identities.byId('user', userId)
  if (user?.status !== 'ACTIVE') return undefined
  const made = await principalOfUser(engine, user)
  const principal = narrowed(made.principal, key)
  holders.set(
    place,
    { principal, expiresMs: Number.POSITIVE_INFINITY, madeOf: made.madeOf },
    moment,
  )
  return principal
}

/** What the principal and the key allow both. */
function narrowed(
  principal: Principal,
  key: Pick<AccessKey, 'permissions' | 'buckets'>,
): Principal {
  const { permissions, buckets } = key
  const { ownPermissions, grants } = principal
  const isWhole = permissions.includes('*') && buckets === null
  const within = (scopes: readonly string[]) => both(scopes, permissions)
  return {
    ...principal,
    permissions: within(principal.permissions),
    buckets: bothBuckets(principal.buckets, buckets),
    ...(ownPermissions === undefined ? {} : { ownPermissions: within(ownPermissions) }),
    ...(grants === undefined
      ? {}
      : { grants: grants.map(grant => ({ ...grant, permissions: within(grant.permissions) })) }),
    // Access lists and policies that name the user must not open more than the key was made for.
    ...(isWhole ? {} : { ceiling: { permissions, buckets } }),
  }
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
