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
  missingObject,
} from '../access/authorize-action.ts'
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
 * a marker (`delete_marker` and `version_id` in the details), VERSION_NOT_FOUND, and
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
    throw named ? missingObject(wanted) : await hidden(engine, asset, wanted)
  }
  if (version.kind === 'marker') {
    const details = { version_id: versionIdOf(version), modified_at: version.createdAt }
    throw new HoldfastError('VERSION_IS_MARKER', { ...details, delete_marker: true })
  }
  return storedObject(bucket, asset, version)
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
