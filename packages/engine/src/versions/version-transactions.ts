import { HoldfastError } from '@holdfast/core/errors.ts'
import { bounds } from '@holdfast/core/limits.ts'
import type { CatalogTransaction, Moment, NewChange } from '@holdfast/core/ports/catalog.ts'
import type { Asset, JsonObject, Version } from '@holdfast/core/records.ts'
import { storedAsset } from '../assets/writes/stored-asset.ts'
import { findVersion } from './find-version.ts'
import { requireUnlocked } from './lock.ts'
import { compareMetadata, mergeMetadata } from './metadata.ts'

export interface UpdateVersionArgs {
  readonly assetId: string
  readonly versionId: string
  readonly tag?: { readonly name: string; readonly description: string } | undefined
  /** Merged: top-level keys replace, null removes. */
  readonly metadata?: JsonObject | undefined
  readonly description?: string | undefined
}

/** Changes what is said about a version. Its content never changes. */
export async function updateVersionTransaction(
  tx: CatalogTransaction,
  args: UpdateVersionArgs,
  moment: Moment,
): Promise<Version> {
  const asset = await storedAsset(tx, args.assetId)
  const version = await findVersion(tx, asset, args.versionId)
  const { tag } = args
  // What is locked is held with what it says; a name for it changes nothing of it, as tags of S3.
  if (args.metadata !== undefined || args.description !== undefined) {
    requireUnlocked(version, moment)
  }
  if (tag !== undefined) await requireFreeTag(tx, version, tag.name)
  const metadata = mergeMetadata(version.metadata, args.metadata ?? {})
  const next: Version = {
    ...version,
    seq: await tx.nextSeq(),
    metadata,
    description: args.description ?? version.description,
    tags: tag === undefined ? version.tags : [...version.tags, { ...tag, taggedAt: moment.now }],
  }
  await tx.put.version(next)
  const changes = compareMetadata(version.metadata, metadata)
  await tx.note(
    versionChange(
      'version.updated',
      { asset, version: next },
      {
        ...(tag === undefined ? {} : { tag: tag.name }),
        ...(args.metadata === undefined ? {} : { metadata: { ...changes } }),
        ...(args.description === undefined ? {} : { description: args.description }),
      },
    ),
  )
  return next
}

export async function removeVersionTransaction(
  tx: CatalogTransaction,
  args: { readonly assetId: string; readonly versionId: string },
  moment: Moment,
): Promise<Version> {
  const asset = await storedAsset(tx, args.assetId)
  const version = await findVersion(tx, asset, args.versionId)
  if (version.id === asset.versionId) {
    throw new HoldfastError('VERSION_CURRENT', { version_id: version.id })
  }
  requireUnlocked(version, moment)
  return softDelete(tx, moment, { asset, version })
}

/** Hides a version; its bytes stay referenced. */
export async function softDelete(
  tx: CatalogTransaction,
  moment: Moment,
  { asset, version }: { readonly asset: Asset; readonly version: Version },
): Promise<Version> {
  const next: Version = { ...version, seq: await tx.nextSeq(), deletedAt: moment.now }
  await tx.put.version(next)
  await tx.note(versionChange('version.deleted', { asset, version: next }, {}))
  return next
}

/** A tag names one version of an asset, deleted versions included: their names may come back. */
async function requireFreeTag(
  tx: CatalogTransaction,
  version: Version,
  name: string,
): Promise<void> {
  if (version.tags.length >= bounds.versionTagsMax) {
    throw new HoldfastError('TOO_MANY_ITEMS', { limit: bounds.versionTagsMax })
  }
  const { assetId } = version
  const query = { assetId, kinds: ['content'] as const, deleted: 'with' as const, tag: name }
  const [holder] = await tx.versions.list({ ...query, limit: 1 })
  if (holder === undefined) return
  throw new HoldfastError('VERSION_TAG_EXISTS', { tag: name, version: holder.number })
}

function versionChange(
  what: 'version.updated' | 'version.deleted',
  { asset, version }: { readonly asset: Asset; readonly version: Version },
  detail: JsonObject,
): NewChange {
  return {
    what,
    bucketId: asset.bucketId,
    assetId: asset.id,
    versionId: version.id,
    detail: { number: version.number, ...detail },
  }
}
