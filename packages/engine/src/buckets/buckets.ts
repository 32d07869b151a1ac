import type { Call } from '@holdfast/core/call.ts'
import { HoldfastError } from '@holdfast/core/errors.ts'
import type { Permission } from '@holdfast/core/principal.ts'
import {
  type Bucket,
  type BucketDocuments,
  type BucketRules,
  defaultBucketSettings,
  type Usage,
} from '@holdfast/core/records.ts'
import { type Action, actionPermissions } from '../access/actions.ts'
import { seesAllBuckets } from '../access/bucket-owners.ts'
import { isSet } from '../access/bucket-rules.ts'
import {
  authorize,
  decide,
  grantsOf,
  mayEver,
  mayPartly,
  refusal,
  refuseMissing,
} from '../access/decide.ts'
import { isOfBucket } from '../access/policy/known-actions.ts'
import { seenOf } from '../assets/writes/seen.ts'
import { commit } from '../commit.ts'
import type { Engine } from '../engine.ts'
import {
  actionsOfPatch,
  type BucketPatch,
  patchedSettings,
  requireBucketName,
  requireBucketPatch,
} from './bucket-fields.ts'
import { requireDocumentsSize } from './bucket-transactions.ts'
import { changedAnew } from './changed-anew.ts'
import { requireDocuments } from './documents.ts'
import { findBucket } from './find-bucket.ts'

export interface BucketUse {
  readonly bucket: Bucket
  /** Null for who may neither list all that is there nor rule the bucket. */
  readonly usage: Usage | null
}

export async function createBucket(
  engine: Engine,
  call: Call,
  input: {
    readonly name: string
    readonly settings?: BucketPatch | undefined
    readonly documents?: BucketDocuments | undefined
  },
): Promise<BucketUse> {
  const ownerId = ownerOfNew(call, input.name)
  const bucket = { name: input.name, settings: defaultBucketSettings, ownerId }
  requireBucketName(input.name)
  const patch = input.settings ?? {}
  requireBucketPatch(patch)
  const settings = patchedSettings(defaultBucketSettings, patch)
  const { documents } = input
  if (documents !== undefined) {
    requireNewDocuments({ ...bucket, settings }, documents)
    // As it would be set later: it also gives its owner what the policy of the bucket could.
    if (documents.acl !== undefined) authorize(call.principal, 'policy:admin', { bucket })
  }
  const { ownedBucketsMax } = engine.limits
  const owner = ownerId === null ? {} : { ownerId, ownedBucketsMax }
  const args = { name: input.name, settings, documents, ...owner, existing: 'refuse' as const }
  const created = await commit(engine, call, { name: 'buckets.create', args })
  return { bucket: created, usage: { assets: 0, bytes: 0 } }
}

/** FORBIDDEN for who may make none of that name: nothing else is told before. */
export function requireMaker(call: Call, name: string): void {
  ownerOfNew(call, name)
}

/**
 * Whose a new bucket is: nobody's where its maker rules all buckets, else its maker's. FORBIDDEN
 * for who may make none. A credential confined to the name may: it stands for the bucket to be.
 */
function ownerOfNew({ principal }: Call, name: string): string | null {
  const bucket = { name, settings: defaultBucketSettings, ownerId: null }
  if (decide(principal, 'buckets:admin', { bucket }).allowed) return null
  if (!decide(principal, 'buckets:create', { bucket }).allowed) {
    authorize(principal, 'buckets:create', {})
  }
  return principal.id
}

export async function getBucket(engine: Engine, call: Call, name: string): Promise<BucketUse> {
  return used(engine, call, await findBucket(engine, call, { name, permission: 'buckets:read' }))
}

export interface BucketPage {
  readonly items: readonly BucketUse[]
  readonly total: number
  /** Name to pass as `after` for the next page. */
  readonly after?: string
}

/**
 * In order of names: those that the caller may see. Of buckets that others own these are the ones
 * that a grant or a policy opens, unless it may read or administer all.
 */
export async function listBuckets(
  engine: Engine,
  call: Call,
  query: { readonly after?: string | undefined; readonly limit?: number | undefined } = {},
): Promise<BucketPage> {
  if (!mayEver(call.principal, 'buckets:read')) {
    refuseMissing(call.principal, 'buckets:read', ['BUCKET_NOT_FOUND', {}])
  }
  const limit = Math.min(query.limit ?? 100, engine.limits.pageItemsMax)
  const { total, seen } = await visibleBuckets(engine, call, { after: query.after, limit })
  const page = await wholeBuckets(engine, call, seen.slice(0, limit))
  const items = await engine.lists.inSlices(call, page, bucket => used(engine, call, bucket))
  const last = seen[limit - 1]
  return { items, total, ...(seen.length > limit && last ? { after: last.name } : {}) }
}

export async function updateBucket(
  engine: Engine,
  call: Call,
  name: string,
  patch: BucketPatch,
): Promise<BucketUse> {
  return await changedAnew(engine, { call, name }, async now => {
    const found = await patchable(engine, now, { name, patch })
    const args = { bucketId: found.id, patch, seen: [seenOf(found, undefined)] }
    return used(engine, now, await commit(engine, now, { name: 'buckets.update', args }))
  })
}

async function patchable(
  engine: Engine,
  call: Call,
  { name, patch }: { readonly name: string; readonly patch: BucketPatch },
): Promise<Bucket> {
  const permission = 'buckets:admin'
  const [action, ...further] = actionsOfPatch(patch)
  const found = await findBucket(engine, call, { name, permission, action })
  for (const one of further) authorize(call.principal, permission, { bucket: found, action: one })
  requireBucketPatch(patch)
  if (patch.publicRead === true && !found.settings.publicRead) {
    if (isSet(found.documents?.publicAccessBlock ?? {}, 'blockPublicAcls')) {
      throw new HoldfastError('PUBLIC_ACCESS_BLOCKED', { bucket: name })
    }
    requireReader(call, found)
  }
  return found
}

/** What public reading gives to everybody, in words of policies. */
const OPENED = (Object.keys(actionPermissions) as Action[]).filter(action =>
  ['assets:read', 'metadata:read'].includes(actionPermissions[action]),
)

/** FORBIDDEN for who administers a bucket, but could not read all of it unless everybody may. */
function requireReader({ principal }: Call, bucket: Bucket): void {
  const fresh = { ownerId: bucket.id, key: '' }
  for (const action of OPENED) {
    const permission = actionPermissions[action]
    const place = isOfBucket(action) ? { bucket } : { bucket, fresh }
    if (decide(principal, permission, { ...place, action, throughout: true }).allowed) continue
    const reason = 'a bucket cannot be open for more than its setter holds'
    throw refusal(principal, permission, reason)
  }
}

function requireNewDocuments(
  { name, settings, ownerId }: Pick<Bucket, 'name' | 'settings' | 'ownerId'>,
  documents: BucketDocuments,
): void {
  requireDocuments({ name, ownerId }, documents)
  requireDocumentsSize(documents)
  if (documents.objectLock === undefined || settings.versioning === 'enabled') return
  throw new HoldfastError('VERSIONING_LOCKED', { bucket: name })
}

type Seen = Pick<Bucket, 'name' | 'seq'>

/** All behind the given one, or so many that there is one more than the limit. */
async function visibleBuckets(
  { judgedBuckets, catalog }: Engine,
  call: Call,
  { after, limit }: { readonly after: string | undefined; readonly limit: number },
): Promise<{ total: number; seen: readonly Seen[] }> {
  if (seesAllBuckets(call.principal)) {
    const total = await catalog.view.buckets.count()
    return { total, seen: await judgedBuckets.some(call, { after, limit: limit + 1 }) }
  }
  const all = await judgedBuckets.judge(call, bucket =>
    isSeen(call, bucket) ? { name: bucket.name, seq: bucket.seq } : undefined,
  )
  all.sort((one, other) => (one.name < other.name ? -1 : 1))
  return { total: all.length, seen: all.filter(({ name }) => name > (after ?? '')) }
}

/** Their records may have some 200 KB each. */
const SLICE = 8

/** Without those that are gone, or were closed since they were judged. */
async function wholeBuckets(
  engine: Engine,
  call: Call,
  seen: readonly Seen[],
): Promise<readonly Bucket[]> {
  const giveWay = engine.lists.giveWay(call)
  const whole: Bucket[] = []
  for (const [at, { name, seq }] of seen.entries()) {
    if (at > 0 && at % SLICE === 0) await giveWay()
    const bucket = await engine.catalog.view.buckets.byName(name)
    if (bucket === undefined) continue
    if (bucket.seq === seq || isShown(call, bucket)) whole.push(bucket)
  }
  return whole
}

function isShown(call: Call, bucket: BucketRules): boolean {
  return seesAllBuckets(call.principal) || isSeen(call, bucket)
}

function isSeen({ principal }: Call, bucket: BucketRules): boolean {
  if (decide(principal, 'buckets:read', { bucket }).allowed) return true
  const isGranted = grantsOf(principal, 'assets:read').some(grant => grant.bucket === bucket.name)
  return isGranted && mayPartly(principal, 'assets:read', bucket)
}

/** Totals tell of every asset, of old versions and of the trash: public buckets show neither. */
const OF_TOTALS: readonly (readonly Permission[])[] = [
  ['assets:read', 'versions:read'],
  ['buckets:admin'],
  ['quotas:admin'],
]

async function used(engine: Engine, { principal }: Call, bucket: Bucket): Promise<BucketUse> {
  const may = (permission: Permission) => decide(principal, permission, { bucket }).allowed
  const sees = OF_TOTALS.some(permissions => permissions.every(may))
  if (!sees) return { bucket, usage: null }
  return { bucket, usage: await engine.catalog.view.quotas.usage('bucket', bucket.name) }
}
