import { HoldfastError } from '@holdfast/core/errors.ts'
import { bounds } from '@holdfast/core/limits.ts'
import { byteLength } from '@holdfast/core/names.ts'
import type { BucketDocumentName } from '@holdfast/core/objects.ts'
import type { CatalogTransaction, Moment } from '@holdfast/core/ports/catalog.ts'
import type { Bucket, BucketDocuments, BucketSettings, JsonObject } from '@holdfast/core/records.ts'
import { shownOwner } from '../access/bucket-acl.ts'
import { storedBucket } from '../assets/writes/stored-asset.ts'
import { removeUploadsOf } from '../multipart/upload-transactions.ts'
import { type BucketPatch, patchedSettings } from './bucket-fields.ts'
import { releaseBucketName } from './release-name.ts'

export interface CreateBucketArgs {
  readonly name: string
  readonly settings: BucketSettings
  /** What to do when the name is taken. */
  readonly existing: 'refuse' | 'keep'
  readonly documents?: BucketDocuments | undefined
  /** Absent: nobody's own. */
  readonly ownerId?: string
  /** How many the owner may have. */
  readonly ownedBucketsMax?: number
}

export async function createBucketTransaction(
  tx: CatalogTransaction,
  args: CreateBucketArgs,
  moment: Moment,
): Promise<Bucket> {
  const existing = await tx.buckets.byName(args.name)
  if (existing !== undefined) {
    if (args.existing === 'keep') return existing
    const owned = shownOwner(existing) === moment.actor
    throw new HoldfastError('BUCKET_EXISTS', { bucket: args.name, owned })
  }
  const { ownerId = null, ownedBucketsMax: limit = 0 } = args
  if (ownerId !== null && (await tx.buckets.countOwnedBy(ownerId)) >= limit) {
    throw new HoldfastError('TOO_MANY_BUCKETS', { limit })
  }
  const bucket: Bucket = {
    id: moment.newId(),
    name: args.name,
    settings: args.settings,
    ...(args.documents === undefined ? {} : { documents: args.documents }),
    ownerId,
    createdAt: moment.now,
    createdBy: moment.actor,
    updatedAt: moment.now,
    seq: await tx.nextSeq(),
  }
  await tx.put.bucket(bucket)
  const detail = { name: bucket.name, ...(ownerId === null ? {} : { owner_id: ownerId }) }
  await tx.note({ what: 'bucket.created', bucketId: bucket.id, detail })
  return bucket
}

export interface UpdateBucketArgs {
  readonly bucketId: string
  readonly patch: BucketPatch
}

export async function updateBucketTransaction(
  tx: CatalogTransaction,
  args: UpdateBucketArgs,
  moment: Moment,
): Promise<Bucket> {
  const bucket = await storedBucket(tx, args.bucketId)
  const settings = patchedSettings(bucket.settings, args.patch)
  const was = JSON.stringify(bucket.settings)
  const is = JSON.stringify(settings)
  if (was === is) return bucket
  if (bucket.documents?.objectLock !== undefined && settings.versioning !== 'enabled') {
    const reason =
      'An Object Lock configuration is present on this bucket, so the versioning state cannot be ' +
      'changed.'
    throw new HoldfastError('VERSIONING_LOCKED', { bucket: bucket.name, reason })
  }
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

/**
 * Trashed and deleted assets count too: nothing disappears with its bucket. Open uploads do; of many
 * a part, and the bucket stays: `more` tells that the same again goes on.
 */
export async function removeBucketTransaction(
  tx: CatalogTransaction,
  args: { readonly bucketId: string },
  _moment: Moment,
): Promise<{ readonly more: boolean }> {
  const bucket = await storedBucket(tx, args.bucketId)
  const { assets } = await tx.quotas.usage('bucket', bucket.name)
  if (assets > 0) throw new HoldfastError('BUCKET_NOT_EMPTY', { bucket: bucket.name, assets })
  if (!(await removeUploadsOf(tx, bucket.id))) return { more: true }
  // A later bucket of this name must not inherit the ceiling of this one.
  if ((await tx.quotas.get('bucket', bucket.name)) !== undefined) {
    await tx.remove.quota('bucket', bucket.name)
  }
  await releaseBucketName(tx, bucket.name)
  await tx.remove.bucket(bucket.id)
  await tx.note({ what: 'bucket.removed', bucketId: bucket.id, detail: { name: bucket.name } })
  return { more: false }
}

export interface SetDocumentArgs {
  readonly bucketId: string
  readonly what: BucketDocumentName
  readonly document: JsonObject | null
}

const LOCKED_FOR_GOOD = 'An Object Lock configuration cannot be taken away.'
const VERSIONS_NEEDED =
  "Versioning must be 'Enabled' on the bucket to apply a Object Lock configuration"

/** Object lock needs versioning, and stays: what is locked must not come free by a setting. */
export async function setDocumentTransaction(
  tx: CatalogTransaction,
  { bucketId, what, document }: SetDocumentArgs,
  moment: Moment,
): Promise<Bucket> {
  const bucket = await storedBucket(tx, bucketId)
  const { name } = bucket
  const { [what]: was, ...others } = bucket.documents ?? {}
  if (document === null && was === undefined) return bucket
  const isVersioned = bucket.settings.versioning === 'enabled'
  if (what === 'objectLock' && (document === null || !isVersioned)) {
    const reason = document === null ? LOCKED_FOR_GOOD : VERSIONS_NEEDED
    throw new HoldfastError('VERSIONING_LOCKED', { bucket: name, reason })
  }
  const documents = document === null ? others : { ...others, [what]: document }
  requireDocumentsSize(documents)
  const { documents: _, ...plain } = bucket
  const updated: Bucket = {
    ...plain,
    ...(Object.keys(documents).length === 0 ? {} : { documents }),
    updatedAt: moment.now,
    seq: await tx.nextSeq(),
  }
  await tx.put.bucket(updated)
  const detail = { name, document: what, was: was ?? null, is: document }
  await tx.note({ what: 'bucket.updated', bucketId: bucket.id, detail })
  return updated
}

/** Every request reads the record of its bucket. */
export function requireDocumentsSize(documents: BucketDocuments): void {
  const limit = bounds.bucketDocumentsBytesMax
  if (byteLength(JSON.stringify(documents)) <= limit) return
  throw new HoldfastError('BODY_TOO_LARGE', { limit })
}
