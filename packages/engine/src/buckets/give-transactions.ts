import { HoldfastError } from '@holdfast/core/errors.ts'
import { byteLength } from '@holdfast/core/names.ts'
import type { ObjectAcl } from '@holdfast/core/objects.ts'
import type { CatalogTransaction, Moment } from '@holdfast/core/ports/catalog.ts'
import type { Asset, Bucket } from '@holdfast/core/records.ts'
import { aclJson, aclOf, privateAcl } from '../access/bucket-acl.ts'
import { changeOf } from '../assets/writes/change-detail.ts'
import { storedBucket, storedVersion } from '../assets/writes/stored-asset.ts'

export interface GiveBucketArgs {
  readonly bucketId: string
  /** Whose it was when that was decided. */
  readonly from: string | null
  readonly to: string | null
  /** How many the next owner may have. */
  readonly ownedBucketsMax: number
}

/** The access list of S3 goes along: whom it names as owner may what an owner may. */
export async function giveBucketTransaction(
  tx: CatalogTransaction,
  { bucketId, from, to, ownedBucketsMax: limit }: GiveBucketArgs,
  moment: Moment,
): Promise<Bucket> {
  const bucket = await storedBucket(tx, bucketId)
  if (bucket.ownerId === to) return bucket
  if (bucket.ownerId !== from) throw new HoldfastError('CHANGED_MEANWHILE')
  if (to !== null && (await tx.buckets.countOwnedBy(to)) >= limit) {
    throw new HoldfastError('TOO_MANY_BUCKETS', { limit })
  }
  const updated: Bucket = {
    ...bucket,
    ...listedFor(bucket, { to, actor: moment.actor }),
    ...(from === null || to === null ? {} : { givenFrom: from }),
    ownerId: to,
    updatedAt: moment.now,
    seq: await tx.nextSeq(),
  }
  await tx.put.bucket(updated)
  const detail = { name: bucket.name, was: { owner_id: from }, is: { owner_id: to } }
  await tx.note({ what: 'bucket.updated', bucketId: bucket.id, detail })
  return updated
}

/** Nothing there is the owner's before any more. */
export async function endGivingTransaction(
  tx: CatalogTransaction,
  { bucketId, from }: { readonly bucketId: string; readonly from: string },
  moment: Moment,
): Promise<undefined> {
  const bucket = await storedBucket(tx, bucketId)
  if (bucket.givenFrom !== from) return undefined
  const { givenFrom: _, ...given } = bucket
  await tx.put.bucket({ ...given, updatedAt: moment.now, seq: await tx.nextSeq() })
  const detail = { name: bucket.name, given: { from, to: bucket.ownerId } }
  await tx.note({ what: 'bucket.updated', bucketId, detail })
  return undefined
}

/**
 * A bucket that is nobody's own gets a list in any case: without one S3 would show its maker as
 * owner, who just lost it.
 */
function listedFor(
  { documents }: Bucket,
  { to, actor }: { readonly to: string | null; readonly actor: string },
): Pick<Bucket, 'documents'> {
  const stored = aclOf(documents?.acl)
  const owner = to ?? actor
  if (stored === undefined) {
    return to === null ? { documents: { ...documents, acl: aclJson(privateAcl(owner)) } } : {}
  }
  return { documents: { ...documents, acl: aclJson(inHands(stored, stored.owner, owner)) } }
}

function inHands(acl: ObjectAcl, from: string, to: string): ObjectAcl {
  const grants = acl.grants.map(grant => {
    const { grantee } = grant
    const isTheirs = typeof grantee !== 'string' && grantee.id === from
    return isTheirs ? { ...grant, grantee: { id: to } } : grant
  })
  return { owner: acl.owner === from ? to : acl.owner, grants }
}

export interface GiveAssetArgs {
  readonly assetId: string
  readonly bucketId: string
  readonly from: string
  readonly to: string
  /** Where the part before ended; absent: at the newest version. */
  readonly below?: number | undefined
}

/** Of versions in one transaction, each of which is written anew whole. */
const PART = 250
const BYTES_MAX = 2 * 1024 * 1024

/**
 * With all its versions, whose bytes weigh on the next owner; the lists of S3 of these, too. Those
 * go first, many in parts: null where all is given, else where to go on.
 */
export async function giveAssetTransaction(
  tx: CatalogTransaction,
  { assetId, bucketId, from, to, below }: GiveAssetArgs,
  moment: Moment,
): Promise<number | null> {
  const asset = await tx.assets.byId(assetId)
  if (asset === undefined || asset.bucketId !== bucketId || asset.ownerId !== from) return null
  // The last look is at all of them: lists may have been set behind the look of another part.
  for (const start of below === undefined ? [undefined] : [below, undefined]) {
    const next = await giveVersions(tx, { asset, from, to, below: start })
    if (next !== null) return next
  }
  const given = { ...asset, ownerId: to, updatedAt: moment.now, seq: await tx.nextSeq() }
  await tx.put.asset(given)
  await tx.note(changeOf('asset.updated', given, { owner_id: { was: from, is: to } }))
  return null
}

async function giveVersions(
  tx: CatalogTransaction,
  { asset, from, to, below }: Pick<GiveAssetArgs, 'from' | 'to' | 'below'> & { asset: Asset },
): Promise<number | null> {
  const query = { assetId: asset.id, deleted: 'with' as const, aclOwner: from, limit: PART + 1 }
  const page = await tx.versions.list({ ...query, ...(below === undefined ? {} : { below }) })
  let bytes = 0
  for (const [index, { id, number }] of page.entries()) {
    const version = await storedVersion(tx, id)
    bytes += byteLength(JSON.stringify(version))
    if (index > 0 && (index === PART || bytes > BYTES_MAX)) {
      const detail = { acl_owner: { was: from, is: to }, versions: index }
      await tx.note(changeOf('asset.updated', asset, detail))
      return number + 1
    }
    const { acl } = version.object ?? {}
    if (acl === undefined) continue
    const facets = { ...version.object, acl: inHands(acl, from, to) }
    await tx.put.version({ ...version, object: facets, seq: await tx.nextSeq() })
  }
  return null
}
