import type { Call } from '@holdfast/core/call.ts'
import { invalidFields } from '@holdfast/core/errors.ts'
import type { ObjectAcl, ObjectTag, Retention } from '@holdfast/core/objects.ts'
import type { Bucket } from '@holdfast/core/records.ts'
import { type Action, actionPermissions } from '../access/actions.ts'
import { authorizeObject } from '../access/authorize-action.ts'
import { refusal } from '../access/decide.ts'
import { requireGrantRights } from '../access/grant-rights.ts'
import { judgedOf } from '../access/policy/asked-tags.ts'
import { authorisedAnew } from '../access/rights-now.ts'
import { seenOf } from '../assets/writes/seen.ts'
import { commit } from '../commit.ts'
import type { Engine } from '../engine.ts'
import { getObject } from './find-object.ts'
import { objectOwner, requireAclAllowed, requireFuture } from './object-facets.ts'
import { type ObjectAddress, type StoredObject, storedObject } from './object-views.ts'
import type { FacetsPatch } from './writes/settings-transaction.ts'

/** Replaces the tag set; null removes it. */
export async function setObjectTags(
  engine: Engine,
  call: Call,
  input: ObjectAddress & { readonly tags: readonly ObjectTag[] | null },
): Promise<StoredObject> {
  const { tags, versionId } = input
  const verb = tags === null ? 'Delete' : 'Put'
  const action: Action = `s3:${verb}Object${versionId === undefined ? '' : 'Version'}Tagging`
  return change(engine, call, { address: input, action, patch: { tags } })
}

/** VERSION_LOCKED when that would shorten or weaken a retention that still holds. */
export async function setObjectRetention(
  engine: Engine,
  call: Call,
  input: ObjectAddress & {
    readonly retention: Retention | null
    readonly bypassGovernance?: boolean | undefined
  },
): Promise<StoredObject> {
  const { retention, bypassGovernance } = input
  requireFuture(retention ?? undefined, engine.clock.now())
  const patch = { retention }
  const action = 's3:PutObjectRetention'
  return change(engine, call, { address: input, action, patch, bypassGovernance })
}

export async function setLegalHold(
  engine: Engine,
  call: Call,
  input: ObjectAddress & { readonly legalHold: boolean },
): Promise<StoredObject> {
  const patch = { legalHold: input.legalHold }
  return change(engine, call, { address: input, action: 's3:PutObjectLegalHold', patch })
}

export async function setObjectAcl(
  engine: Engine,
  call: Call,
  input: ObjectAddress & { readonly acl: ObjectAcl },
): Promise<StoredObject> {
  const { acl, versionId } = input
  const action = versionId === undefined ? 's3:PutObjectAcl' : 's3:PutObjectVersionAcl'
  return change(engine, call, { address: input, action, patch: { acl } })
}

interface Change {
  readonly address: ObjectAddress
  readonly action: Action
  readonly patch: FacetsPatch
  readonly bypassGovernance?: boolean | undefined
}

async function change(engine: Engine, call: Call, wanted: Change): Promise<StoredObject> {
  return await authorisedAnew(engine, call, now => changeOnce(engine, now, wanted))
}

async function changeOnce(engine: Engine, call: Call, wanted: Change): Promise<StoredObject> {
  const { address, action, patch } = wanted
  const { bucket: name, key, versionId } = address
  const object = await getObject(engine, call, { bucket: name, key, versionId, action })
  const { bucket, asset, version } = object
  requireSettable(bucket, patch)
  requireSameOwner(call, object, patch.acl?.owner)
  const rights = { bucket, key, asset, version, versionId }
  requireGrantRights(call, rights, patch.acl ?? undefined)
  const bypassGovernance = wanted.bypassGovernance ?? false
  if (bypassGovernance) {
    const bypass = 's3:BypassGovernanceRetention'
    authorizeObject(call, { ...rights, action: bypass })
  }
  const seen = [seenOf(bucket, asset, judgedOf(bucket, version, versionId === undefined))]
  const of = { assetId: asset.id, versionId: version.id, isShown: versionId === undefined }
  const args = { ...of, patch, bypassGovernance, seen }
  const next = await commit(engine, call, { name: 'objects.set', args })
  return storedObject(bucket, asset, next)
}

/**
 * FORBIDDEN for a list of another owner: it would own the object. The caller may have been asked
 * about another one, which lay at the key when its list began to arrive.
 */
function requireSameOwner(call: Call, object: StoredObject, owner: string | undefined): void {
  if (owner === undefined || owner === objectOwner(object)) return
  const reason = 'an object cannot be given away'
  throw refusal(call.principal, actionPermissions['s3:PutObjectAcl'], reason)
}

function requireSettable(bucket: Bucket, { retention, legalHold, acl }: FacetsPatch): void {
  const locks = retention !== undefined || legalHold !== undefined
  if (locks && bucket.documents?.objectLock === undefined) {
    throw invalidFields({ path: 'object_lock', problem: 'is not enabled in this bucket' })
  }
  if (acl != null) requireAclAllowed(bucket, acl)
}
