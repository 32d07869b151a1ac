import type { Call } from '@holdfast/core/call.ts'
import type { DeletedFilter, VersionQuery } from '@holdfast/core/ports/asset-questions.ts'
import type { Awaitable } from '@holdfast/core/ports/awaitable.ts'
import type { Asset, BriefVersion, Change, Version } from '@holdfast/core/records.ts'
import { findAsset } from '../assets/find-asset.ts'
import type { Engine } from '../engine.ts'
import { type PageQuery, requirePage } from '../page.ts'
import { changesOf, pageOf, stretchesOf } from '../stretches.ts'
import { findVersion, type VersionName } from './find-version.ts'
import { toldChanges } from './told-change.ts'

export interface VersionsQuery extends PageQuery {
  /** Delete markers too. */
  readonly markers?: boolean | undefined
  /** Versions that were deleted or pruned too. */
  readonly includeDeleted?: boolean | undefined
  /** Shown, kept beside it, or deleted. */
  readonly status?: VersionStatus | undefined
  readonly change?: Version['change'] | undefined
  /** ISO 8601; at that time or later. */
  readonly createdAfter?: string | undefined
  /** ISO 8601; before that time. */
  readonly createdBefore?: string | undefined
}

export type VersionStatus = 'current' | 'previous' | 'deleted'

export interface VersionPage {
  readonly items: readonly BriefVersion[]
  /** Up to 10,000 behind the page are counted. */
  readonly total: number
}

/** They are listed, and told as reading each would. */
const LISTING = ['s3:ListBucketVersions', 's3:GetObjectVersion'] as const

/** Newest number first. */
export async function listVersions(
  engine: Engine,
  call: Call,
  assetId: string,
  query: VersionsQuery = {},
): Promise<VersionPage> {
  const withDeleted = query.includeDeleted === true || query.status === 'deleted'
  const found = await findAsset(engine, call, {
    id: assetId,
    permission: 'versions:read',
    actions: LISTING,
    deleted: withDeleted ? 'show' : 'hide',
  })
  const page = requirePage(engine, query)
  return engine.moments.read(call, async view => {
    // Which version is current is asked at the moment of the list.
    const asset = (await view.assets.byId(found.id)) ?? found
    const filter = filterOf(asset, query)
    const giveWay = engine.lists.giveWay(call)
    const inPieces = piecesOf(engine, giveWay)
    return await pageOf(stretchesOf(view, asset.id, giveWay), page, {
      count: ({ from, below }) => view.versions.count({ ...filter, from, below }),
      list: ({ from, below }, part) =>
        inPieces(part, (limit, offset, last?: BriefVersion) =>
          view.versions.list({ ...filter, from, below: last?.number ?? below, limit, offset }),
        ),
    })
  })
}

interface Part {
  readonly limit: number
  readonly offset: number
}

/** Some records in each turn, each piece behind the last of the one before. */
function piecesOf({ lists }: Engine, giveWay: () => Promise<void>) {
  return async <Entry>(
    { limit, offset }: Part,
    ask: (limit: number, offset: number, last?: Entry) => Awaitable<readonly Entry[]>,
  ): Promise<Entry[]> =>
    await lists.inPieces<Entry>(giveWay, limit, (wanted, before) => {
      const last = before.at(-1)
      return last === undefined ? ask(wanted, offset) : ask(wanted, 0, last)
    })
}

function filterOf(asset: Asset, query: VersionsQuery): Omit<VersionQuery, 'limit' | 'offset'> {
  const { status, change, createdAfter, createdBefore } = query
  // A marker shows no content, but without it a list of deletions would always be empty.
  const markers = query.markers === true || change === 'delete'
  return {
    assetId: asset.id,
    deleted: deletedOf(query),
    ...(markers ? {} : { kinds: ['content'] as const }),
    ...(change === undefined ? {} : { changes: [change] }),
    ...(createdAfter === undefined ? {} : { createdAfter }),
    ...(createdBefore === undefined ? {} : { createdBefore }),
    ...(status === 'current' ? { id: { is: asset.versionId } } : {}),
    ...(status === 'previous' ? { id: { not: asset.versionId } } : {}),
  }
}

function deletedOf({ status, includeDeleted }: VersionsQuery): DeletedFilter {
  if (status === 'deleted') return 'only'
  return includeDeleted === true && status === undefined ? 'with' : 'without'
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
  /** Up to 10,000 behind the page are counted. */
  readonly total: number
}

/** Who did what when, newest first, as far as the caller may know it. */
export async function assetHistory(
  engine: Engine,
  call: Call,
  assetId: string,
  query: PageQuery = {},
): Promise<HistoryPage> {
  const about = { permission: 'versions:read', deleted: 'show', actions: LISTING } as const
  const wanted = { id: assetId, ...about }
  const asset = await findAsset(engine, call, wanted)
  const page = requirePage(engine, query)
  const giveWay = engine.lists.giveWay(call)
  const inPieces = piecesOf(engine, giveWay)
  const { items: changes, total } = await engine.moments.read(call, view =>
    pageOf(changesOf(view, asset.id, giveWay), page, {
      count: ({ rows }) => rows,
      list: ({ from, below }, part) => {
        const rows = { limit: part.limit, offset: part.offset }
        return inPieces(rows, async (limit, offset, last?: Change) => {
          const about = { assetId: asset.id, below: last?.seq ?? below, limit, offset }
          return (await view.changes.ofAsset(about)).filter(({ seq }) => seq >= from)
        })
      },
    }),
  )
  return { items: await toldChanges(engine, call, { asset, changes }), total }
}
