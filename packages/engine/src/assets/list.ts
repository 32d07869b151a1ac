import type { Call } from '@holdfast/core/call.ts'
import { HoldfastError } from '@holdfast/core/errors.ts'
import { byteLength } from '@holdfast/core/names.ts'
import type {
  AssetFilter,
  AssetStats,
  DeletedFilter,
  GiveWay,
} from '@holdfast/core/ports/asset-questions.ts'
import type { CatalogView } from '@holdfast/core/ports/catalog.ts'
import type { Asset, AssetType, Bucket } from '@holdfast/core/records.ts'
import { authorize } from '../access/decide.ts'
import { authorisedAnew } from '../access/rights-now.ts'
import { type Sight, sightOf } from '../access/sight.ts'
import type { Engine } from '../engine.ts'
import { type PageQuery, requirePage } from '../page.ts'
import { encodeCursor, type ListOrder, openCursor, sealCursor } from './list-cursor.ts'
import { listJudged } from './list-judged.ts'

export interface ListQuery extends PageQuery {
  /** Bucket name. */
  readonly bucket?: string | undefined
  readonly service?: string | undefined
  readonly ownerId?: string | undefined
  readonly type?: AssetType | undefined
  readonly tagsAny?: readonly string[] | undefined
  readonly search?: string | undefined
  readonly prefix?: string | undefined
  readonly name?: string | undefined
  readonly deleted?: DeletedFilter | undefined
  /** `newest` created first, or by `key` within one bucket. */
  readonly order?: ListOrder | undefined
  readonly cursor?: string | undefined
  /** Whether cursors tell nothing of the keys: for who is shown no more than parts of these. */
  readonly sealsCursors?: boolean | undefined
}

export interface AssetPage {
  readonly items: readonly Asset[]
  readonly total: number
  readonly nextCursor?: string
}

/**
 * One page, its total and the next cursor. All of one moment for who sees the whole in one look;
 * what is looked at in turns is not, since a moment that is held for long keeps the log of the
 * catalog from ending, and a connection: where a bucket changes between two turns, all is asked
 * anew.
 */
export async function listAssets(
  engine: Engine,
  call: Call,
  query: ListQuery = {},
): Promise<AssetPage> {
  return await authorisedAnew(engine, call, now => authoriseAndList(engine, now, query))
}

async function authoriseAndList(engine: Engine, call: Call, query: ListQuery): Promise<AssetPage> {
  const { limit, offset } = requirePage(engine, query)
  const order = query.order ?? 'newest'
  const { view } = engine.catalog
  const { cursor, sealsCursors = false } = query
  const inside = query.bucket === undefined ? undefined : await view.buckets.byName(query.bucket)
  // A name that is free is not all of them: what such a cursor opens would tell which are taken.
  const listed = query.bucket === undefined ? undefined : (inside?.id ?? '')
  const of = { principal: call.principal, bucketId: listed }
  const begin = cursor === undefined ? undefined : openCursor(engine, order, { cursor, of })
  const cursorAt = (last: Asset, isSeen = true) =>
    isSeen && !sealsCursors ? encodeCursor(order, last) : sealCursor(engine, order, { last, of })
  const wanted = { bucket: query.bucket, deleted: query.deleted }
  const giveWay = engine.lists.giveWay(call)
  const { judged, ...sight } = await sightOf(engine, call, wanted)
  const { bucketId } = sight
  const bucketSeq = async () => bucketId && (await view.buckets.byId(bucketId))?.seq
  const seq = await bucketSeq()
  const filter = assetFilter(engine, query, sight)
  const isLong = filter.search !== undefined && (await view.assets.isLong(filter))
  if (judged !== undefined) {
    const isKeyed = order === 'key'
    const { principal } = call
    const { judgedItemsMax: itemsMax } = engine.limits
    const from = isLong ? oneByOne(engine, call) : view
    const how = { principal, needed: judged, filter, start: begin, isKeyed, itemsMax, giveWay }
    const { last, ...page } = await listJudged(from, { ...how, isLong, limit, offset })
    if (last === undefined) return page
    const { asset, isSeen } = last
    // The caller may not know of the key at which the search ended.
    return { ...page, nextCursor: cursorAt(asset, isSeen) }
  }
  const keyed = order === 'key' ? { afterKey: '', ...begin } : begin
  const aside = turnsOfSearches(engine, call)
  const ask = async ({ assets }: CatalogView, turns: GiveWay) => ({
    total: await assets.count(filter, turns),
    // What takes long is asked for once, and comes in pieces all the same.
    found: isLong
      ? await assets.list({ ...filter, ...keyed, offset, limit: limit + 1 }, turns)
      : await engine.lists.inPieces<Asset>(giveWay, limit + 1, (wanted, before) => {
          const start = behind(before.at(-1), order) ?? { ...keyed, offset }
          return assets.list({ ...filter, ...start, limit: wanted }, turns)
        }),
  })
  const inTurns = sight.visibleTo !== undefined || sight.reach !== undefined
  const { found, total } = isLong
    ? await engine.lists.oneByOne(call, () => ask(view, aside))
    : ((inTurns ? undefined : await atOneMoment(engine, call, ask)) ?? (await ask(view, giveWay)))
  if ((await bucketSeq()) !== seq) throw new HoldfastError('CHANGED_MEANWHILE')
  const items = found.slice(0, limit)
  const last = items.at(-1)
  if (found.length <= limit || last === undefined) return { items, total }
  return { items, total, nextCursor: cursorAt(last) }
}

/** Undefined where a question needs more than one look, for which no moment is held. */
async function atOneMoment<T>(
  engine: Engine,
  call: Call,
  ask: (view: CatalogView, giveWay: GiveWay) => Promise<T>,
): Promise<T | undefined> {
  const takesTurns = new Error('more than one look')
  try {
    return await engine.moments.read(call, async view => {
      return await ask(view, () => Promise.reject(takesTurns))
    })
  } catch (error) {
    if (error === takesTurns) return undefined
    throw error
  }
}

/** The same questions; each list waits for those before it. */
function oneByOne(engine: Engine, call: Call): CatalogView {
  const { catalog, lists } = engine
  const { view } = catalog
  const giveWay = turnsOfSearches(engine, call)
  return {
    ...view,
    assets: {
      ...view.assets,
      list: query => lists.oneByOne(call, () => view.assets.list(query, giveWay)),
    },
  }
}

/** Not behind what else the caller asked for, or all who search would wait for that, too. */
function turnsOfSearches({ lists }: Engine, { signal, principal }: Call): () => Promise<void> {
  return lists.giveWay({ signal, principal: { ...principal, id: 'search' } })
}

function behind(last: Asset | undefined, order: ListOrder) {
  if (last === undefined) return undefined
  return order === 'key' ? { afterKey: last.key } : { beforeSeq: last.createdSeq }
}

export async function assetStats(
  engine: Engine,
  call: Call,
  query: { readonly service?: string | undefined } = {},
): Promise<AssetStats> {
  // Totals are of whole buckets: who sees only parts of them has no use for totals.
  const own = call.principal.buckets
  if (own === null) authorize(call.principal, 'assets:read', {})
  const sight = await sightOf(engine, call, {})
  if (sight.reach !== undefined) authorize({ ...call.principal, buckets: null }, 'assets:read', {})
  const filter = {
    ...(query.service === undefined ? {} : { service: query.service }),
    ...(sight.bucketIds === undefined ? {} : { bucketIds: sight.bucketIds }),
    ...(sight.visibleTo === undefined ? {} : { visibleTo: sight.visibleTo }),
    ...(sight.visibleOwner === undefined ? {} : { visibleOwner: sight.visibleOwner }),
  }
  const giveWay = engine.lists.giveWay(call)
  return await engine.catalog.view.assets.stats(filter, giveWay)
}

function assetFilter(engine: Engine, query: ListQuery, sight: Omit<Sight, 'judged'>): AssetFilter {
  const { service, ownerId, type, tagsAny, prefix, name } = query
  const search = searchText(engine, query.search)
  return {
    ...sight,
    ...(service === undefined ? {} : { service }),
    ...(ownerId === undefined ? {} : { ownerId: ownerId.toLowerCase() }),
    ...(type === undefined ? {} : { type }),
    ...(tagsAny === undefined || tagsAny.length === 0 ? {} : { tagsAny }),
    ...(prefix === undefined || prefix === '' ? {} : { keyPrefix: prefix }),
    ...(name === undefined ? {} : { name }),
    ...(search === undefined ? {} : { search }),
    deleted: query.deleted ?? 'without',
  }
}

function searchText(engine: Engine, text: string | undefined): string | undefined {
  const trimmed = text?.trim() ?? ''
  if (trimmed === '') return undefined
  const limit = engine.limits.searchTextBytesMax
  if (byteLength(trimmed) <= limit && trimmed.isWellFormed() && !trimmed.includes('\0')) {
    return trimmed
  }
  throw new HoldfastError('INVALID_SEARCH', { limit })
}

/**
 * Whether the caller owns something in the bucket, deleted or not. No index has both, so all that
 * is its own, or deleted, is looked at, in turns with all others; where it has none, nothing is.
 */
export async function ownsSome(
  engine: Engine,
  call: Call,
  { id: bucketId }: Pick<Bucket, 'id'>,
): Promise<boolean> {
  const { assets, quotas } = engine.catalog.view
  const { id: ownerId } = call.principal
  const { assets: all } = await quotas.usage('owner', ownerId)
  if (all === 0) return false
  const live = await assets.count({ ownerId, deleted: 'without' })
  const giveWay = engine.lists.giveWay(call)
  const owns = async (deleted: 'without' | 'only') => {
    return (await assets.list({ bucketId, ownerId, deleted, limit: 1 }, giveWay)).length > 0
  }
  return (live > 0 && (await owns('without'))) || (all > live && (await owns('only')))
}
