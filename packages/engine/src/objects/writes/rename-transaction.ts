import { HoldfastError } from '@holdfast/core/errors.ts'
import type { CatalogTransaction, Moment } from '@holdfast/core/ports/catalog.ts'
import type { Asset } from '@holdfast/core/records.ts'
import type { CarryingLists } from '../../assets/writes/carried-lists.ts'
import type { Carrying } from '../../assets/writes/carried-tags.ts'
import { freeKey } from '../../assets/writes/keys/free-key.ts'
import { moveTransaction } from '../../assets/writes/move-transaction.ts'
import { holderOf, liveAsset } from '../../assets/writes/stored-asset.ts'
import { type ETagConditions, requireETag } from '../etag.ts'

export interface RenameArgs extends Carrying, CarryingLists {
  readonly assetId: string
  /** Of the source, as the caller saw it. */
  readonly etag: string
  readonly key: string
  readonly name: string
  readonly conditions: ETagConditions
  /** Id of the asset at the target that the caller was authorised for; null when it was free. */
  readonly authorisedId: string | null
  /** Whether it was authorised as one with content. */
  readonly holds: boolean
  readonly createdBy: string
}

export async function renameTransaction(
  tx: CatalogTransaction,
  args: RenameArgs,
  moment: Moment,
): Promise<Asset> {
  const { key, name, conditions, isUntagged, isUnlisted, isUnpublished } = args
  const asset = await liveAsset(tx, args.assetId)
  await requireETag(tx, asset, { ifMatch: [args.etag] })
  const holder = await tx.assets.byKey(asset.bucketId, key)
  if ((holder?.id ?? null) !== args.authorisedId) throw new HoldfastError('CHANGED_MEANWHILE')
  const holds = (await holderOf(tx, holder)) !== undefined
  if (holds !== args.holds) throw new HoldfastError('CHANGED_MEANWHILE')
  await requireETag(tx, holder?.deletedAt === null ? holder : undefined, conditions)
  if (holder !== undefined) await freeKey(tx, moment, holder)
  const { id: assetId, bucketId, lastNumber } = asset
  const carrying = { isUntagged, isUnlisted, isUnpublished }
  const move = { assetId, bucketId, key, name, lastNumber, ...carrying, preconditions: {} }
  return moveTransaction(tx, move, moment)
}
