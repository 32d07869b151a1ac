import { HoldfastError, isHoldfastError } from '@holdfast/core/errors.ts'
import { assetTypeOf } from '@holdfast/core/names.ts'
import type { ObjectFacets } from '@holdfast/core/objects.ts'
import type { CatalogTransaction, Moment } from '@holdfast/core/ports/catalog.ts'
import type { Asset, Bucket, Version } from '@holdfast/core/records.ts'
import { type ETagConditions, requireETag } from '../../objects/etag.ts'
import { prescribesRetention } from '../../versions/lock.ts'
import { type Preconditions, requirePreconditions } from '../preconditions.ts'
import {
  type AssetAndVersion,
  type AssetPatch,
  appendVersion,
  type NewContent,
  newVersion,
  patched,
  payForAsset,
  payForVersion,
  removeMarkers,
} from './asset-writes.ts'
import { changeOf, contentOfVersion, shownOf } from './change-detail.ts'
import { type Incoming, keepIncoming } from './incoming.ts'
import { freeKey, putOverMarkers } from './keys/free-key.ts'
import { requireSeen, type Seen } from './seen.ts'
import { holderOf } from './stored-asset.ts'

export interface PutArgs {
  readonly bucketId: string
  readonly key: string
  /** Id of the asset that the caller was authorised for; null when the key was free. */
  readonly authorisedId: string | null
  readonly seen: Seen
  /** Whether it was authorised as what content holds already; else as a free key. */
  readonly holds: boolean
  /** Whether what is deleted there gives its key away, and another asset is made. */
  readonly displaces: boolean
  readonly mode: 'create' | 'replace'
  readonly preconditions: Preconditions
  readonly incoming: Incoming
  readonly contentType: string
  readonly typeDeclared: boolean
  readonly patch: AssetPatch
  /** Name of a new asset when the patch has none. */
  readonly newName: string
  /** Of a new asset; an existing one keeps its own. */
  readonly service: string
  readonly ownerId: string
  readonly createdBy: string
  readonly description: string
  /** Set by puts of S3, which make a version whatever the bytes. */
  readonly object?: ObjectPut | undefined
}

export interface ObjectPut {
  readonly facets: ObjectFacets
  readonly conditions: ETagConditions
}

export interface PutResult extends AssetAndVersion {
  readonly outcome: 'created' | 'replaced' | 'unchanged'
}

/**
 * Creates or replaces the asset at a key. CHANGED_MEANWHILE when the key belongs to another asset
 * than the one authorised, or what was decided by changed: the engine then authorises anew.
 */
export async function putTransaction(
  tx: CatalogTransaction,
  args: PutArgs,
  moment: Moment,
): Promise<PutResult> {
  const bucket = await tx.buckets.byId(args.bucketId)
  if (bucket === undefined) throw new HoldfastError('BUCKET_NOT_FOUND')
  const existing = await tx.assets.byKey(bucket.id, args.key)
  if ((existing?.id ?? null) !== args.authorisedId) throw new HoldfastError('CHANGED_MEANWHILE')
  requireSeen(args.seen, bucket, existing)
  const holder = await holderOf(tx, existing)
  if ((holder !== undefined) !== args.holds) throw new HoldfastError('CHANGED_MEANWHILE')
  const shown = existing?.deletedAt === null ? existing : undefined
  requirePreconditions(shown, args.preconditions)
  if (args.object !== undefined) await requireETag(tx, shown, args.object.conditions)
  if (existing === undefined) return createAsset(tx, moment, { bucket, args })
  if (shown === undefined) {
    if (args.displaces) {
      await freeKey(tx, moment, existing)
      return createAsset(tx, moment, { bucket, args })
    }
    // Who made nothing but a marker has no part in what others put there, nor they in what it had.
    const isTaken = !args.holds && existing.ownerId !== args.ownerId
    if (isTaken) return createAsset(tx, moment, { bucket, args, markers: existing })
    return reviveAsset(tx, moment, { bucket, asset: existing, args })
  }
  // The engine saw no asset here: repeating makes it answer with what the caller may know.
  if (args.mode === 'create') throw new HoldfastError('CHANGED_MEANWHILE')
  const isSame = shown.sha256 === args.incoming.facts.sha256
  // Else who puts again what a retention is about to let go would believe it to be held.
  if (isSame && args.object === undefined && !prescribesRetention(bucket)) {
    return keepContent(tx, moment, { shown, args })
  }
  return replaceContent(tx, moment, { bucket, asset: shown, args })
}

/** All of them or none. */
export async function putManyTransaction(
  tx: CatalogTransaction,
  args: { readonly items: readonly PutArgs[] },
  moment: Moment,
): Promise<PutResult[]> {
  const results: PutResult[] = []
  for (const [index, item] of args.items.entries()) {
    try {
      results.push(await putTransaction(tx, item, moment))
    } catch (error) {
      if (!isHoldfastError(error)) throw error
      throw new HoldfastError(error.code, { ...error.details, item: index }, { cause: error })
    }
  }
  return results
}

type Scene = { readonly bucket: Bucket; readonly args: PutArgs }

async function createAsset(
  tx: CatalogTransaction,
  moment: Moment,
  { bucket, args, markers }: Scene & { readonly markers?: Asset },
): Promise<PutResult> {
  const { ownerId, service, incoming } = args
  await payForAsset(tx, { bucket, ownerId, service, bytes: incoming.facts.size, markers })
  const seq = await tx.nextSeq()
  const number = (markers?.lastNumber ?? 0) + 1
  const blank = { ...newAsset(args, moment, seq), versionNumber: number, lastNumber: number }
  const version = newVersion(blank, contentOf(args, 'create'), { moment, seq, number, bucket })
  const asset: Asset = { ...blank, versionId: version.id }
  await keepIncoming(tx, incoming)
  if (markers === undefined) await tx.put.asset(asset)
  else await putOverMarkers(tx, { bucket, was: markers, asset })
  await tx.put.version(version)
  await tx.note(changeOf('asset.created', asset, {}))
  return { asset, version, outcome: 'created' }
}

function newAsset(args: PutArgs, moment: Moment, seq: number): Asset {
  const { patch } = args
  const { facts } = args.incoming
  return {
    id: moment.newId(),
    createdSeq: seq,
    seq,
    bucketId: args.bucketId,
    key: args.key,
    name: patch.name ?? args.newName,
    type: patch.type ?? assetTypeOf(args.contentType),
    service: args.service,
    ownerId: args.ownerId,
    tags: patch.tags ?? [],
    metadata: patch.metadata ?? {},
    acl: patch.acl ?? null,
    createdAt: moment.now,
    createdBy: args.createdBy,
    updatedAt: moment.now,
    deletedAt: null,
    trashed: false,
    versionId: '',
    versionNumber: 1,
    size: facts.size,
    sha256: facts.sha256,
    contentType: args.contentType,
    contentAt: moment.now,
    lastNumber: 1,
  }
}

/** A deleted asset that still holds its key goes on with new content, as if it were created. */
async function reviveAsset(
  tx: CatalogTransaction,
  moment: Moment,
  { bucket, asset: was, args }: Scene & { readonly asset: Asset },
): Promise<PutResult> {
  const { patch, ownerId, service, createdBy } = args
  const asset = args.holds ? was : { ...was, ownerId, service, createdBy, acl: null }
  await payForVersion(tx, { bucket, asset, was, bytes: args.incoming.facts.size })
  await keepIncoming(tx, args.incoming)
  const alive: Asset = {
    ...asset,
    deletedAt: null,
    name: patch.name ?? args.newName,
    type: patch.type ?? assetTypeOf(args.contentType),
    contentType: args.contentType,
    tags: patch.tags ?? [],
    metadata: patch.metadata ?? {},
    acl: patch.acl === undefined ? asset.acl : patch.acl,
  }
  if (bucket.settings.versioning === 'disabled') await removeMarkers(tx, asset.id)
  const content = contentOf(args, 'create')
  const result = await appendVersion(tx, moment, { bucket, asset: alive, content })
  const detail = { ...contentOfVersion(result.version), revived: true }
  await tx.note(changeOf('version.created', result.asset, detail))
  return { ...result, outcome: 'created' }
}

async function replaceContent(
  tx: CatalogTransaction,
  moment: Moment,
  { bucket, asset, args }: Scene & { readonly asset: Asset },
): Promise<PutResult> {
  await payForVersion(tx, { bucket, asset, bytes: args.incoming.facts.size })
  await keepIncoming(tx, args.incoming)
  const { asset: next, detail } = patched(asset, args.patch)
  const content = contentOf(args, 'update')
  const result = await appendVersion(tx, moment, { bucket, asset: next, content })
  const facts = { ...contentOfVersion(result.version), was: shownOf(asset), ...detail }
  await tx.note(changeOf('version.created', result.asset, facts))
  return { ...result, outcome: 'replaced' }
}

/** Same bytes: no version. What was said about the asset still counts. */
async function keepContent(
  tx: CatalogTransaction,
  moment: Moment,
  { shown, args }: { readonly shown: Asset; readonly args: PutArgs },
): Promise<PutResult> {
  const version = await tx.versions.byId(shown.versionId)
  if (version === undefined) throw new HoldfastError('VERSION_NOT_FOUND')
  // The answer says that these bytes are kept: if they were lost, they are kept from now on.
  await keepIncoming(tx, args.incoming)
  const { asset, detail } = patched(shown, args.patch)
  const retyped = args.typeDeclared && args.contentType !== shown.contentType
  if (detail === null && !retyped) return { asset: shown, version, outcome: 'unchanged' }
  const next: Asset = {
    ...asset,
    contentType: retyped ? args.contentType : asset.contentType,
    updatedAt: moment.now,
    seq: await tx.nextSeq(),
  }
  await tx.put.asset(next)
  const type = retyped ? { content_type: { was: shown.contentType, is: args.contentType } } : {}
  await tx.note(changeOf('asset.updated', next, { ...detail, ...type }))
  return { asset: next, version, outcome: 'unchanged' }
}

function contentOf(args: PutArgs, change: Version['change']): NewContent {
  const { sha256, md5, size } = args.incoming.facts
  const { contentType, description, createdBy } = args
  const { type } = args.patch
  const object = args.object?.facets
  return { sha256, md5, size, contentType, type, change, description, createdBy, object }
}
