import { HoldfastError } from '@holdfast/core/errors.ts'
import type { CatalogTransaction, Moment } from '@holdfast/core/ports/catalog.ts'
import type { Acl, Asset, Version } from '@holdfast/core/records.ts'
import { carriedFacets } from '../../objects/object-facets.ts'
import { requireAccepted } from '../accepted.ts'
import { type AssetAndVersion, newVersion, payForAsset } from './asset-writes.ts'
import { type Carrying, hasTags, requireCarried } from './carried-tags.ts'
import { changeOf, contentOfVersion } from './change-detail.ts'
import { putOverMarkers } from './keys/free-key.ts'
import { holderOf, liveAsset, storedBucket } from './stored-asset.ts'

export interface CopyArgs extends Carrying {
  readonly assetId: string
  readonly bucketId: string
  readonly key: string
  /** Null: that of the source. */
  readonly name: string | null
  readonly service: string
  readonly ownerId: string
  readonly acl: Acl | null
  readonly createdBy: string
}

/** A new asset with the content shown by another. The blob is shared, no byte is sent again. */
export async function copyTransaction(
  tx: CatalogTransaction,
  args: CopyArgs,
  moment: Moment,
): Promise<AssetAndVersion> {
  const source = await liveAsset(tx, args.assetId)
  const shown = await tx.versions.byId(source.versionId)
  if (shown === undefined) throw new HoldfastError('VERSION_NOT_FOUND')
  requireCarried(args, hasTags(source, shown))
  const bucket = await storedBucket(tx, args.bucketId)
  // It may have got another content since it was asked about.
  if (bucket.id !== source.bucketId) requireAccepted(bucket, source)
  const markers = await tx.assets.byKey(bucket.id, args.key)
  if ((await holderOf(tx, markers)) !== undefined) throw new HoldfastError('ASSET_EXISTS')
  const { ownerId, service } = args
  await payForAsset(tx, { bucket, ownerId, service, bytes: source.size, markers })
  const seq = await tx.nextSeq()
  const number = (markers?.lastNumber ?? 0) + 1
  const blank = copyOf(source, args, { moment, seq, number })
  const content = copiedContent(source, shown, args.createdBy)
  const version = newVersion(blank, content, { moment, seq, number, bucket })
  const asset: Asset = { ...blank, versionId: version.id }
  if (markers === undefined) await tx.put.asset(asset)
  else await putOverMarkers(tx, { bucket, was: markers, asset })
  await tx.put.version(version)
  const from = { asset_id: source.id, number: shown.number }
  const detail = { ...contentOfVersion(version), key: asset.key, copied_from: from }
  await tx.note(changeOf('asset.created', asset, detail))
  return { asset, version }
}

function copyOf(
  source: Asset,
  args: CopyArgs,
  { moment, seq, number }: { moment: Moment; seq: number; number: number },
): Asset {
  const { bucketId, key, service, ownerId, acl, createdBy } = args
  return {
    ...source,
    id: moment.newId(),
    createdSeq: seq,
    seq,
    bucketId,
    key,
    name: args.name ?? source.name,
    service,
    ownerId,
    acl,
    createdAt: moment.now,
    createdBy,
    updatedAt: moment.now,
    contentAt: moment.now,
    versionId: '',
    versionNumber: number,
    lastNumber: number,
  }
}

function copiedContent(source: Asset, shown: Version, createdBy: string) {
  return {
    sha256: source.sha256,
    md5: shown.md5,
    size: source.size,
    contentType: source.contentType,
    change: 'copy' as const,
    object: carriedFacets(shown.object),
    description: '',
    createdBy,
  }
}
