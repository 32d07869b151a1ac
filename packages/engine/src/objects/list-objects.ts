import type { Call } from '@holdfast/core/call.ts'
import { invalidFields } from '@holdfast/core/errors.ts'
import { uuidTime } from '@holdfast/core/ids.ts'
import type { CatalogView } from '@holdfast/core/ports/catalog.ts'
import type { VersionEntryQuery } from '@holdfast/core/ports/object-questions.ts'
import type { Asset, Bucket } from '@holdfast/core/records.ts'
import { sightOfTurns } from '../access/sight.ts'
import type { Engine } from '../engine.ts'
import { requireVersionId } from './find-object.ts'
import { type BriefObject, briefObject, versionIdOf } from './object-views.ts'

export interface ListObjectsQuery {
  readonly bucket: string
  readonly prefix?: string | undefined
  readonly delimiter?: string | undefined
  /** Keys and common prefixes after this one, in UTF-8 byte order. */
  readonly after?: string | undefined
  /** 0 to 1000. */
  readonly limit: number
}

export interface ObjectList {
  readonly objects: readonly BriefObject[]
  readonly prefixes: readonly string[]
  /** Last key or common prefix of the page, to be passed as `after`; absent on the last one. */
  readonly next?: string
}

export async function listObjects(
  engine: Engine,
  call: Call,
  query: ListObjectsQuery,
): Promise<ObjectList> {
  const action = 's3:ListBucket'
  const { bucket, sightNow } = await sightOfTurns(engine, call, { ...query, action })
  const { limit, after } = query
  const keyed = keyedQuery(bucket, query)
  const start = after === undefined || after === '' ? {} : { after }
  const found = await engine.lists.collect(call, limit < 1 ? 0 : limit + 1, async turn => {
    const sight = await sightNow()
    return await engine.catalog.view.objects.list({ ...keyed, ...sight, ...start, ...turn })
  })
  const page = found.slice(0, limit)
  const objects = page.flatMap(({ asset, version }) =>
    asset === undefined ? [] : [briefObject(bucket, asset, version)],
  )
  const prefixes = page.flatMap(({ prefix }) => prefix ?? [])
  const last = page.at(-1)
  if (found.length <= limit || last === undefined) return { objects, prefixes }
  return { objects, prefixes, next: last.prefix ?? last.asset.key }
}

export interface ListVersionsQuery extends Omit<ListObjectsQuery, 'after'> {
  readonly keyMarker?: string | undefined
  /** As S3 clients see it; needs `keyMarker`. VALIDATION_ERROR when it is no id. */
  readonly versionIdMarker?: string | undefined
}

export interface ListedVersion extends BriefObject {
  readonly isLatest: boolean
  readonly isMarker: boolean
}

export interface VersionList {
  readonly versions: readonly ListedVersion[]
  readonly prefixes: readonly string[]
  /** For the next page; absent on the last. `versionId` is absent after a common prefix. */
  readonly next?: { readonly key: string; readonly versionId?: string }
}

/** Keys in UTF-8 byte order, of each the newest version first. */
export async function listObjectVersions(
  engine: Engine,
  call: Call,
  query: ListVersionsQuery,
): Promise<VersionList> {
  const action = 's3:ListBucketVersions'
  const { bucket, sightNow } = await sightOfTurns(engine, call, { ...query, action })
  const { limit } = query
  const keyed = { ...keyedQuery(bucket, query), ...(await startOf(engine, bucket, query)) }
  const found = await engine.lists.collect(call, limit < 1 ? 0 : limit + 1, async turn => {
    const sight = await sightNow()
    return await engine.catalog.view.objects.listVersions({ ...keyed, ...sight, ...turn })
  })
  const page = found.slice(0, limit)
  const versions = page.flatMap((entry): ListedVersion[] => {
    if (entry.asset === undefined) return []
    const { asset, version, isLatest } = entry
    const isMarker = version.kind === 'marker'
    return [{ ...briefObject(bucket, asset, version), isLatest, isMarker }]
  })
  const prefixes = page.flatMap(({ prefix }) => prefix ?? [])
  const last = page.at(-1)
  if (found.length <= limit || last === undefined) return { versions, prefixes }
  if (last.prefix !== undefined) return { versions, prefixes, next: { key: last.prefix } }
  // Who reads on within a key may have removed it by then; `null` would not tell its place.
  const isWithin = found[limit]?.asset?.id === last.asset.id
  const versionId = isWithin ? last.version.id : versionIdOf(last.version)
  return { versions, prefixes, next: { key: last.asset.key, versionId } }
}

async function startOf(
  engine: Engine,
  bucket: Bucket,
  { keyMarker, versionIdMarker }: ListVersionsQuery,
): Promise<Pick<VersionEntryQuery, 'after' | 'olderThan'>> {
  if (versionIdMarker !== undefined && (keyMarker === undefined || keyMarker === '')) {
    const problem = 'cannot be given without key-marker'
    throw invalidFields({ path: 'version-id-marker', problem })
  }
  if (keyMarker === undefined || keyMarker === '') return {}
  if (versionIdMarker === undefined || versionIdMarker === '') return { after: keyMarker }
  requireVersionId(versionIdMarker)
  const { view } = engine.catalog
  const asset = await view.assets.byKey(bucket.id, keyMarker)
  if (asset === undefined) return { after: keyMarker }
  const isNull = versionIdMarker === 'null'
  const version = await (isNull
    ? view.objects.nullVersion(asset.id)
    : view.versions.byId(versionIdMarker))
  const isThere = version?.assetId === asset.id && version.deletedAt === null
  const olderThan = isThere ? version.number : await placeOfGone(view, asset, versionIdMarker)
  return { after: keyMarker, olderThan }
}

/**
 * Where a version stood that went meanwhile: who empties a bucket removes each page before asking
 * for the next. Ids tell when they were made, but for `null`, whose key is passed over: a page that
 * ends within a key names its last version by its own id.
 */
async function placeOfGone(view: CatalogView, asset: Asset, versionId: string): Promise<number> {
  if (versionId === 'null') return 0
  const at = uuidTime(versionId)
  const createdBefore = new Date(at + 1).toISOString()
  const query = { assetId: asset.id, deleted: 'without', createdBefore, limit: 100 } as const
  // Of a version that waited for its commit the id is younger than its time.
  const older = (await view.versions.list(query)).find(({ id }) => uuidTime(id) <= at)
  return older === undefined ? 0 : older.number + 1
}

function keyedQuery(bucket: Bucket, query: Omit<ListObjectsQuery, 'after'>) {
  const { prefix, delimiter } = query
  return {
    bucketId: bucket.id,
    ...(prefix === undefined ? {} : { prefix }),
    ...(delimiter === undefined ? {} : { delimiter }),
  }
}
