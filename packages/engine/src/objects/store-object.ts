import { hash } from 'node:crypto'
import type { Call } from '@holdfast/core/call.ts'
import { isHoldfastError } from '@holdfast/core/errors.ts'
import { isUuid } from '@holdfast/core/ids.ts'
import { contentTypeProblem } from '@holdfast/core/names.ts'
import type { ObjectFacets } from '@holdfast/core/objects.ts'
import type { Principal } from '@holdfast/core/principal.ts'
import type { Action } from '../access/actions.ts'
import { requireGrantRights } from '../access/grant-rights.ts'
import { requireAccepted } from '../assets/accepted.ts'
import { requireAllowedBytes, resolveType } from '../assets/intake/content-type.ts'
import { type CheckedPut, checkedPut } from '../assets/intake/put-fields.ts'
import { againTarget, type PutTarget, targetAfterBody } from '../assets/intake/put-target.ts'
import type { Incoming } from '../assets/writes/incoming.ts'
import type { PutArgs, PutResult } from '../assets/writes/put-transaction.ts'
import { seenOf } from '../assets/writes/seen.ts'
import type { Engine } from '../engine.ts'
import { settleAfterPut } from '../integrity/examine.ts'
import { assetMetadataOf, assetTagsOf } from './asset-words.ts'
import type { ETagConditions } from './etag.ts'
import { completeFacets, type ObjectInput } from './object-facets.ts'
import { type StoredObject, storedObject } from './object-views.ts'

/** Content at hand, to become the newest version at a key. */
export interface ReadyObject {
  readonly put: CheckedPut
  readonly target: PutTarget
  readonly incoming: Incoming
  /** First bytes, for recognising the type. */
  readonly head: Uint8Array
  readonly facets: ObjectFacets
  readonly conditions: ETagConditions
}

/** The put of an object in words of assets. VALIDATION_ERROR for names that no door takes. */
export function objectPut(
  engine: Engine,
  call: Call,
  wanted: {
    readonly bucket: string
    readonly key: string
    readonly facets: ObjectInput
    readonly length?: number | undefined
  },
): CheckedPut {
  const { bucket, key, facets, length } = wanted
  return checkedPut(engine, {
    bucket,
    key,
    length,
    service: 's3',
    ownerId: ownerOf(call.principal),
    mode: 'replace',
    tags: assetTagsOf(facets.tags ?? []),
    metadata: assetMetadataOf(facets.userMetadata ?? {}),
    actions: actionsOfFacets(facets),
  })
}

/**
 * What headers ask for beside a put, which AWS takes as actions of their own
 * (https://docs.aws.amazon.com/AmazonS3/latest/API/API_PutObject.html, permissions).
 */
function actionsOfFacets({ tags = [], acl, retention, legalHold }: ObjectInput): Action[] {
  return [
    ...(tags.length === 0 ? [] : (['s3:PutObjectTagging'] as const)),
    ...(acl === undefined ? [] : (['s3:PutObjectAcl'] as const)),
    ...(retention === undefined ? [] : (['s3:PutObjectRetention'] as const)),
    ...(legalHold === undefined ? [] : (['s3:PutObjectLegalHold'] as const)),
  ]
}

/** The UUID that stands for a principal as owner: its own id, or one derived from it. */
export function ownerOf({ id }: Principal): string {
  if (isUuid(id)) return id.toLowerCase()
  const hex = hash('sha256', `owner:${id}`, 'hex')
  const parts = [
    hex.slice(0, 8),
    hex.slice(8, 12),
    `8${hex.slice(13, 16)}`,
    `8${hex.slice(17, 20)}`,
  ]
  return `${parts.join('-')}-${hex.slice(20, 32)}`
}

const ATTEMPTS_MAX = 5

/** Commits, authorising anew when the key changed hands in between. */
export async function storeObject(
  engine: Engine,
  call: Call,
  { ready, commit }: { ready: ReadyObject; commit: (args: PutArgs) => Promise<PutResult> },
): Promise<StoredObject> {
  let next = { ...ready, ...(await targetAfterBody(engine, call, ready)) }
  for (let attempt = 1; ; attempt += 1) {
    try {
      const { asset, version } = await commit(await argsOf(engine, next.call, next))
      await settleAfterPut(engine, [version.sha256])
      return storedObject(next.target.bucket, asset, version)
    } catch (error) {
      const again = isHoldfastError(error) && error.code === 'CHANGED_MEANWHILE'
      if (!again || attempt >= ATTEMPTS_MAX) throw error
    }
    next = { ...next, ...(await againTarget(engine, call, next.put)) }
  }
}

async function argsOf(engine: Engine, call: Call, ready: ReadyObject): Promise<PutArgs> {
  const { put, target, incoming, head, conditions } = ready
  const { bucket, existing } = target
  const facets = completeFacets(bucket, ready.facets, engine.clock.now())
  requireTargetGrants(call, { put, target, facets })
  const contentType = await safeType(facets.headers?.contentType, head)
  requireAccepted(bucket, { size: incoming.facts.size, contentType })
  await requireAllowedBytes(bucket, contentType, head)
  const { tags, metadata, service, ownerId } = put.fields
  return {
    bucketId: bucket.id,
    key: target.key,
    authorisedId: existing?.id ?? null,
    seen: seenOf(bucket, existing),
    holds: target.holder !== undefined,
    displaces: target.displaces,
    mode: 'replace',
    preconditions: {},
    incoming,
    contentType,
    typeDeclared: true,
    patch: { tags, metadata },
    newName: put.newName,
    service,
    ownerId,
    createdBy: call.principal.name,
    description: '',
    object: { facets, conditions },
  }
}

/** FORBIDDEN where the object would be open to others, though the caller may not read it. */
export function requireTargetGrants(
  call: Call,
  { put, target, facets }: Pick<ReadyObject, 'put' | 'target' | 'facets'>,
): void {
  const { bucket, key, holder: asset } = target
  const { ownerId } = put.fields
  const object = { bucket, key, asset, ownerId, isTaken: asset === undefined }
  requireGrantRights(call, object, facets.acl)
}

/**
 * S3 takes any bytes under any name of a type and gives the name back. For doors that show content
 * in browsers the version keeps a type that the bytes do not contradict.
 */
async function safeType(declared: string | undefined, head: Uint8Array): Promise<string> {
  const named = declared !== undefined && contentTypeProblem(declared) === undefined
  try {
    return (await resolveType(named ? declared : undefined, head)).contentType
  } catch (error) {
    if (!isHoldfastError(error) || error.code !== 'CONTENT_TYPE_MISMATCH') throw error
    return (await resolveType(undefined, head)).contentType
  }
}
