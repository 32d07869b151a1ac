import type { CatalogTransaction, Moment } from '@holdfast/core/ports/catalog.ts'
import { type Preconditions, requirePreconditions } from '../assets/preconditions.ts'
import {
  type AssetAndVersion,
  appendVersion,
  payForVersion,
} from '../assets/writes/asset-writes.ts'
import { type Carrying, isTagged, requireCarried } from '../assets/writes/carried-tags.ts'
import { changeOf, contentOfVersion, shownOf } from '../assets/writes/change-detail.ts'
import { liveAsset, storedBucket } from '../assets/writes/stored-asset.ts'
import { carriedFacets } from '../objects/object-facets.ts'
import { findVersion } from './find-version.ts'

export interface RollbackArgs extends Carrying {
  readonly assetId: string
  readonly versionId: string
  readonly preconditions: Preconditions
  readonly createdBy: string
  readonly description: string
}

/** Old content becomes a new version: history only grows. */
export async function rollbackTransaction(
  tx: CatalogTransaction,
  args: RollbackArgs,
  moment: Moment,
): Promise<AssetAndVersion> {
  const asset = await liveAsset(tx, args.assetId)
  requirePreconditions(asset, args.preconditions)
  const old = await findVersion(tx, asset, args.versionId)
  requireCarried(args, isTagged(old))
  const bucket = await storedBucket(tx, asset.bucketId)
  await payForVersion(tx, { bucket, asset, bytes: old.size })
  const result = await appendVersion(tx, moment, {
    bucket,
    asset,
    content: {
      sha256: old.sha256,
      md5: old.md5,
      size: old.size,
      contentType: old.contentType,
      change: 'rollback',
      description: args.description,
      createdBy: args.createdBy,
      object: carriedFacets(old.object),
      notes: { rollback_from: old.number, rollback_at: moment.now },
    },
  })
  const detail = { ...contentOfVersion(result.version), rollback_from: old.number }
  await tx.note(changeOf('version.created', result.asset, { ...detail, was: shownOf(asset) }))
  return result
}
