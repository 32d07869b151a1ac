import { isDeepStrictEqual } from 'node:util'
import { HoldfastError } from '@holdfast/core/errors.ts'
import type { ObjectAcl, ObjectTag } from '@holdfast/core/objects.ts'
import type { CatalogTransaction, CatalogView, Moment } from '@holdfast/core/ports/catalog.ts'
import type { Acl, Asset, Bucket } from '@holdfast/core/records.ts'

/**
 * What a decision went by, so that the transaction can tell whether it still holds: a list, an
 * owner or a policy that changed between the decision and the commit must not be passed by.
 */
export interface Seen {
  readonly bucketId: string
  /** Of the bucket: its settings, policy and access list are one record. */
  readonly bucketSeq: number
  /** Null where there was none. */
  readonly asset: Pick<Asset, 'id' | 'acl' | 'ownerId' | 'key'> | null
  /** Where tags or the list of a version had a say. */
  readonly version?: SeenVersion | undefined
  /** The last of the asset, where the lists of all its versions had a say. */
  readonly changeSeq?: number | undefined
}

export interface SeenVersion {
  readonly id: string
  readonly acl: ObjectAcl | null
  /** Null where no policy asks for them. */
  readonly tags: readonly ObjectTag[] | null
  /** Judged as the one that is shown. */
  readonly isShown: boolean
}

export interface Guarded {
  readonly seen: readonly Seen[]
}

export function seenOf(
  bucket: Pick<Bucket, 'id' | 'seq'>,
  asset: Asset | undefined,
  version?: SeenVersion,
): Seen {
  const { id: bucketId, seq: bucketSeq } = bucket
  if (asset === undefined) return { bucketId, bucketSeq, asset: null }
  const { id, acl, ownerId, key } = asset
  const seen = { bucketId, bucketSeq, asset: { id, acl, ownerId, key } }
  return version === undefined ? seen : { ...seen, version }
}

/** CHANGED_MEANWHILE unless both are as they were seen. */
export function requireSeen(
  seen: Seen,
  bucket: Bucket | undefined,
  asset: Asset | undefined,
): void {
  const was = seen.asset
  const isSame =
    bucket?.seq === seen.bucketSeq &&
    (was === null ||
      (asset?.id === was.id &&
        asset.bucketId === seen.bucketId &&
        asset.key === was.key &&
        asset.ownerId === was.ownerId &&
        isSameList(asset.acl, was.acl)))
  if (!isSame) throw new HoldfastError('CHANGED_MEANWHILE')
}

function isSameList(is: Acl | null, was: Acl | null): boolean {
  return is === was || isDeepStrictEqual(is, was)
}

type Run<Args, Result> = (tx: CatalogTransaction, args: Args, moment: Moment) => Promise<Result>

/** The transaction, if what its caller was authorised by is still so. */
export function guarded<Args, Result>(transaction: Run<Args, Result>): Run<Args & Guarded, Result> {
  return async (tx, args, moment) => {
    for (const seen of args.seen) await requireStillSeen(tx, seen)
    return await transaction(tx, args, moment)
  }
}

async function requireStillSeen(tx: CatalogView, seen: Seen): Promise<void> {
  const asset = seen.asset === null ? undefined : await tx.assets.byId(seen.asset.id)
  requireSeen(seen, await tx.buckets.byId(seen.bucketId), asset)
  await requireSeenVersion(tx, seen, asset)
  const { changeSeq } = seen
  if (changeSeq === undefined || asset === undefined) return
  if ((await lastChangeOf(tx, asset.id)) !== changeSeq) throw new HoldfastError('CHANGED_MEANWHILE')
}

/** Whatever is set on the asset, or on one of its versions, is another. */
export async function lastChangeOf(
  { changes }: Pick<CatalogView, 'changes'>,
  assetId: string,
): Promise<number> {
  const [last] = await changes.ofAsset({ assetId, limit: 1 })
  return last?.seq ?? 0
}

/** CHANGED_MEANWHILE unless what had a say of the version is as it was. */
export async function requireSeenVersion(
  tx: CatalogView,
  { version: was }: Seen,
  asset: Asset | undefined,
): Promise<void> {
  if (was === undefined) return
  const is = (await tx.versions.briefById(was.id))?.object ?? {}
  const isSame =
    isDeepStrictEqual(is.acl ?? null, was.acl) &&
    (was.tags === null ||
      (isDeepStrictEqual(is.tags ?? [], was.tags) && (!was.isShown || asset?.versionId === was.id)))
  if (!isSame) throw new HoldfastError('CHANGED_MEANWHILE')
}
