import type { Call } from '@holdfast/core/call.ts'
import { HoldfastError } from '@holdfast/core/errors.ts'
import type { Asset, Bucket } from '@holdfast/core/records.ts'
import { rightsOfEach } from '../access/rights-now.ts'
import { seenOf } from '../assets/writes/seen.ts'
import { lineOf } from '../caller-lines.ts'
import { commit } from '../commit.ts'
import type { Engine } from '../engine.ts'
import { changedAnew } from './changed-anew.ts'
import { findBucket } from './find-bucket.ts'

export interface RemoveBucketOptions {
  /**
   * S3 shows no trash, so a bucket that it shows empty may be deleted; then `remove` takes what is
   * in the trash with it, for good.
   */
  readonly trash?: 'keep' | 'remove' | undefined
}

export async function removeBucket(
  engine: Engine,
  call: Call,
  name: string,
  options: RemoveBucketOptions = {},
): Promise<void> {
  const allowed = options.trash === 'remove' ? await emptyTrash(engine, call, name) : call
  await inParts(engine, { call: allowed, name }, async now => {
    const bucket = await removable(engine, now, name)
    const args = { bucketId: bucket.id, seen: [seenOf(bucket, undefined)] }
    return (await commit(engine, now, { name: 'buckets.remove', args })).more
  })
}

/**
 * Does a part until there are no more, each judged by what is so by then, and in turn with those of
 * others; the call with the rights that the last was asked by. Broken off, the same again ends it.
 */
async function inParts(
  engine: Engine,
  { call, name }: { readonly call: Call; readonly name: string },
  part: (now: Call) => Promise<boolean>,
): Promise<Call> {
  const ofEach = rightsOfEach(engine, call)
  let allowed = call
  let more = await changedAnew(engine, { call, name }, part)
  while (more) {
    more = await engine.removals.take('parts', lineOf(call), async () => {
      allowed = await ofEach()
      return await changedAnew(engine, { call: allowed, name }, part)
    })
  }
  return allowed
}

async function removable(engine: Engine, call: Call, name: string): Promise<Bucket> {
  const about = { permission: 'buckets:admin', action: 's3:DeleteBucket' } as const
  const bucket = await findBucket(engine, call, { name, ...about })
  if (name === engine.settings.defaultBucket) {
    throw new HoldfastError('BUCKET_NOT_EMPTY', { bucket: name, reason: 'the default bucket' })
  }
  return bucket
}

const TRASH_PAGE = 200
/** Versions that go at once with those of all others of a page. */
const FEW = 8

/** Asks before each page; the call with the rights that the last was asked by. */
async function emptyTrash(engine: Engine, call: Call, name: string): Promise<Call> {
  return await inParts(engine, { call, name }, now => removeTrash(engine, now, name))
}

/**
 * A page of the trash goes; false where there is none. BUCKET_NOT_EMPTY, and nothing is removed,
 * while anything but trash is in the bucket. CHANGED_MEANWHILE where others remove it, too.
 */
async function removeTrash(engine: Engine, call: Call, name: string): Promise<boolean> {
  const bucket = await removable(engine, call, name)
  const { view } = engine.catalog
  const { entries } = await view.objects.listVersions({ bucketId: bucket.id, limit: 1 })
  if (entries.length > 0) throw new HoldfastError('BUCKET_NOT_EMPTY', { bucket: name })
  const filter = { bucketId: bucket.id, deleted: 'only' as const, limit: TRASH_PAGE }
  const trashed = await view.assets.list(filter)
  const remove = (asset: Asset) => removeForGood(engine, call, { bucket, asset })
  const isLong = ({ lastNumber }: Asset) => lastNumber > FEW
  const removed = await Promise.allSettled(trashed.filter(asset => !isLong(asset)).map(remove))
  const kept = removed.find(one => one.status === 'rejected')
  if (kept !== undefined) throw kept.reason
  // One part of one of them; the next page goes on.
  const long = trashed.find(isLong)
  if (long !== undefined) await remove(long)
  return trashed.length > 0
}

async function removeForGood(
  engine: Engine,
  call: Call,
  { bucket, asset }: { readonly bucket: Bucket; readonly asset: Asset },
): Promise<void> {
  const createdBy = call.principal.name
  const seen = [seenOf(bucket, asset)]
  const about = { hard: true, onlyTrashed: true, preconditions: {}, createdBy, seen }
  await commit(engine, call, { name: 'assets.remove', args: { assetId: asset.id, ...about } })
}
