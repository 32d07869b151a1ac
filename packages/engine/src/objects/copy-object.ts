import type { Call } from '@holdfast/core/call.ts'
import { HoldfastError, invalidFields } from '@holdfast/core/errors.ts'
import type { ChecksumAlgorithm, ObjectFacets, ObjectTag } from '@holdfast/core/objects.ts'
import { isToldBeside } from '../access/authorize-action.ts'
import { refusal } from '../access/decide.ts'
import { requireNoGain } from '../access/no-gain.ts'
import { judgedOf, tagsOfVersion } from '../access/policy/asked-tags.ts'
import { onlyUnlisted } from '../access/policy/carried-lists.ts'
import { onlyUntagged } from '../access/policy/carried-tags.ts'
import { authorisedAnew, rightsMoment } from '../access/rights-now.ts'
import { lacksToDisplace } from '../assets/intake/displace.ts'
import { findTarget, type PutTarget } from '../assets/intake/put-target.ts'
import { hasListAnywhere } from '../assets/writes/carried-lists.ts'
import { hasTagsAnywhere } from '../assets/writes/carried-tags.ts'
import { seenOf } from '../assets/writes/seen.ts'
import { commit } from '../commit.ts'
import { computeChecksum, headOf } from '../content/content-facts.ts'
import type { Engine } from '../engine.ts'
import { userMetadataOf } from './asset-words.ts'
import { type ETagConditions, requireETag } from './etag.ts'
import { getObject, sourceSeen } from './find-object.ts'
import { carriedFacets, type ObjectInput } from './object-facets.ts'
import type { ObjectAddress, StoredObject } from './object-views.ts'
import { requireSource, type SourceConditions } from './source-conditions.ts'
import { objectPut, storeObject } from './store-object.ts'

export interface CopyObjectInput {
  readonly from: ObjectAddress
  readonly to: { readonly bucket: string; readonly key: string }
  /** Headers and user metadata of `facets` replace those of the source. */
  readonly replaceMetadata: boolean
  /** Tags that replace those of the source; absent: they are copied. */
  readonly tags?: readonly ObjectTag[] | undefined
  /** A change of a copy onto itself that `facets` do not tell: to the standard storage class. */
  readonly changes?: boolean | undefined
  /** Storage class, lock, acl, encryption; with `replaceMetadata` headers and metadata too. */
  readonly facets: ObjectInput
  /** Computes this checksum unless the source has it. */
  readonly checksum?: ChecksumAlgorithm | undefined
  readonly sourceConditions?: SourceConditions | undefined
  readonly conditions?: ETagConditions | undefined
}

export interface CopiedObject {
  readonly source: StoredObject
  readonly object: StoredObject
}

/**
 * The content of one version at another key, without moving a byte. A copy onto itself must change
 * something: VALIDATION_ERROR else.
 */
export async function copyObject(
  engine: Engine,
  call: Call,
  input: CopyObjectInput,
): Promise<CopiedObject> {
  const moment = call.moment ?? rightsMoment(engine)
  const { versionId } = input.from
  const source = await getObject(engine, call, input.from)
  requireSource(source, input.sourceConditions ?? {})
  requireDifference(input)
  if (input.tags === undefined) requireTagsTold(call, input.from, source)
  const find = async (now: Call) => {
    const found = await getObject(engine, now, input.from)
    if (input.tags === undefined) requireTagsTold(now, input.from, found)
    return found
  }
  const carried = copiedFacets(source, input)
  const put = objectPut(engine, call, { ...input.to, facets: carried })
  const target = await findTarget(engine, call, put)
  const { conditions = {}, checksum } = input
  const shown = target.existing?.deletedAt === null ? target.existing : undefined
  await requireETag(engine.catalog.view, shown, conditions)
  const facets = await withChecksum(engine, source, { facets: carried, checksum })
  const { sha256, md5, size } = source.version
  const incoming = { facts: { sha256, md5, size }, parts: [] }
  const head = await headOf(engine, source.version)
  const ready = { put, target, incoming, head, facets, conditions }
  const seen = sourceSeen(engine, call, { source, find, versionId, moment })
  const object = await storeObject(engine, call, {
    ready,
    commit: async put => {
      const args = { put, seen: [await seen()] }
      return await commit(engine, call, { name: 'objects.copy', args })
    },
  })
  return { source, object }
}

/** https://docs.aws.amazon.com/AmazonS3/latest/API/API_CopyObject.html#API_CopyObject_RequestSyntax */
function requireDifference(input: CopyObjectInput): void {
  const { from, to, replaceMetadata, tags, facets, checksum } = input
  const same = from.bucket === to.bucket && from.key === to.key && from.versionId === undefined
  const changes = [tags, facets.storageClass, facets.encryption, checksum]
  if (!same || replaceMetadata || input.changes === true) return
  if (changes.some(one => one !== undefined)) return
  const problem = 'a copy onto itself must change metadata, storage class, encryption or checksum'
  throw invalidFields({ path: 'copy_source', problem })
}

/** A copy must not be a way around a denial of reading the tags of its source. */
function requireTagsTold(call: Call, { versionId }: ObjectAddress, source: StoredObject): void {
  const { bucket, asset, version, facets } = source
  if ((facets.tags ?? []).length === 0) return
  const action = versionId === undefined ? 's3:GetObjectTagging' : 's3:GetObjectVersionTagging'
  const question = { bucket, key: asset.key, asset, version, versionId, action } as const
  if (isToldBeside(call, question)) return
  throw refusal(call.principal, 'metadata:read', 'the tags of the source are closed to the caller')
}

/** The copy keeps ETag, checksum and part sizes of its source: they tell of the same bytes. */
function copiedFacets(source: StoredObject, input: CopyObjectInput): ObjectFacets {
  const { headers, userMetadata, ...others } = input.facets
  const from = carriedFacets(source.facets) ?? {}
  // Where the copy leads to is never copied, and may be said beside metadata that are.
  const { websiteRedirect: _elsewhere, ...fromHeaders } = from.headers ?? {}
  const led = headers?.websiteRedirect
  const said = input.replaceMetadata
    ? { headers, userMetadata }
    : {
        headers: led === undefined ? fromHeaders : { ...fromHeaders, websiteRedirect: led },
        userMetadata: from.userMetadata ?? userMetadataOf(source.version.metadata),
      }
  const { storageClass: _, encryption: __, tags: ___, elsewhere: ____, ...kept } = from
  const tags = input.tags ?? from.tags ?? []
  const { headers: saidHeaders = {}, userMetadata: saidMetadata = {} } = said
  return { ...kept, ...others, headers: saidHeaders, userMetadata: saidMetadata, tags }
}

async function withChecksum(
  engine: Engine,
  source: StoredObject,
  wanted: { readonly facets: ObjectFacets; readonly checksum: ChecksumAlgorithm | undefined },
): Promise<ObjectFacets> {
  const { checksum: algorithm, facets } = wanted
  if (algorithm === undefined) return facets
  const known = source.facets.checksum
  if (known?.algorithm === algorithm && known.type === 'full') return facets
  const value = await computeChecksum(engine, source.version, algorithm)
  const { parts: _, ...rest } = facets
  return { ...rest, checksum: { algorithm, type: 'full', value } }
}

export interface RenameObjectInput {
  readonly bucket: string
  readonly from: string
  readonly to: string
  readonly sourceConditions?: SourceConditions | undefined
  readonly conditions?: ETagConditions | undefined
}

/**
 * The object with its history at another key, at one moment. What is there is hidden or trashed
 * first, as a delete does (https://docs.aws.amazon.com/AmazonS3/latest/API/API_RenameObject.html).
 */
export async function renameObject(
  engine: Engine,
  call: Call,
  input: RenameObjectInput,
): Promise<StoredObject> {
  return await authorisedAnew(engine, call, now => authoriseAndRename(engine, now, input))
}

async function authoriseAndRename(
  engine: Engine,
  call: Call,
  input: RenameObjectInput,
): Promise<StoredObject> {
  const { bucket, from, to, conditions = {} } = input
  const source = await getObject(engine, call, { bucket, key: from, action: 's3:DeleteObject' })
  requireSource(source, input.sourceConditions ?? {})
  const put = objectPut(engine, call, { bucket, key: to, facets: {} })
  // It stays whose it is, so the right to make objects of one's own does not help here.
  const fields = { ...put.fields, ownerId: source.asset.ownerId }
  const target = await findTarget(engine, call, { ...put, fields, isOwnerSettled: true })
  const was = { bucket: source.bucket, asset: source.asset }
  const is = { ...was, asset: { ...source.asset, key: to } }
  const changeSeq = await requireNoGain(engine, call, { was, is })
  if (from === to) throw new HoldfastError('ASSET_EXISTS', {})
  await requireDisplacing(engine, call, target)
  const permission = 'assets:write'
  const there = { ...is, objectTags: tagsOfVersion(source.version), permission } as const
  const { view } = engine.catalog
  const isUntagged = await onlyUntagged(call, there, () => hasTagsAnywhere(view, source.asset))
  const isUnlisted = await onlyUnlisted(call, there, () => hasListAnywhere(view, source.asset))
  const judged = judgedOf(source.bucket, source.version, true)
  const args = {
    assetId: source.asset.id,
    etag: source.etag,
    key: to,
    name: put.newName,
    conditions,
    isUntagged,
    isUnlisted,
    // It opens to everybody what it did before, in this bucket.
    isUnpublished: false,
    authorisedId: target.existing?.id ?? null,
    holds: target.holder !== undefined,
    seen: [
      { ...seenOf(source.bucket, source.asset, judged), changeSeq },
      seenOf(target.bucket, target.existing),
    ],
    createdBy: call.principal.name,
  }
  const asset = await commit(engine, call, { name: 'objects.rename', args })
  return { ...source, asset }
}

/** What is there is replaced by no version of it: who may only put there does not push it out. */
async function requireDisplacing(
  engine: Engine,
  call: Call,
  { bucket, holder: asset }: PutTarget,
): Promise<void> {
  const lacks = asset && (await lacksToDisplace(engine, call, { bucket, asset }))
  if (lacks !== undefined) throw lacks
}
