import type { AssetFilter, GiveWay } from '@holdfast/core/ports/asset-questions.ts'
import type { CatalogView } from '@holdfast/core/ports/catalog.ts'
import type { Permission, Principal } from '@holdfast/core/principal.ts'
import type { Asset, Bucket } from '@holdfast/core/records.ts'
import { decide, tagsAreTold } from '../access/decide.ts'
import { askedTags } from '../access/policy/asked-tags.ts'

export interface JudgedQuery {
  readonly principal: Principal
  readonly needed: readonly Permission[]
  readonly filter: AssetFilter
  /** Where the page begins, in the words of the catalog. */
  readonly start: { readonly beforeSeq: number } | { readonly afterKey: string } | undefined
  readonly isKeyed: boolean
  readonly limit: number
  readonly offset: number
  /** How many assets are looked at. */
  readonly itemsMax: number
  /** Of the filter (`AssetQuestions.isLong`). */
  readonly isLong: boolean
  readonly giveWay: GiveWay
}

export interface JudgedPage {
  readonly items: readonly Asset[]
  /** Of the first `itemsMax` that the filter finds: beyond them nobody counts. */
  readonly total: number
  /** The page goes on after this one. */
  readonly last: { readonly asset: Asset; readonly isSeen: boolean } | undefined
}

/** In one turn: each may be tens of kilobytes, and is judged by policies with many statements. */
const PAGE = 32
/** What takes long takes as long for few: so many are asked for at once, and judged in turns. */
const LONG_PAGE = 1000

/**
 * A page of what `decide` lets the caller read, asked of each asset: where a policy or a list of S3
 * opens a bucket for listing, that tells its keys, and nothing else of objects it keeps closed.
 * Where a bucket changes while it takes turns, what the page tells of it is judged once more.
 */
export async function listJudged(view: CatalogView, query: JudgedQuery): Promise<JudgedPage> {
  const { limit, offset, start } = query
  const first = query.isKeyed ? { afterKey: '' } : undefined
  const items: Asset[] = []
  const buckets: Buckets = new Map()
  let skipped = 0
  let last: JudgedPage['last']
  const walked = await walk(view, { ...query, buckets, start: start ?? first }, (asset, isSeen) => {
    if (items.length >= limit) return false
    last = { asset, isSeen }
    if (!isSeen) return true
    if (skipped < offset) skipped += 1
    else items.push(asset)
    return true
  })
  let total = 0
  await walk(view, { ...query, buckets: new Map(), start: first }, (_, isSeen) => {
    total += isSeen ? 1 : 0
    return true
  })
  const isStill = stillSeen(view, query, buckets)
  const told: Asset[] = []
  for (const asset of items) if (await isStill(asset)) told.push(asset)
  const page = { items: told, total }
  if (walked === 'whole' || last === undefined) return { ...page, last: undefined }
  return { ...page, last: { ...last, isSeen: last.isSeen && (await isStill(last.asset)) } }
}

type Buckets = Map<string, Bucket | undefined>

/**
 * Says of what was seen whether it still is. Not all anew: whoever changes settings of its own
 * again and again would keep others from their lists.
 */
function stillSeen(view: CatalogView, query: JudgedQuery, buckets: Buckets) {
  let again = 0
  return async (asset: Asset): Promise<boolean> => {
    const { bucketId } = asset
    const newest = async () => await view.buckets.byId(bucketId)
    if ((await newest())?.seq === buckets.get(bucketId)?.seq) return true
    if (again > 0 && again % PAGE === 0) await query.giveWay()
    again += 1
    return await isSeenBy(view, query, { asset, buckets: new Map([[bucketId, await newest()]]) })
  }
}

async function isSeenBy(
  view: CatalogView,
  { filter, needed, principal }: Pick<JudgedQuery, 'filter' | 'needed' | 'principal'>,
  { asset, buckets }: { readonly asset: Asset; readonly buckets: Buckets },
): Promise<boolean> {
  // What is found by its tags, or by a text that may stand in them, tells of them.
  const asksForTags = filter.tagsAny !== undefined || filter.search !== undefined
  const bucket = buckets.get(asset.bucketId)
  const resource = { bucket, asset, objectTags: await askedTags(view, bucket, asset) }
  const isOpen = needed.every(one => decide(principal, one, resource).allowed)
  const tells = asksForTags && asset.tags.length > 0
  return isOpen && (!tells || tagsAreTold(principal, resource))
}

/** `whole` when nothing is left to look at. */
async function walk(
  view: CatalogView,
  query: Omit<JudgedQuery, 'limit' | 'offset'> & { readonly buckets: Buckets },
  take: (asset: Asset, isSeen: boolean) => boolean,
): Promise<'whole' | 'part'> {
  const { filter, buckets } = query
  let from = query.start
  const size = query.isLong ? LONG_PAGE : PAGE
  for (let scanned = 0; scanned < query.itemsMax; scanned += size) {
    const limit = Math.min(size, query.itemsMax - scanned)
    if (scanned > 0) await query.giveWay()
    const page = { ...filter, ...from, limit, offset: 0 }
    const found = await view.assets.list(page, query.giveWay)
    for (const [at, asset] of found.entries()) {
      if (at > 0 && at % PAGE === 0) await query.giveWay()
      const { bucketId } = asset
      if (!buckets.has(bucketId)) buckets.set(bucketId, await view.buckets.byId(bucketId))
      if (!take(asset, await isSeenBy(view, query, { asset, buckets }))) return 'part'
    }
    const last = found.at(-1)
    if (found.length < limit || last === undefined) return 'whole'
    from = query.isKeyed ? { afterKey: last.key } : { beforeSeq: last.createdSeq }
  }
  return 'part'
}
