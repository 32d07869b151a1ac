import { HoldfastError } from '@holdfast/core/errors.ts'
import type { ObjectFacets } from '@holdfast/core/objects.ts'
import type { CatalogTransaction, Moment } from '@holdfast/core/ports/catalog.ts'
import type { Json, Version } from '@holdfast/core/records.ts'
import { storedAsset } from '../../assets/writes/stored-asset.ts'
import { isLocked } from '../../versions/lock.ts'
import { assetTagsOf } from '../asset-words.ts'

export interface FacetsArgs {
  readonly assetId: string
  readonly versionId: string
  /** Asked for as what the key shows: CHANGED_MEANWHILE once it shows another. */
  readonly isShown: boolean
  /** What changes; null removes it. */
  readonly patch: FacetsPatch
  readonly bypassGovernance: boolean
}

export type FacetsPatch = {
  readonly [Name in 'tags' | 'retention' | 'legalHold' | 'acl']?: ObjectFacets[Name] | null
}

/** Changes what may change about a version of S3. Its content and headers never do. */
export async function setFacetsTransaction(
  tx: CatalogTransaction,
  args: FacetsArgs,
  moment: Moment,
): Promise<Version> {
  const asset = await storedAsset(tx, args.assetId)
  if (args.isShown && asset.versionId !== args.versionId) {
    throw new HoldfastError('CHANGED_MEANWHILE')
  }
  const version = await tx.versions.byId(args.versionId)
  if (version?.assetId !== asset.id) throw new HoldfastError('VERSION_NOT_FOUND')
  const { patch, bypassGovernance } = args
  if (patch.retention !== undefined) {
    requireLonger(version, patch.retention, { now: moment.now, bypassGovernance })
  }
  const seq = await tx.nextSeq()
  const object = patchedFacets(version.object ?? { elsewhere: true }, patch)
  const next: Version = { ...version, seq, object }
  await tx.put.version(next)
  if (patch.tags !== undefined && version.id === asset.versionId) {
    const tags = assetTagsOf(patch.tags ?? [])
    await tx.put.asset({ ...asset, seq, tags, updatedAt: moment.now })
  }
  const names = Object.keys(patch) as (keyof FacetsPatch)[]
  const detail = Object.fromEntries(
    names.map(name => [name, { was: plain(version.object?.[name]), is: plain(patch[name]) }]),
  )
  const { bucketId, id: assetId } = asset
  const what = 'version.updated'
  const facts = { number: version.number, ...detail }
  await tx.note({ what, bucketId, assetId, versionId: version.id, detail: facts })
  return next
}

function patchedFacets(facets: ObjectFacets, patch: FacetsPatch): ObjectFacets {
  const entries = Object.entries({ ...facets, ...patch })
  return Object.fromEntries(entries.filter(([, value]) => value !== null && value !== undefined))
}

/**
 * A retention that holds may grow; governance mode gives way to who may bypass it, and to nobody
 * else: compliance mode, too, would be a lock that nobody could take back any more.
 */
function requireLonger(
  version: Version,
  wanted: ObjectFacets['retention'] | null,
  { now, bypassGovernance }: { readonly now: string; readonly bypassGovernance: boolean },
): void {
  const held = version.object?.retention
  const holds = isLocked({ ...version, object: held ? { retention: held } : {} }, { now })
  if (held === undefined || !holds) return
  const longer = wanted != null && wanted.until >= held.until
  if (longer && wanted.mode === held.mode) return
  if (held.mode === 'GOVERNANCE' && bypassGovernance) return
  throw new HoldfastError('VERSION_LOCKED', {
    version_id: version.id,
    retained_until: held.until,
    mode: held.mode,
  })
}

/** As it stands in the change log. */
function plain(value: object | boolean | null | undefined): Json {
  return value === undefined ? null : JSON.parse(JSON.stringify(value))
}
