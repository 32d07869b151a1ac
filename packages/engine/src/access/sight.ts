import type { Call } from '@holdfast/core/call.ts'
import { HoldfastError } from '@holdfast/core/errors.ts'
import type {
  AssetFilter,
  DeletedFilter,
  Ownership,
  Reach,
} from '@holdfast/core/ports/asset-questions.ts'
import type { Permission, Principal } from '@holdfast/core/principal.ts'
import type { Bucket, BucketRules } from '@holdfast/core/records.ts'
import type { Engine } from '../engine.ts'
import { type Action, actionPermissions } from './actions.ts'
import { findBucketFor } from './authorize-action.ts'
import { isOfAnother, mayAsGuest } from './bucket-owners.ts'
import {
  authorize,
  decide,
  grantsOf,
  hasOwnRight,
  isAdministrator,
  isInside,
  isPublic,
  mayPartly,
  opensOwn,
  refuseMissing,
} from './decide.ts'
import { statementsOf } from './policy/policy-document.ts'
import { rightsNow } from './rights-now.ts'

/** The part of a filter that keeps a listing to what `decide` would let the caller read. */
export interface Sight extends SightOfBuckets, Pick<AssetFilter, 'bucketId' | 'bucketIds'> {
  /** Set where each asset has to be asked about, for these: buckets do not tell what they open. */
  readonly judged?: readonly Permission[]
}

type SightOfBuckets = Pick<AssetFilter, 'visibleTo' | 'visibleOwner' | 'reach'>

export async function sightOf(
  engine: Engine,
  call: Call,
  wanted: { readonly bucket?: string | undefined; readonly deleted?: DeletedFilter | undefined },
): Promise<Sight> {
  const { principal } = call
  const { view } = engine.catalog
  const hidden = wanted.deleted !== undefined && wanted.deleted !== 'without'
  const needed: readonly Permission[] = hidden ? ['assets:read', 'assets:write'] : ['assets:read']
  if (wanted.bucket !== undefined) {
    const bucket = await view.buckets.byName(wanted.bucket)
    if (bucket === undefined) {
      return refuseMissing(principal, 'assets:read', [
        'BUCKET_NOT_FOUND',
        { bucket: wanted.bucket },
      ])
    }
    const sight = { bucketId: bucket.id, ...inBucket(principal, bucket, needed) }
    return isJudged(principal, bucket, needed) ? { ...sight, judged: needed } : sight
  }
  const everywhere = principal.buckets === null && isOpen(principal, undefined, needed)
  // A policy may close single buckets to a caller whom everything else is open to.
  if (everywhere && !(await engine.judgedBuckets.havePolicies(call))) {
    const owned = needed.every(permission => hasOwnRight(principal, permission))
      ? { ownerId: principal.id }
      : await ownedAsGuest(engine, call, needed)
    return listed(principal, owned)
  }
  const seen = await engine.judgedBuckets.judge(call, bucket => partOf(principal, bucket, needed))
  const open = seen.filter(part => part.isWhole)
  const judged = seen.some(part => part.isJudged) ? { judged: needed } : {}
  if (open.length < seen.length) {
    return { bucketIds: seen.map(({ id }) => id), reach: reachOf(principal, seen), ...judged }
  }
  if (open.length === 0) refuseNothingOpen(call, needed)
  const bucketIds = open.map(({ id }) => id)
  return { bucketIds, ...listed(principal, ownedIn(principal, open)), ...judged }
}

/** What a listing shows of a bucket. */
interface Part {
  readonly id: string
  readonly isWhole: boolean
  readonly isJudged: boolean
  /** What the caller owns there is open to it, whatever access lists say. */
  readonly isOwn: boolean
  /** What grants open of it. */
  readonly prefixes: readonly string[]
}

function partOf(
  principal: Principal,
  bucket: BucketRules,
  needed: readonly Permission[],
): Part | undefined {
  const closed = needed.filter(permission => !decide(principal, permission, { bucket }).allowed)
  if (!closed.every(permission => mayPartly(principal, permission, bucket))) return undefined
  return { ...partly(principal, bucket, needed), isWhole: closed.length === 0 }
}

function partly(principal: Principal, bucket: BucketRules, needed: readonly Permission[]): Part {
  return {
    id: bucket.id,
    isWhole: false,
    isJudged: isJudged(principal, bucket, needed),
    isOwn: rulesOwnIn(principal, bucket, needed),
    prefixes: grantedIn(principal, bucket, needed),
  }
}

/** Where a rule for the bucket itself opens none of the keys in it, or a policy closes some. */
function isJudged(
  principal: Principal,
  bucket: BucketRules,
  needed: readonly Permission[],
): boolean {
  const { policy } = bucket.documents ?? {}
  if (policy !== undefined && statementsOf(policy).some(one => one.effect === 'Deny')) return true
  return needed.some(permission => isOpenByRule(principal, permission, bucket))
}

function inBucket(
  principal: Principal,
  bucket: Bucket,
  needed: readonly Permission[],
): SightOfBuckets {
  const part = partOf(principal, bucket, needed)
  if (part?.isWhole === false) return { reach: reachOf(principal, [part]) }
  for (const permission of needed) authorize(principal, permission, { bucket })
  return listedIn(principal, bucket, needed)
}

function listedIn(
  principal: Principal,
  bucket: Bucket,
  needed: readonly Permission[],
): SightOfBuckets {
  if (isInside(principal, bucket)) {
    const isOwn = rulesOwnIn(principal, bucket, needed)
    return listed(principal, isOwn ? { ownerId: principal.id } : undefined)
  }
  // A public bucket that the credential is confined from: it is as good as anybody's there.
  return { visibleTo: idsOf(principal) }
}

/** Of buckets that are open as a whole, all but what an access list closes to others. */
function listed(principal: Principal, visibleOwner: Ownership | undefined): SightOfBuckets {
  if (isAdministrator(principal)) return {}
  const visibleTo = idsOf(principal)
  return visibleOwner === undefined ? { visibleTo } : { visibleTo, visibleOwner }
}

/** What access lists know it by. */
function idsOf({ id, groups = [] }: Principal): readonly string[] {
  return [id, ...groups]
}

/** What is open to it because it owns that, whatever access lists say. */
function ownedIn(
  { id: ownerId }: Principal,
  parts: readonly Pick<Part, 'id' | 'isOwn'>[],
): Ownership | undefined {
  const own = parts.filter(part => part.isOwn)
  if (own.length === 0) return undefined
  return own.length === parts.length ? { ownerId } : { ownerId, bucketIds: own.map(one => one.id) }
}

function rulesOwnIn(
  principal: Principal,
  bucket: BucketRules,
  needed: readonly Permission[],
): boolean {
  return needed.every(permission => opensOwn(principal, permission, bucket))
}

/** The same of the whole store, for who rules what it owns only in buckets of others. */
async function ownedAsGuest(
  engine: Engine,
  call: Call,
  needed: readonly Permission[],
): Promise<Ownership | undefined> {
  const { principal } = call
  if (isAdministrator(principal)) return undefined
  if (!needed.every(permission => mayAsGuest(principal, permission))) return undefined
  // A counter tells it: most who rule many buckets own nothing.
  const live = { ownerId: principal.id, deleted: 'without' } as const
  const ownsNothing = (await engine.catalog.view.assets.count(live)) === 0
  if (ownsNothing && !needed.includes('assets:write')) return undefined
  const parts = await engine.judgedBuckets.judge(call, bucket => ({
    id: bucket.id,
    isOwn: rulesOwnIn(principal, bucket, needed),
  }))
  return ownedIn(principal, parts)
}

/**
 * What a listing of one bucket shows. Who may not list it as a whole sees what is its own and what
 * was granted to it; who has nothing of that is refused.
 */
async function sightOfKeys(
  engine: Engine,
  call: Call,
  { bucket: name, action }: { readonly bucket: string; readonly action: Action },
): Promise<{ readonly bucket: Bucket; readonly sight: SightOfBuckets }> {
  const { principal } = call
  const bucket = await findBucketFor(engine, call, { bucket: name, action })
  const permission = actionPermissions[action]
  const isWhole = decide(principal, permission, { bucket, action }).allowed
  if (!isWhole && hasPart(principal, permission, bucket)) {
    const reach = reachOf(principal, [partly(principal, bucket, [permission])])
    return { bucket, sight: { reach } }
  }
  authorize(principal, permission, { bucket, action })
  return { bucket, sight: listedIn(principal, bucket, [permission]) }
}

/** The same for what waits for turns, which may be long in coming: asked at each of them. */
export async function sightOfTurns(
  engine: Engine,
  call: Call,
  wanted: { readonly bucket: string; readonly action: Action },
): Promise<{ readonly bucket: Bucket; readonly sightNow: () => Promise<SightOfBuckets> }> {
  const { bucket, sight } = await sightOfKeys(engine, call, wanted)
  let known = { call, sight, seq: bucket.seq }
  const sightNow = async () => {
    // What is asked within the process is over soon.
    if (call.moment === undefined) return sight
    const now = await rightsNow(engine, known.call)
    // Its policy, lists and owner are of its record.
    const seq = (await engine.catalog.view.buckets.byId(bucket.id))?.seq
    if (now === known.call && seq === known.seq) return known.sight
    const again = await sightOfKeys(engine, now, wanted)
    if (again.bucket.id !== bucket.id) throw new HoldfastError('BUCKET_NOT_FOUND')
    known = { call: now, sight: again.sight, seq: again.bucket.seq }
    return known.sight
  }
  return { bucket, sightNow }
}

/**
 * Whether a right of its own or a grant lets it into parts of the bucket. What is there that others
 * own and made known is read by its key, as at AWS.
 */
export function hasPart(principal: Principal, permission: Permission, bucket: Bucket): boolean {
  const isGranted = grantsOf(principal, permission).some(grant => grant.bucket === bucket.name)
  if (isOfAnother(principal, bucket) && !isGranted) return false
  return mayPartly(principal, permission, bucket)
}

function isOpen(
  principal: Principal,
  bucket: BucketRules | undefined,
  needed: readonly Permission[],
): boolean {
  return needed.every(permission => decide(principal, permission, { bucket }).allowed)
}

/** What is hidden is shown only where the caller owns it or may write by a grant. */
function reachOf(principal: Principal, parts: readonly Part[]): Reach {
  const owner = ownedIn(principal, parts)
  return {
    ids: idsOf(principal),
    ...(owner === undefined ? {} : { owner }),
    bucketIds: parts.filter(part => part.isWhole).map(({ id }) => id),
    prefixes: parts.flatMap(({ id, prefixes }) =>
      prefixes.map(prefix => ({ bucketId: id, prefix })),
    ),
  }
}

function grantedIn(
  principal: Principal,
  bucket: BucketRules,
  needed: readonly Permission[],
): string[] {
  const here = (permission: Permission) =>
    grantsOf(principal, permission).filter(grant => grant.bucket === bucket.name)
  const prefixes = new Set(needed.flatMap(here).map(({ prefix }) => prefix))
  if (prefixes.size === 0) return []
  const closed = needed.filter(permission => !decide(principal, permission, { bucket }).allowed)
  return [...prefixes].filter(prefix =>
    closed.every(permission => here(permission).some(grant => prefix.startsWith(grant.prefix))),
  )
}

/** A confined credential whose buckets are all gone sees an empty store, not an error. */
function refuseNothingOpen(call: Call, needed: readonly Permission[]): void {
  for (const permission of needed) authorize({ ...call.principal, buckets: null }, permission, {})
}

/** Whether only the policy or an access list of S3 opens the bucket as a whole to the caller. */
function isOpenByRule(
  principal: Principal,
  permission: Permission,
  bucket: Pick<BucketRules, 'name' | 'settings' | 'documents' | 'ownerId'>,
): boolean {
  if (bucket.documents === undefined) return false
  const publicRead = isPublic(principal, bucket)
  const { name, ownerId, settings } = bucket
  const open = { name, ownerId, settings: { ...settings, publicRead } }
  const isOpen = decide(principal, permission, { bucket }).allowed
  return isOpen && !decide(principal, permission, { bucket: open }).allowed
}
