import type { Call } from '@holdfast/core/call.ts'
import { HoldfastError } from '@holdfast/core/errors.ts'
import type { Acl, Asset, Bucket } from '@holdfast/core/records.ts'
import {
  decide,
  type Fresh,
  hasScope,
  isAdministrator,
  type Resource,
  refusal,
  tagsAreTold,
} from '../access/decide.ts'
import { GIVEN, namesEverybody } from '../access/list-rights.ts'
import {
  defaultService,
  mayName,
  requireOwnName,
  requireOwnService,
} from '../access/named-owner.ts'
import { requireNoGain, requireSameCaller } from '../access/no-gain.ts'
import { askedTags, judgedShown } from '../access/policy/asked-tags.ts'
import { onlyUnlisted, onlyUnpublished } from '../access/policy/carried-lists.ts'
import { onlyUntagged } from '../access/policy/carried-tags.ts'
import { authorisedAnew } from '../access/rights-now.ts'
import { findBucket } from '../buckets/find-bucket.ts'
import { commit } from '../commit.ts'
import type { Engine } from '../engine.ts'
import { stretchesOf } from '../stretches.ts'
import { requireAccepted } from './accepted.ts'
import { requireFields } from './asset-fields.ts'
import { authorizeAsset, bucketOf, findSeen } from './find-asset.ts'
import { defaultKey } from './intake/default-key.ts'
import { keyTaken, requirePlace } from './intake/put-target.ts'
import { requirePreconditions } from './preconditions.ts'
import { type CarryingLists, hasListAnywhere, hasPublicVersion } from './writes/carried-lists.ts'
import { type Carrying, hasTags, hasTagsAnywhere } from './writes/carried-tags.ts'
import { seenOf } from './writes/seen.ts'
import { holderOf } from './writes/stored-asset.ts'

export interface MoveInput {
  /** Bucket name; absent: the bucket stays. */
  readonly bucket?: string | undefined
  readonly key?: string | undefined
  readonly name?: string | undefined
  readonly ifMatch?: readonly string[] | undefined
}

/** Moves or renames: the id, the versions and the links stay. */
export async function moveAsset(
  engine: Engine,
  call: Call,
  id: string,
  input: MoveInput,
): Promise<Asset> {
  return await authorisedAnew(engine, call, now => authoriseAndMove(engine, now, id, input))
}

async function authoriseAndMove(
  engine: Engine,
  call: Call,
  id: string,
  input: MoveInput,
): Promise<Asset> {
  const wanted = { id, permission: 'assets:write', deleted: 'refuse' } as const
  const { asset, bucket: from, seen } = await findSeen(engine, call, wanted)
  requireFields(input)
  requirePreconditions(asset, input)
  const key = input.key ?? asset.key
  const fresh = { ownerId: asset.ownerId, key }
  const bucket = await targetBucket(engine, call, { asset, name: input.bucket, fresh })
  // Grants and policies go by the key: the new one must be as open to the caller as the old one.
  const isElsewhere = bucket.id !== from.id
  const version = isElsewhere ? await judgedShown(engine.catalog.view, bucket, asset) : undefined
  const objectTags = await askedTags(engine.catalog.view, bucket, asset)
  const there = { bucket, asset: { ...asset, key }, objectTags }
  const moves = isElsewhere || key !== asset.key
  if (moves) requirePlace(call, bucket, fresh)
  if (!decide(call.principal, 'assets:write', there).allowed) {
    throw new HoldfastError('FORBIDDEN', { permission: 'assets:write' })
  }
  const carried = await carriedBy(engine, call, { asset, there, moves, isElsewhere })
  const was = { bucket: from, asset }
  // In words of policies it is deleted where it lies, as by a rename of S3.
  if (moves) {
    const actions = ['s3:DeleteObject'] as const
    await authorizeAsset(engine, call, { asset, permission: 'assets:write', actions })
  }
  const is = { bucket, asset: { ...asset, key } }
  const changeSeq = await requireNoGain(engine, call, { was, is })
  await requireFree(engine, call, { bucket, key, except: asset.id })
  await requireSameCaller(engine, call)
  const args = {
    assetId: asset.id,
    bucketId: bucket.id,
    key,
    name: input.name ?? null,
    lastNumber: asset.lastNumber,
    ...carried,
    seen: [...seen, { ...seenOf(from, asset, version), changeSeq }, seenOf(bucket, undefined)],
    preconditions: { ifMatch: input.ifMatch },
  }
  return commit(engine, call, { name: 'assets.move', args })
}

/** What may come along only as far as it is not there: the transaction proves that it is not. */
async function carriedBy(
  { catalog: { view }, lists }: Engine,
  call: Call,
  { asset, there, moves, isElsewhere }: Move,
): Promise<Carrying & CarryingLists> {
  const about = { ...there, permission: 'assets:write' } as const
  const giveWay = lists.giveWay(call)
  const isTagged = () => hasTagsAnywhere(view, asset, giveWay)
  const isListed = () => hasListAnywhere(view, asset, giveWay)
  const isPublished = async () => {
    return namesEverybody(asset.acl) || (await hasPublicVersion(view, asset.id, giveWay))
  }
  return {
    isUntagged: moves && (await onlyUntagged(call, about, isTagged)),
    isUnlisted: moves && (await onlyUnlisted(call, about, isListed)),
    // Within a bucket nothing is opened that was not.
    isUnpublished: isElsewhere && (await onlyUnpublished(there.bucket, isPublished)),
  }
}

interface Move {
  readonly asset: Asset
  readonly there: Resource & { readonly bucket: Bucket }
  readonly moves: boolean
  readonly isElsewhere: boolean
}

export interface CopyInput {
  readonly bucket?: string | undefined
  /** Absent: a new default key. */
  readonly key?: string | undefined
  readonly name?: string | undefined
  readonly ownerId?: string | undefined
  readonly service?: string | undefined
  readonly createdBy?: string | undefined
}

/** A new asset with the same content, tags and metadata, and a history of its own. */
export async function copyAsset(
  engine: Engine,
  call: Call,
  id: string,
  input: CopyInput,
): Promise<Asset> {
  return await authorisedAnew(engine, call, now => authoriseAndCopy(engine, now, id, input))
}

async function authoriseAndCopy(
  engine: Engine,
  call: Call,
  id: string,
  input: CopyInput,
): Promise<Asset> {
  const wanted = { id, permission: 'assets:read', deleted: 'hide' } as const
  const { asset, bucket: from, seen } = await findSeen(engine, call, wanted)
  requireFields(input)
  // They come along, and would be read at the copy.
  const { view } = engine.catalog
  const objectTags = await askedTags(view, from, asset)
  const isTagged = async () => hasTags(asset, await view.versions.briefById(asset.versionId))
  const isClosed = !tagsAreTold(call.principal, { bucket: from, asset, objectTags })
  if (isClosed && (await isTagged())) {
    throw refusal(
      call.principal,
      'metadata:read',
      'the tags of the source are closed to the caller',
    )
  }
  const name = input.name ?? asset.name
  const service = input.service ?? (await serviceOfCopy(engine, call, asset))
  const ownerId = (input.ownerId ?? ownerOfCopy(call, asset)).toLowerCase()
  const key = input.key ?? defaultKey(engine, { service, ownerId, name })
  const fresh = { ownerId, key }
  const bucket = await writableBucket(engine, call, { asset, name: input.bucket, fresh })
  const permission = 'assets:write'
  const there = { bucket, fresh: { ...fresh, isTaken: true }, objectTags: {}, permission } as const
  const isUntagged = (await onlyUntagged(call, there, isTagged)) || isClosed
  // That the source still has this list is compared where it is written.
  const acl = copiedAcl(call, { bucket: from, asset }, { bucket, fresh })
  await onlyUnlisted(call, there, async () => acl !== null)
  await onlyUnpublished(bucket, async () => namesEverybody(acl))
  requireOwnName(call.principal, ownerId)
  await requireOwnService(engine, call, service)
  await requireFree(engine, call, { bucket, key, except: null })
  const args = {
    assetId: asset.id,
    bucketId: bucket.id,
    key,
    name: input.name ?? null,
    service,
    ownerId,
    acl,
    isUntagged,
    seen: [...seen, seenOf(bucket, undefined)],
    createdBy: input.createdBy ?? call.principal.name,
  }
  return (await commit(engine, call, { name: 'assets.copy', args })).asset
}

/** Who may not name the one that it has names none. */
async function serviceOfCopy(engine: Engine, call: Call, { service }: Asset): Promise<string> {
  return (await mayName(engine, call, service)) ? service : defaultService
}

/** Who may only make assets of their own makes this one their own. */
function ownerOfCopy({ principal }: Call, asset: Asset): string {
  return hasScope(principal, 'assets:write') ? asset.ownerId : principal.id
}

interface Target {
  readonly asset: Asset
  readonly name: string | undefined
  readonly fresh: { readonly ownerId: string; readonly key: string }
}

async function targetBucket(engine: Engine, call: Call, target: Target): Promise<Bucket> {
  const bucket = await bucketOf(engine, target.asset)
  if (target.name === undefined || target.name === bucket.name) return bucket
  const other = await writableBucket(engine, call, target)
  await requireAcceptedVersions(engine, call, { bucket: other, asset: target.asset })
  return other
}

/** The bucket that takes the content: the caller may write there, and it accepts such content. */
async function writableBucket(
  engine: Engine,
  call: Call,
  { asset, name, fresh }: Target,
): Promise<Bucket> {
  const wanted = name ?? (await bucketOf(engine, asset)).name
  const permission = 'assets:write'
  const bucket = await findBucket(engine, call, { name: wanted, permission, fresh })
  requireAccepted(bucket, asset)
  return bucket
}

/** The history comes along, so it must fit too. */
async function requireAcceptedVersions(
  { catalog: { view }, lists }: Engine,
  call: Call,
  { bucket, asset }: { readonly bucket: Bucket; readonly asset: Asset },
): Promise<void> {
  for await (const stretch of stretchesOf(view, asset.id, lists.giveWay(call))) {
    for (const content of await view.versions.contents(asset.id, stretch)) {
      requireAccepted(bucket, content)
    }
  }
}

/** Early ASSET_EXISTS that can name the other asset; the transaction decides. */
async function requireFree(
  engine: Engine,
  call: Call,
  place: { readonly bucket: Bucket; readonly key: string; readonly except: string | null },
): Promise<void> {
  const { view } = engine.catalog
  const holder = await holderOf(view, await view.assets.byKey(place.bucket.id, place.key))
  if (holder === undefined || holder.id === place.except) return
  throw keyTaken(call, place.bucket, holder)
}

/**
 * A copy of a guarded asset stays guarded, and its maker keeps a hold on it as far as it has one:
 * reading what it may read of the source, writing, for itself and those named, what it may write
 * where the copy lies.
 */
function copiedAcl(
  { principal }: Call,
  was: { readonly bucket: Bucket; readonly asset: Asset },
  is: { readonly bucket: Bucket; readonly fresh: Fresh },
): Acl | null {
  const { acl } = was.asset
  if (acl === null || isAdministrator(principal)) return acl
  const withMaker = (ids: readonly string[]) =>
    ids.includes(principal.id) ? ids : [...ids, principal.id]
  const reads = GIVEN.read.every(one => decide(principal, one, was).allowed)
  const writes = GIVEN.write.every(one => decide(principal, one, is).allowed)
  return {
    read: reads ? withMaker(acl.read) : acl.read,
    write: writes ? withMaker(acl.write) : [],
  }
}
