import type { Call } from '@holdfast/core/call.ts'
import { HoldfastError } from '@holdfast/core/errors.ts'
import { anonymous, type Permission } from '@holdfast/core/principal.ts'
import type { Acl, Asset, Bucket } from '@holdfast/core/records.ts'
import { isSet } from './bucket-rules.ts'
import { decide, type Fresh, refusal } from './decide.ts'

/** What a name in each part of an access list gives: `namedIn` of `decide` goes by the action. */
export const GIVEN = {
  read: ['assets:read', 'versions:read', 'metadata:read'],
  write: ['assets:write', 'versions:write', 'metadata:write'],
} as const satisfies Record<keyof Acl, readonly Permission[]>

export interface ListedPlace {
  readonly bucket: Bucket
  /** With the list that it has so far; absent: a new asset. */
  readonly asset?: Asset | undefined
  readonly fresh?: Fresh | undefined
}

/**
 * FORBIDDEN unless the caller holds there what the next list gives: who only writes would name
 * itself, or everybody, and so read. To leave a list as it is, or to take names off it, is free.
 */
export function requireListRights(
  { principal }: Call,
  place: ListedPlace,
  next: Acl | null | undefined,
): void {
  if (next === undefined) return
  const was = place.asset?.acl ?? null
  const publishes = namesEverybody(next) && !namesEverybody(was)
  if (publishes && blocksPublicLists(place.bucket)) throw publicListBlocked(place.bucket)
  for (const side of ['read', 'write'] as const) {
    if (!gives(was?.[side], next?.[side])) continue
    const permission = GIVEN[side].find(one => !decide(principal, one, place).allowed)
    if (permission === undefined) continue
    throw refusal(principal, permission, 'an access list cannot give more than its maker holds')
  }
}

/** What such a list opens to everybody is for reading alone. */
export function namesEverybody(acl: Acl | null): boolean {
  return acl?.read.includes(anonymous.id) === true
}

/** Whether it takes no access list that opens anything to everybody. */
export function blocksPublicLists({ documents }: Pick<Bucket, 'documents'>): boolean {
  return isSet(documents?.publicAccessBlock ?? {}, 'blockPublicAcls')
}

export function publicListBlocked({ name: bucket }: Pick<Bucket, 'name'>): HoldfastError {
  return new HoldfastError('PUBLIC_ACCESS_BLOCKED', { bucket })
}

/** Without a list scopes, grants and public reading count again: so to take it away opens, too. */
function gives(was: readonly string[] | undefined, is: readonly string[] | undefined): boolean {
  if (is === undefined) return was !== undefined
  return is.some(id => was?.includes(id) !== true)
}
