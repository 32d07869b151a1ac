import { HoldfastError } from '@holdfast/core/errors.ts'
import type { CatalogTransaction, Moment } from '@holdfast/core/ports/catalog.ts'
import type { Asset, Bucket, JsonObject } from '@holdfast/core/records.ts'
import { prescribesRetention } from '../../versions/lock.ts'
import { mergeMetadata } from '../../versions/metadata.ts'
import { type Preconditions, requirePreconditions } from '../preconditions.ts'
import { type AssetPatch, appendVersion, patched, payForVersion } from './asset-writes.ts'
import { changeOf, contentOfVersion, shownOf } from './change-detail.ts'
import { type Incoming, keepIncoming } from './incoming.ts'
import type { PutResult } from './put-transaction.ts'
import { liveAsset, storedBucket } from './stored-asset.ts'

export interface UpdateArgs {
  readonly assetId: string
  readonly preconditions: Preconditions
  /** Top-level keys replace those of the asset; null removes one. */
  readonly metadata?: JsonObject | undefined
  readonly patch: Omit<AssetPatch, 'metadata'>
  readonly content: UpdatedContent | null
  readonly createdBy: string
  readonly description: string
}

export interface UpdatedContent {
  readonly incoming: Incoming
  readonly contentType: string
}

/** Changes what is known about an asset, and its content when its SHA-256 differs. */
export async function updateTransaction(
  tx: CatalogTransaction,
  args: UpdateArgs,
  moment: Moment,
): Promise<PutResult> {
  const asset = await liveAsset(tx, args.assetId)
  requirePreconditions(asset, args.preconditions)
  const metadata = args.metadata && mergeMetadata(asset.metadata, args.metadata)
  const { asset: next, detail } = patched(asset, { ...args.patch, metadata })
  const { content } = args
  if (content !== null) {
    const bucket = await storedBucket(tx, asset.bucketId)
    // A retention that is prescribed holds from each put on, whatever was put.
    if (content.incoming.facts.sha256 !== asset.sha256 || prescribesRetention(bucket)) {
      return replaceContent(tx, moment, { bucket, asset, next, detail, args, content })
    }
  }
  // The answer says that these bytes are kept: if they were lost, they are kept from now on.
  if (content !== null) await keepIncoming(tx, content.incoming)
  const version = await tx.versions.byId(asset.versionId)
  if (version === undefined) throw new HoldfastError('VERSION_NOT_FOUND')
  if (detail === null) return { asset, version, outcome: 'unchanged' }
  const written: Asset = { ...next, updatedAt: moment.now, seq: await tx.nextSeq() }
  await tx.put.asset(written)
  await tx.note(changeOf('asset.updated', written, detail))
  return { asset: written, version, outcome: 'unchanged' }
}

interface Replacement {
  readonly bucket: Bucket
  readonly asset: Asset
  readonly next: Asset
  readonly detail: JsonObject | null
  readonly args: UpdateArgs
  readonly content: UpdatedContent
}

async function replaceContent(
  tx: CatalogTransaction,
  moment: Moment,
  { bucket, asset, next, detail, args, content }: Replacement,
): Promise<PutResult> {
  const { facts } = content.incoming
  await payForVersion(tx, { bucket, asset, bytes: facts.size })
  await keepIncoming(tx, content.incoming)
  const result = await appendVersion(tx, moment, {
    bucket,
    asset: next,
    content: {
      sha256: facts.sha256,
      md5: facts.md5,
      size: facts.size,
      contentType: content.contentType,
      type: args.patch.type,
      change: 'update',
      description: args.description,
      createdBy: args.createdBy,
    },
  })
  const facets = { ...contentOfVersion(result.version), was: shownOf(asset), ...detail }
  await tx.note(changeOf('version.created', result.asset, facets))
  return { ...result, outcome: 'replaced' }
}
