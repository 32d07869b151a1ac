import type { Call } from '@holdfast/core/call.ts'
import { HoldfastError, invalidFields } from '@holdfast/core/errors.ts'
import type { Principal } from '@holdfast/core/principal.ts'
import type { Asset, Bucket } from '@holdfast/core/records.ts'
import { mayAsOwner } from '../access/bucket-owners.ts'
import { authorize, isAdministrator, refusal } from '../access/decide.ts'
import { currentPrincipal } from '../access/links/current-principal.ts'
import { rightsOfEach } from '../access/rights-now.ts'
import { commit } from '../commit.ts'
import type { Engine } from '../engine.ts'
import { requireConfirmed } from '../identity/sessions/require-confirmed.ts'
import type { BucketPatch } from './bucket-fields.ts'
import { type BucketUse, getBucket, updateBucket } from './buckets.ts'
import { findBucket } from './find-bucket.ts'

export interface BucketChange {
  readonly name: string
  readonly patch: BucketPatch
  readonly ownerId: string | null
}

/**
 * Changes settings and owner; nothing, where either is refused. CHANGED_MEANWHILE, where somebody
 * else gave it at that moment: then the settings are changed already.
 */
export async function updateAndGive(
  engine: Engine,
  call: Call,
  { name, patch, ownerId: written }: BucketChange,
): Promise<BucketUse> {
  const about = { permission: 'buckets:admin', action: 's3:PutBucketPolicy' } as const
  const bucket = await findBucket(engine, call, { name, ...about })
  const ownerId = written?.toLowerCase() ?? null
  requireGiver(call, bucket)
  requireConfirmed(engine, call)
  await requireNextOwner(engine, bucket, ownerId)
  const isPatched = Object.values(patch).some(value => value !== undefined)
  if (isPatched) await updateBucket(engine, call, name, patch)
  await giveBucket(engine, call, { bucket, ownerId })
  return await getBucket(engine, call, name)
}

/**
 * Only administrators give: the next owner comes into everything there, also past access lists, and
 * nobody gives more than they hold.
 */
function requireGiver({ principal }: Call, bucket: Bucket): void {
  authorize(principal, 'buckets:admin', { bucket })
  if (isAdministrator(principal)) return
  const reason = 'only administrators give a bucket to another owner'
  throw refusal(principal, 'buckets:admin', reason)
}

/** Refuses who could not own it. */
async function requireNextOwner(
  engine: Engine,
  bucket: Bucket,
  ownerId: string | null,
): Promise<void> {
  if (ownerId === null || ownerId === bucket.ownerId) return
  const owner = await ownerWith(engine, ownerId)
  if (owner === undefined) {
    throw new HoldfastError('PRINCIPAL_NOT_FOUND', { principal_id: ownerId })
  }
  const inside = owner.buckets === null || owner.buckets.includes(bucket.name)
  if (inside && mayAsOwner(owner, 'buckets:admin')) {
    const limit = engine.limits.ownedBucketsMax
    const owned = await engine.catalog.view.buckets.countOwnedBy(ownerId)
    if (owned >= limit) throw new HoldfastError('TOO_MANY_BUCKETS', { limit })
    return
  }
  const problem = inside
    ? 'must be somebody with the permission buckets:create'
    : 'must not be confined to other buckets'
  throw invalidFields({ path: 'owner_id', problem })
}

async function ownerWith(engine: Engine, id: string): Promise<Principal | undefined> {
  for (const kind of ['user', 'service_account', 'api_key'] as const) {
    const found = await currentPrincipal(engine, { kind, id })
    if (found?.id === id) return found
  }
  return undefined
}

/**
 * Makes the bucket, and what its owner so far stored there, the own of somebody else; null: open by
 * roles, and everybody keeps what is theirs. Assets go before their bucket, so who repeats what was
 * interrupted ends it; once more behind it, for what came meanwhile.
 */
async function giveBucket(
  engine: Engine,
  call: Call,
  { bucket, ownerId }: { readonly bucket: Bucket; readonly ownerId: string | null },
): Promise<void> {
  const { id, ownerId: from } = bucket
  // One at a time: of two to different owners, the one that is refused must not have given a part.
  await engine.identity.turns.take(`give ${id}`, async () => {
    const now = await engine.catalog.view.buckets.byId(id)
    if (now === undefined || now.ownerId !== from) throw new HoldfastError('CHANGED_MEANWHILE')
    // Those before may have taken long, and so may all that is given.
    const ofEach = rightsOfEach(engine, call)
    let known = call
    const still = async () => {
      const by = await ofEach()
      if (by === known) return by
      known = by
      requireGiver(by, now)
      await requireNextOwner(engine, now, ownerId)
      return by
    }
    if ((await still()) !== call) requireConfirmed(engine, known)
    await endGiving(engine, await still(), id)
    if (from !== ownerId) await giveAll(engine, still, { bucketId: id, from, to: ownerId })
  })
}

/** Who may not give any more gives no more of it; others give the rest, or take back what went. */
async function giveAll(
  engine: Engine,
  still: () => Promise<Call>,
  given: { readonly bucketId: string; readonly from: string | null; readonly to: string | null },
): Promise<void> {
  const { bucketId, from, to } = given
  if (from !== null && to !== null) await giveAssets(engine, still, { bucketId, from, to })
  const { ownedBucketsMax } = engine.limits
  const call = await still()
  await commit(engine, call, { name: 'buckets.give', args: { ...given, ownedBucketsMax } })
  await endGiving(engine, call, bucketId)
}

/** Where one was broken off behind the bucket, it is known from whom. */
async function endGiving(engine: Engine, call: Call, bucketId: string): Promise<void> {
  const bucket = await engine.catalog.view.buckets.byId(bucketId)
  const { givenFrom: from, ownerId: to } = bucket ?? {}
  if (from === undefined) return
  // That was decided, and the bucket is given: it is ended whoever began it.
  if (typeof to === 'string') await giveAssets(engine, async () => call, { bucketId, from, to })
  await commit(engine, call, { name: 'buckets.endGiving', args: { bucketId, from } })
}

const PAGE = 200
/** Versions that are given at once with those of all others of a page; more go in parts. */
const FEW = 8
const isLong = ({ lastNumber }: Asset) => lastNumber > FEW

async function giveAssets(
  engine: Engine,
  still: () => Promise<Call>,
  given: { readonly bucketId: string; readonly from: string; readonly to: string },
): Promise<void> {
  const { bucketId, from: ownerId } = given
  const giveWay = engine.lists.giveWay(await still())
  const filter = { bucketId, ownerId, deleted: 'with' as const, limit: PAGE }
  for (let before = {}; ; ) {
    const page = await engine.catalog.view.assets.list({ ...filter, ...before }, giveWay)
    const call = await still()
    const give = ({ id: assetId }: Asset, by: Call, below?: number) =>
      commit(engine, by, { name: 'assets.give', args: { assetId, ...given, below } })
    await Promise.all(page.filter(asset => !isLong(asset)).map(asset => give(asset, call)))
    for (const asset of page.filter(isLong)) {
      let below = await give(asset, await still())
      while (below !== null) below = await give(asset, await still(), below)
    }
    const last = page.at(-1)
    if (last === undefined) return
    before = { beforeSeq: last.createdSeq }
  }
}
