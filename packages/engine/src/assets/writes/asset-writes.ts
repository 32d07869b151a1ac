import { isDeepStrictEqual } from 'node:util'
import { assetTypeOf } from '@holdfast/core/names.ts'
import type { ObjectFacets } from '@holdfast/core/objects.ts'
import type { CatalogTransaction, Moment } from '@holdfast/core/ports/catalog.ts'
import type {
  Acl,
  Asset,
  AssetType,
  Bucket,
  JsonObject,
  QuotaScope,
  Version,
} from '@holdfast/core/records.ts'
import { enforceQuotas } from '../../quotas/enforce-quotas.ts'
import { retained } from '../../versions/lock.ts'
import { compareMetadata } from '../../versions/metadata.ts'

/** Fields that a write replaces; absent ones stay. */
export interface AssetPatch {
  readonly name?: string | undefined
  readonly type?: AssetType | undefined
  readonly tags?: readonly string[] | undefined
  readonly metadata?: JsonObject | undefined
  readonly acl?: Acl | null | undefined
}

/** The content that a new version will hold. Its blob is in the catalog already. */
export interface NewContent {
  readonly sha256: string
  readonly md5: string | null
  readonly size: number
  readonly contentType: string
  /** Asset type that the caller chose with this content. */
  readonly type?: AssetType | undefined
  readonly change: Version['change']
  readonly description: string
  readonly createdBy: string
  /** Added to the copy of the asset's metadata that the version keeps. */
  readonly notes?: JsonObject | undefined
  /** What S3 knows of it. */
  readonly object?: ObjectFacets | undefined
}

export interface AssetAndVersion {
  readonly asset: Asset
  readonly version: Version
}

/**
 * Makes `content` the newest version of the asset and writes both records. The caller notes the
 * change. In a bucket without versioning the content replaced goes, its number is not used again;
 * where versioning is suspended the null version goes.
 */
export async function appendVersion(
  tx: CatalogTransaction,
  moment: Moment,
  target: { bucket: Bucket; asset: Asset; content: NewContent },
): Promise<AssetAndVersion> {
  const { bucket, content } = target
  const seq = await tx.nextSeq()
  const number = target.asset.lastNumber + 1
  const version = newVersion(target.asset, content, { moment, seq, number, bucket })
  const asset = repointed(target.asset, version, content.type)
  const replaced =
    bucket.settings.versioning === 'suspended'
      ? await tx.objects.nullVersion(target.asset.id)
      : undefined
  await tx.put.asset(asset)
  await tx.put.version(version)
  if (replaced !== undefined) await tx.remove.version(replaced.id)
  if (bucket.settings.versioning === 'disabled' && target.asset.versionId !== '') {
    await tx.remove.version(target.asset.versionId)
  }
  return { asset, version }
}

export function newVersion(
  asset: Asset,
  content: NewContent,
  { moment, seq, number, bucket, isNull = bucket.settings.versioning !== 'enabled' }: NewPlace,
): Version {
  const kind = content.change === 'delete' ? 'marker' : 'content'
  const object = kind === 'marker' ? content.object : retained(bucket, content.object, moment.now)
  return {
    id: moment.newId(),
    seq,
    createdSeq: seq,
    assetId: asset.id,
    number,
    kind,
    sha256: content.sha256,
    md5: content.md5,
    size: content.size,
    contentType: content.contentType,
    metadata:
      content.notes === undefined ? asset.metadata : { ...asset.metadata, ...content.notes },
    tags: [],
    change: content.change,
    description: content.description,
    createdAt: moment.now,
    createdBy: content.createdBy,
    deletedAt: null,
    ...(isNull ? { isNull: true } : {}),
    ...(object === undefined ? {} : { object }),
  }
}

export interface NewPlace {
  readonly moment: Moment
  readonly seq: number
  readonly number: number
  readonly bucket: Bucket
  /** Else as the bucket versions. */
  readonly isNull?: boolean
}

/** The asset with `version` as the content shown. */
function repointed(asset: Asset, version: Version, chosen: AssetType | undefined): Asset {
  // A type that was derived follows the content; one that a caller chose stays.
  const derived = asset.type === assetTypeOf(asset.contentType)
  const type = derived ? assetTypeOf(version.contentType) : asset.type
  return {
    ...asset,
    seq: version.seq,
    updatedAt: version.createdAt,
    type: chosen ?? type,
    versionId: version.id,
    versionNumber: version.number,
    lastNumber: version.number,
    size: version.size,
    sha256: version.sha256,
    contentType: version.contentType,
    contentAt: version.createdAt,
  }
}

/** QUOTA_EXCEEDED when no room is left for a new asset, which takes the place of mere `markers`. */
export async function payForAsset(
  tx: CatalogTransaction,
  { bucket, ownerId, service, bytes, markers }: NextAsset,
): Promise<void> {
  if (markers !== undefined) {
    const asset = { ...markers, ownerId, service }
    await payForVersion(tx, { bucket, asset, was: markers, bytes })
    return
  }
  const payers = { bucket: bucket.name, owner: ownerId, service }
  await enforceQuotas(tx, payers, { assets: 1, bytes })
}

interface NextAsset extends Pick<Asset, 'ownerId' | 'service'> {
  readonly bucket: Bucket
  readonly bytes: number
  readonly markers?: Asset | undefined
}

/** QUOTA_EXCEEDED when no room is left for a further version of `bytes`. */
export async function payForVersion(
  tx: CatalogTransaction,
  { bucket, asset, was = asset, bytes }: NextVersion,
): Promise<void> {
  const grown = bytes - (await replacedBytes(tx, bucket, asset))
  const { ownerId: owner, service } = asset
  const payers = { bucket: bucket.name, owner, service }
  const next: readonly [QuotaScope, boolean][] = [
    ['bucket', false],
    ['owner', owner !== was.ownerId],
    ['service', service !== was.service],
  ]
  for (const [only, isNew] of next) {
    await enforceQuotas(tx, { ...payers, only }, { assets: isNew ? 1 : 0, bytes: grown })
  }
}

interface NextVersion {
  readonly bucket: Bucket
  readonly asset: Asset
  /** Whose it counted as so far, where others have it from now on. */
  readonly was?: Asset | undefined
  readonly bytes: number
}

async function replacedBytes(
  tx: CatalogTransaction,
  bucket: Bucket,
  asset: Asset,
): Promise<number> {
  const { versioning } = bucket.settings
  if (versioning === 'enabled') return 0
  if (versioning === 'disabled') return asset.size
  return (await tx.objects.nullVersion(asset.id))?.size ?? 0
}

/** Markers mean nothing once the asset lives again in a bucket that keeps no history. */
export async function removeMarkers(tx: CatalogTransaction, assetId: string): Promise<void> {
  const kinds = ['marker'] as const
  const markers = await tx.versions.list({ assetId, kinds, deleted: 'with', limit: 1000 })
  for (const marker of markers) await tx.remove.version(marker.id)
}

/** The asset with the patch, and what it changed, for the change log; null when nothing did. */
export function patched(
  asset: Asset,
  patch: AssetPatch,
): { readonly asset: Asset; readonly detail: JsonObject | null } {
  const detail: { [field: string]: JsonObject } = {}
  const next = { ...asset }
  if (patch.name !== undefined && patch.name !== asset.name) {
    next.name = patch.name
    detail.name = { was: asset.name, is: patch.name }
  }
  if (patch.type !== undefined && patch.type !== asset.type) {
    next.type = patch.type
    detail.type = { was: asset.type, is: patch.type }
  }
  if (patch.tags !== undefined && !isDeepStrictEqual(patch.tags, asset.tags)) {
    next.tags = patch.tags
    detail.tags = { was: asset.tags, is: patch.tags }
  }
  if (patch.metadata !== undefined && !isDeepStrictEqual(patch.metadata, asset.metadata)) {
    next.metadata = patch.metadata
    detail.metadata = { ...compareMetadata(asset.metadata, patch.metadata) }
  }
  if (patch.acl !== undefined && !isDeepStrictEqual(patch.acl, asset.acl)) {
    next.acl = patch.acl
    detail.acl = { was: plainAcl(asset.acl), is: plainAcl(patch.acl) }
  }
  const changed = Object.keys(detail).length > 0
  return changed ? { asset: next, detail } : { asset, detail: null }
}

function plainAcl(acl: Acl | null): JsonObject | null {
  return acl === null ? null : { read: acl.read, write: acl.write }
}
