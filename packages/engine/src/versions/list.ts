import type { Call } from '@holdfast/core/call.ts'
import type { Change, Version } from '@holdfast/core/records.ts'
import { findAsset } from '../assets/find-asset.ts'
import type { Engine } from '../engine.ts'
import { type PageQuery, requirePage } from '../page.ts'
import { findVersion, type VersionName } from './find-version.ts'

export interface VersionsQuery extends PageQuery {
  /** Delete markers too. */
  readonly markers?: boolean | undefined
  /** Versions that were deleted or pruned too. */
  readonly includeDeleted?: boolean | undefined
}

export interface VersionPage {
  readonly items: readonly Version[]
  readonly total: number
}

/** Newest number first. */
export async function listVersions(
  engine: Engine,
  call: Call,
  assetId: string,
  query: VersionsQuery = {},
): Promise<VersionPage> {
  const asset = await findAsset(engine, call, {
    id: assetId,
    permission: 'versions:read',
    deleted: query.includeDeleted === true ? 'show' : 'hide',
  })
  const page = requirePage(engine, query)
  const filter = {
    assetId: asset.id,
    deleted: query.includeDeleted === true ? ('with' as const) : ('without' as const),
    ...(query.markers === true ? {} : { kinds: ['content'] as const }),
  }
  return engine.catalog.read(async view => ({
    items: await view.versions.list({ ...filter, ...page }),
    total: await view.versions.count(filter),
  }))
}

export async function getVersion(
  engine: Engine,
  call: Call,
  assetId: string,
  name: VersionName,
): Promise<Version> {
  const wanted = { id: assetId, permission: 'versions:read', deleted: 'hide' } as const
  const asset = await findAsset(engine, call, wanted)
  return findVersion(engine.catalog.view, asset, name)
}

export interface HistoryPage {
  readonly items: readonly Change[]
  readonly total: number
}

/** Who did what when, newest first. */
export async function assetHistory(
  engine: Engine,
  call: Call,
  assetId: string,
  query: PageQuery = {},
): Promise<HistoryPage> {
  const wanted = { id: assetId, permission: 'versions:read', deleted: 'show' } as const
  const asset = await findAsset(engine, call, wanted)
  const page = requirePage(engine, query)
  return engine.catalog.read(async view => ({
    items: await view.changes.ofAsset({ assetId: asset.id, ...page }),
    total: await view.changes.countOfAsset(asset.id),
  }))
}
