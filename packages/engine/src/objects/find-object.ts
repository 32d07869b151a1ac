import type { Call } from '@holdfast/core/call.ts'
import { HoldfastError, invalidFields } from '@holdfast/core/errors.ts'
import { isUuid } from '@holdfast/core/ids.ts'
import type { CatalogView } from '@holdfast/core/ports/catalog.ts'
import type { Asset, Bucket, Version } from '@holdfast/core/records.ts'
import type { Action } from '../access/actions.ts'
import {
  authorizeObject,
  findBucketFor,
  isAllowed,
  mayList,
  mayListVersions,
  missingObject,
} from '../access/authorize-action.ts'
import { mayKnow } from '../access/decide.ts'
import { judgedOf } from '../access/policy/asked-tags.ts'
import { rightsMoment, rightsNow } from '../access/rights-now.ts'
import { type Seen, seenOf } from '../assets/writes/seen.ts'
import type { Engine } from '../engine.ts'
import {
  type ObjectAddress,
  type StoredObject,
  storedObject,
  versionIdOf,
  versionNamed,
} from './object-views.ts'

export type WantedObject = ObjectAddress & { readonly action?: Action | undefined }

const ATTEMPTS_MAX = 5

/**
 * The version asked for, or the current one. ASSET_NOT_FOUND for a key that is free or hidden by
 * a marker (`delete_marker` and `version_id` in the details, for who may know of what is deleted),
 * VERSION_NOT_FOUND, and
 * VERSION_IS_MARKER for a marker named by its id.
 */
export async function getObject(
  engine: Engine,
  call: Call,
  wanted: WantedObject,
): Promise<StoredObject> {
  requireVersionId(wanted.versionId)
  const named = wanted.versionId !== undefined
  const action = wanted.action ?? (named ? 's3:GetObjectVersion' : 's3:GetObject')
  const bucket = await findBucketFor(engine, call, { bucket: wanted.bucket, action })
  const { asset, version } = await lookUp(engine.catalog.view, bucket, wanted)
  const { key, versionId } = wanted
  const question = { bucket, key, asset, version, versionId, action }
  const absent = version === undefined && !isAllowed(call, question) && mayList(call, bucket)
  if (absent) throw missingObject(wanted)
  authorizeObject(call, question)
  if (asset === undefined) throw missingObject(wanted)
  if (version === undefined) {
    const isTold =
      !named && (mayKnow(call.principal, { bucket, asset }) || mayListVersions(call, bucket))
    throw isTold ? await hidden(engine, asset, wanted) : missingObject(wanted)
  }
  if (version.kind === 'marker') {
    const details = { version_id: versionIdOf(version), modified_at: version.createdAt }
    throw new HoldfastError('VERSION_IS_MARKER', { ...details, delete_marker: true })
  }
  return storedObject(bucket, asset, version)
}

/** A source of a copy that was found, and how to find it with the rights of another moment. */
export interface FoundSource {
  readonly source: StoredObject
  readonly find: (now: Call) => Promise<StoredObject>
  /** Asked for by this id, and not as what is shown. */
  readonly versionId?: string | undefined
  /** Of the rights that it was found by. */
  readonly moment: number
}

/**
 * What a copy of it may be committed by, to be asked before each commit: its bytes may have been
 * read for hours. It is found anew where anybody's rights changed since, and from the second time
 * on, as something else did.
 */
export function sourceSeen(
  engine: Engine,
  call: Call,
  { source, find, versionId, moment }: FoundSource,
): () => Promise<Seen> {
  let isFirst = true
  return async () => {
    const isAsFound = isFirst && moment === rightsMoment(engine)
    isFirst = false
    const now = isAsFound ? source : await find(await rightsNow(engine, call))
    // The bytes are those of another object, whose rights are gone with it.
    if (now.asset.id !== source.asset.id) {
      throw missingObject({ bucket: source.bucket.name, key: source.asset.key })
    }
    const { bucket, asset, version } = now
    return seenOf(bucket, asset, judgedOf(bucket, version, versionId === undefined))
  }
}

/** VALIDATION_ERROR unless version ids of S3 clients can look so. */
export function requireVersionId(versionId: string | undefined): void {
  if (versionId === undefined || isVersionId(versionId)) return
  throw invalidFields({ path: 'versionId', problem: 'is not a version id' })
}

export function isVersionId(text: string): boolean {
  return text === 'null' || isUuid(text)
}

/** A put may replace the version between both questions: then they are asked anew. */
async function lookUp(
  view: CatalogView,
  bucket: Bucket,
  { key, versionId }: ObjectAddress,
): Promise<{ readonly asset?: Asset; readonly version?: Version | undefined }> {
  for (let attempt = 1; ; attempt += 1) {
    const asset = await view.assets.byKey(bucket.id, key)
    if (asset === undefined) return {}
    if (versionId !== undefined) {
      return { asset, version: await versionNamed(view, asset, versionId) }
    }
    if (asset.deletedAt !== null) return { asset }
    const version = await view.versions.byId(asset.versionId)
    if (version !== undefined) return { asset, version }
    if (attempt >= ATTEMPTS_MAX) throw new HoldfastError('CHANGED_MEANWHILE')
  }
}

async function hidden(
  { catalog }: Engine,
  asset: Asset,
  { bucket, key }: ObjectAddress,
): Promise<HoldfastError> {
  const query = { assetId: asset.id, deleted: 'without' as const, limit: 1 }
  const [newest] = await catalog.view.versions.list(query)
  const marker = newest?.kind === 'marker' ? newest : undefined
  return new HoldfastError('ASSET_NOT_FOUND', {
    bucket,
    key,
    ...(marker && { delete_marker: true, version_id: versionIdOf(marker) }),
  })
}
