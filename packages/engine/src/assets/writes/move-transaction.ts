import { HoldfastError } from '@holdfast/core/errors.ts'
import type { CatalogTransaction, Moment } from '@holdfast/core/ports/catalog.ts'
import type { Asset, Bucket } from '@holdfast/core/records.ts'
import { enforceQuotas } from '../../quotas/enforce-quotas.ts'
import { requireUnlockedVersions, retained } from '../../versions/lock.ts'
import { type Preconditions, requirePreconditions } from '../preconditions.ts'
import { type CarryingLists, requireCarriedLists } from './carried-lists.ts'
import { type Carrying, hasTagsAnywhere, requireCarried } from './carried-tags.ts'
import { changeOf } from './change-detail.ts'
import { freeKey } from './keys/free-key.ts'
import { holderOf, liveAsset, storedBucket } from './stored-asset.ts'

export interface MoveArgs extends Carrying, CarryingLists {
  readonly assetId: string
  readonly bucketId: string
  readonly key: string
  /** Null: the name that it has. */
  readonly name: string | null
  /** Of the newest version that another bucket was asked to take. */
  readonly lastNumber: number
  readonly preconditions: Preconditions
}

/** Gives the asset another place at one moment: no reader sees it twice or not at all. */
export async function moveTransaction(
  tx: CatalogTransaction,
  args: MoveArgs,
  moment: Moment,
): Promise<Asset> {
  const asset = await liveAsset(tx, args.assetId)
  requirePreconditions(asset, args.preconditions)
  const holder = await tx.assets.byKey(args.bucketId, args.key)
  const isOther = holder !== undefined && holder.id !== asset.id
  if (isOther && (await holderOf(tx, holder)) !== undefined) {
    throw new HoldfastError('ASSET_EXISTS')
  }
  const from = await storedBucket(tx, asset.bucketId)
  const to = from.id === args.bucketId ? from : await storedBucket(tx, args.bucketId)
  const name = args.name ?? asset.name
  const same = from.id === to.id && asset.key === args.key && asset.name === name
  if (same) return asset
  if (args.isUntagged) requireCarried(args, await hasTagsAnywhere(tx, asset))
  await requireCarriedLists(tx, args, asset)
  // What is locked stays where it was locked.
  await requireUnlockedVersions(tx, { bucket: from, assetId: asset.id }, moment)
  if (from.id !== to.id) {
    if (asset.lastNumber !== args.lastNumber) throw new HoldfastError('CHANGED_MEANWHILE')
    await payInBucket(tx, asset, to)
    await retainShown(tx, moment, { asset, bucket: to })
  }
  // Nothing but markers: theirs and its own versions would have the same numbers.
  if (isOther) await freeKey(tx, moment, holder)
  const moved: Asset = {
    ...asset,
    bucketId: to.id,
    key: args.key,
    name,
    updatedAt: moment.now,
    seq: await tx.nextSeq(),
  }
  await tx.put.asset(moved)
  await tx.note(
    changeOf('asset.moved', moved, {
      was: { bucket: from.name, key: asset.key, name: asset.name },
      is: { bucket: to.name, key: moved.key, name: moved.name },
    }),
  )
  return moved
}

/** To come into a bucket is to be put there: it holds what is shown as long as it prescribes. */
async function retainShown(
  tx: CatalogTransaction,
  moment: Moment,
  { asset, bucket }: { readonly asset: Asset; readonly bucket: Bucket },
): Promise<void> {
  const version = await tx.versions.byId(asset.versionId)
  if (version === undefined) return
  const object = retained(bucket, version.object, moment.now)
  if (object === undefined || object === version.object) return
  await tx.put.version({ ...version, seq: await tx.nextSeq(), object })
}

/** All kept versions move with their asset and weigh on the new bucket. */
async function payInBucket(tx: CatalogTransaction, asset: Asset, to: Bucket): Promise<void> {
  if ((await tx.quotas.get('bucket', to.name)) === undefined) return
  const bytes = await tx.versions.bytes(asset.id)
  const { ownerId: owner, service } = asset
  const payers = { bucket: to.name, owner, service, only: 'bucket' as const }
  await enforceQuotas(tx, payers, { assets: 1, bytes })
}
