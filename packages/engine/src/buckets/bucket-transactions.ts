import { HoldfastError } from '@holdfast/core/errors.ts'
import type { CatalogTransaction, Moment } from '@holdfast/core/ports/catalog.ts'
import type { Bucket, BucketSettings } from '@holdfast/core/records.ts'
import { type BucketPatch, patchedSettings } from './bucket-fields.ts'

export interface CreateBucketArgs {
  readonly name: string
  readonly settings: BucketSettings
  /** What to do when the name is taken. */
  readonly existing: 'refuse' | 'keep'
}

export async function createBucketTransaction(
  tx: CatalogTransaction,
  args: CreateBucketArgs,
  moment: Moment,
): Promise<Bucket> {
  const existing = await tx.buckets.byName(args.name)
  if (existing !== undefined) {
    if (args.existing === 'keep') return existing
    throw new HoldfastError('BUCKET_EXISTS', { bucket: args.name })
  }
  const bucket: Bucket = {
    id: moment.newId(),
    name: args.name,
    settings: args.settings,
    createdAt: moment.now,
    createdBy: moment.actor,
    updatedAt: moment.now,
    seq: await tx.nextSeq(),
  }
  await tx.put.bucket(bucket)
  await tx.note({ what: 'bucket.created', bucketId: bucket.id, detail: { name: bucket.name } })
  return bucket
}

export interface UpdateBucketArgs {
  readonly name: string
  readonly patch: BucketPatch
}

export async function updateBucketTransaction(
  tx: CatalogTransaction,
  args: UpdateBucketArgs,
  moment: Moment,
): Promise<Bucket> {
  const bucket = await bucketNamed(tx, args.name)
  const settings = patchedSettings(bucket.settings, args.patch)
  const was = JSON.stringify(bucket.settings)
  const is = JSON.stringify(settings)
  if (was === is) return bucket
  const updated: Bucket = {
    ...bucket,
    settings,
    updatedAt: moment.now,
    seq: await tx.nextSeq(),
  }
  await tx.put.bucket(updated)
  const detail = { name: bucket.name, was: { ...bucket.settings }, is: { ...settings } }
  await tx.note({ what: 'bucket.updated', bucketId: bucket.id, detail })
  return updated
}

/** Trashed and deleted assets count too: nothing disappears with its bucket. */
export async function removeBucketTransaction(
  tx: CatalogTransaction,
  args: { readonly name: string },
  _moment: Moment,
): Promise<Bucket> {
  const bucket = await bucketNamed(tx, args.name)
  const { assets } = await tx.quotas.usage('bucket', bucket.name)
  if (assets > 0) throw new HoldfastError('BUCKET_NOT_EMPTY', { bucket: args.name, assets })
  // A later bucket of this name must not inherit the ceiling of this one.
  if ((await tx.quotas.get('bucket', bucket.name)) !== undefined) {
    await tx.remove.quota('bucket', bucket.name)
  }
  await tx.remove.bucket(bucket.id)
  await tx.note({ what: 'bucket.removed', bucketId: bucket.id, detail: { name: bucket.name } })
  return bucket
}

async function bucketNamed(tx: CatalogTransaction, name: string): Promise<Bucket> {
  const bucket = await tx.buckets.byName(name)
  if (bucket === undefined) throw new HoldfastError('BUCKET_NOT_FOUND', { bucket: name })
  return bucket
}
