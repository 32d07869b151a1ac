import type { Call } from '@holdfast/core/call.ts'
import { HoldfastError } from '@holdfast/core/errors.ts'
import type { Asset, Bucket } from '@holdfast/core/records.ts'
import { actionPermissions } from '../../access/actions.ts'
import { authorize, decide, type Fresh, LOCKS, mayKnow, refusal } from '../../access/decide.ts'
import { requireListRights } from '../../access/list-rights.ts'
import { requireOwnName, requireOwnService } from '../../access/named-owner.ts'
import { rightsMoment, rightsNow } from '../../access/rights-now.ts'
import { findBucket } from '../../buckets/find-bucket.ts'
import type { Engine } from '../../engine.ts'
import type { Arrival } from '../../quotas/arriving.ts'
import { enforceQuotas } from '../../quotas/enforce-quotas.ts'
import { requireAllowedType, requireLength } from '../accepted.ts'
import { requirePreconditions } from '../preconditions.ts'
import { holderOf } from '../writes/stored-asset.ts'
import { isUndeclared } from './content-type.ts'
import { lacksToDisplace } from './displace.ts'
import { actionsOf, type CheckedPut, type PutFields } from './put-fields.ts'

/** Where a put goes, as the caller was allowed to see it a moment ago. */
export interface PutTarget {
  readonly bucket: Bucket
  readonly key: string
  readonly existing: Asset | undefined
  /** The same, unless no content holds the key: then it is judged as if it were not there. */
  readonly holder: Asset | undefined
  /** Whether what is deleted there goes to the trash, and what is put is another asset. */
  readonly displaces: boolean
  /** Of the rights that were decided by. */
  readonly moment: number
}

/**
 * Looks the target up, authorises, and refuses early what the transaction would refuse in the end.
 */
export async function findTarget(
  engine: Engine,
  call: Call,
  { fields, key, isOwnerSettled = false }: Omit<CheckedPut, 'newName'>,
): Promise<PutTarget> {
  const moment = call.moment ?? rightsMoment(engine)
  const name = fields.bucket
  const bucket = await findBucketForPut(engine, call, name)
  const { bucketId = bucket.id } = fields
  if (bucket.id !== bucketId) throw new HoldfastError('LINK_INVALID')
  const existing = await engine.catalog.view.assets.byKey(bucket.id, key)
  const holder = await holderOf(engine.catalog.view, existing)
  const creates = fields.mode === 'create'
  const fresh = { ownerId: fields.ownerId.toLowerCase(), key }
  // A put is not judged by the tags of what it replaces, at AWS as at the door of S3.
  const objectTags = {}
  if (holder === undefined || creates) {
    requirePlace(call, bucket, fresh)
    if (!isOwnerSettled) requireOwnName(call.principal, fresh.ownerId)
    await requireOwnService(engine, call, fields.service)
  }
  if (creates && existing?.deletedAt === null) throw keyTaken(call, bucket, existing)
  const replaced = holder && { bucket, asset: holder, objectTags }
  if (holder && replaced && !decide(call.principal, 'assets:write', replaced).allowed) {
    throw refusedReplacement(call, bucket, { existing: holder, mode: fields.mode, fresh })
  }
  // In create mode what is deleted goes, with its list; by who may not remove it, it goes on.
  const deleted = creates ? holder : undefined
  const displaces =
    deleted !== undefined && !(await lacksToDisplace(engine, call, { bucket, asset: deleted }))
  const asset = displaces ? undefined : holder
  const taken = { ...fresh, isTaken: true }
  // Tags and lists are part of what is put; a lock is more.
  for (const action of fields.actions ?? actionsOf(fields)) {
    const permission = LOCKS.has(action) ? actionPermissions[action] : 'assets:write'
    const about = { bucket, asset, fresh: taken, action, objectTags }
    const { allowed, reason } = decide(call.principal, permission, about)
    // That it is there is no secret to who may write over it.
    if (!allowed) throw refusal(call.principal, permission, reason)
  }
  requireListRights(call, { bucket, asset, fresh }, fields.acl)
  requirePreconditions(existing?.deletedAt === null ? existing : undefined, fields)
  return { bucket, key, existing, holder, displaces, moment }
}

/** A target, and the call with the rights that it was allowed by. */
export interface AskedTarget {
  readonly target: PutTarget
  readonly call: Call
}

/** The target after what was decided by changed. */
export async function againTarget(
  engine: Engine,
  call: Call,
  put: CheckedPut,
): Promise<AskedTarget> {
  const now = await rightsNow(engine, call)
  return { target: await findTarget(engine, now, put), call: now }
}

/** The target once the body is in, asked for anew where anybody's rights changed since. */
export async function targetAfterBody(
  engine: Engine,
  call: Call,
  { put, target }: { readonly put: CheckedPut; readonly target: PutTarget },
): Promise<AskedTarget> {
  if (target.moment === rightsMoment(engine)) return { target, call }
  return await againTarget(engine, call, put)
}

/** What can be refused before the body is read, from what the sender announces. */
export async function refuseEarly(
  engine: Engine,
  target: PutTarget,
  fields: PutFields,
): Promise<void> {
  const { bucket, existing, holder } = target
  const { contentType, length } = fields
  if (contentType !== undefined && !isUndeclared(contentType)) {
    requireAllowedType(bucket, contentType)
  }
  requireLength(length, bucket.settings.assetBytesMax ?? Number.MAX_SAFE_INTEGER)
  // Small bodies are cheaper to receive than to ask about; the transaction asks in any case.
  if (length === undefined || length <= engine.limits.packedBlobBytesMax) return
  // Content equal to what is there costs nothing, so a replacement may not be refused yet.
  if (holder !== undefined) return
  const payers = { bucket: bucket.name, owner: fields.ownerId, service: fields.service }
  // A mere marker may be counted already, for the same owner or another.
  const assets = existing === undefined ? 1 : 0
  await enforceQuotas(engine.catalog.view, payers, { assets, bytes: length })
}

/** What the body will weigh on, and what it may cost nothing in place of. */
export async function arrivalAt(
  engine: Engine,
  { bucket, holder, displaces }: PutTarget,
  { length, ownerId, service }: PutFields,
): Promise<Arrival> {
  const asset = displaces ? undefined : holder
  const payers = { bucket: bucket.name, owner: asset?.ownerId ?? ownerId, service }
  if (asset === undefined) return { payers, length }
  const { versioning } = bucket.settings
  const plain =
    versioning === 'suspended' ? await engine.catalog.view.objects.nullVersion(asset.id) : undefined
  const instead = { id: asset.id, size: Math.max(asset.size, plain?.size ?? 0) }
  return { payers: { ...payers, service: asset.service }, length, instead }
}

/**
 * Whatever comes to a free key is asked for as a new object there: to own it, or to be named in its
 * list, opens no other key. What is not there has no tags to be judged by.
 */
export function requirePlace({ principal }: Call, bucket: Bucket, fresh: Fresh): void {
  authorize(principal, 'assets:write', { bucket, fresh, objectTags: {} })
}

/** ASSET_EXISTS; the id of the other asset only for who may read it. */
export function keyTaken(call: Call, bucket: Bucket, existing: Asset): HoldfastError {
  const visible = decide(call.principal, 'assets:read', { bucket, asset: existing }).allowed
  const found = visible && existing.deletedAt === null
  return new HoldfastError('ASSET_EXISTS', found ? { existing_asset_id: existing.id } : {})
}

async function findBucketForPut(engine: Engine, call: Call, name: string): Promise<Bucket> {
  const known = await engine.catalog.view.buckets.byName(name)
  // Without the permission in the bucket a put may still be allowed by the asset's access list.
  return known ?? findBucket(engine, call, { name, permission: 'assets:write' })
}

function refusedReplacement(
  call: Call,
  bucket: Bucket,
  { existing, mode, fresh }: { existing: Asset; mode: PutFields['mode']; fresh: Fresh },
): HoldfastError {
  // Somebody else's asset: the answer is that for a place where the caller may not write.
  authorize(call.principal, 'assets:write', { bucket, fresh })
  if (mode === 'create') return keyTaken(call, bucket, existing)
  const place = { bucket, asset: existing }
  // Whether one that is hidden from the caller has a list is not told.
  const { reason } = mayKnow(call.principal, place)
    ? decide(call.principal, 'assets:write', place)
    : { reason: 'no scope grants it' }
  return new HoldfastError('FORBIDDEN', { permission: 'assets:write', reason })
}
