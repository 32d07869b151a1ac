import { BoundedCache } from '@holdfast/core/bounded-cache.ts'
import { HoldfastError } from '@holdfast/core/errors.ts'
import { bounds } from '@holdfast/core/limits.ts'
import type {
  AssetFilter,
  AssetQuery,
  AssetStats,
  GiveWay,
} from '@holdfast/core/ports/asset-questions.ts'
import type { Awaitable } from '@holdfast/core/ports/awaitable.ts'
import { type Asset, assetTypes } from '@holdfast/core/records.ts'
import { codeOf, fromCode } from '../../row-values.ts'
import { Statements } from '../../statements.ts'
import { type AssetRow, assetColumns, assetOfRow } from '../asset-rows.ts'
import type { AssetTables } from '../assets.ts'
import type { CounterKind } from '../counters.ts'
import { type Where, whereOf, whereText } from './asset-where.ts'
import { SearchTerms } from './search-terms.ts'
import { beginningsIn } from './search-text.ts'
import { type UsageRow, UsageTotals } from './usage-totals.ts'
import { inTurns, type Looks, type Window, Windows } from './windows.ts'

/** Of the filters whose totals are kept until the next commit. */
const TOTALS_CHARS_MAX = 256 * 1024

/** Where an asset stands in a list. */
export interface Place {
  readonly seq: number
  readonly key: string
}

type StatsFilter = Pick<AssetFilter, 'service' | 'bucketIds' | 'visibleTo' | 'visibleOwner'>

const SELECT = assetColumns('a.')

/** Lists, totals and statistics of assets. Costs follow the page, not the bucket. */
export class AssetSearch {
  readonly #tables: AssetTables
  readonly #statements: Statements
  readonly #terms
  readonly #version
  readonly #windows
  #totals = new BoundedCache<number>(TOTALS_CHARS_MAX)
  #countedAt: number | undefined

  constructor(tables: AssetTables, looks?: Looks) {
    const { db } = tables
    this.#windows = new Windows(tables, looks)
    this.#tables = tables
    this.#version = db.readonly ? db.prepare<[], number>('PRAGMA data_version').pluck() : undefined
    this.#terms = new SearchTerms(db)
    this.#statements = new Statements(db)
  }

  list(query: AssetQuery): Asset[]
  list(query: AssetQuery, giveWay: GiveWay | undefined): Awaitable<Asset[]>
  list(query: AssetQuery, giveWay?: GiveWay): Awaitable<Asset[]> {
    if (query.afterKey !== undefined && query.bucketId === undefined) {
      throw new HoldfastError('INTERNAL')
    }
    if (giveWay !== undefined && this.#takesTurns(query) && !this.#isPlain(query)) {
      return this.#listInTurns(query, giveWay)
    }
    return this.#listed(query, { before: query.beforeSeq, after: query.afterKey })
  }

  count(filter: AssetFilter): number
  count(filter: AssetFilter, giveWay: GiveWay | undefined): Awaitable<number>
  count(filter: AssetFilter, giveWay?: GiveWay): Awaitable<number> {
    return this.totalOf(filter, () => {
      if (giveWay === undefined || !this.#takesTurns(filter)) return this.#counted(filter)
      return this.#countInTurns(filter, giveWay)
    })
  }

  /** From a counter, or as it was counted since the last commit, or as `count` tells it. */
  totalOf(filter: AssetFilter, count: () => Awaitable<number>): Awaitable<number> {
    const counter = this.#counterFor(filter)
    if (counter !== undefined) return counter
    const totals = this.#currentTotals()
    const key = JSON.stringify(filter)
    const known = totals?.get(key)
    if (known !== undefined) return known
    const keep = (total: number) => {
      totals?.set(key, total, key.length)
      return total
    }
    const counted = count()
    return typeof counted === 'number' ? keep(counted) : counted.then(keep)
  }

  /** Whether the index has to merge the lists of many words, or nobody can tell of how many. */
  mergesMany({ search = '' }: AssetFilter): boolean {
    return beginningsIn(search).some(word => this.#terms.beginningWith(word) === undefined)
  }

  /** Where the assets of a list stand, in its order. */
  places(query: AssetQuery): Place[] {
    const window = { before: query.beforeSeq, after: query.afterKey }
    return this.#rows<Place>('a.created_seq AS seq, a.key', query, window)
  }

  /** Those of the numbered assets that pass the filter now, whatever its search text, by number. */
  among(numbers: readonly number[], filter: AssetFilter): Map<number, Asset> {
    const { search: _, ...rest } = filter
    const where = this.#where(rest)
    if (!where.possible) return new Map()
    const { buckets, words } = this.#tables
    const sql = `SELECT ${SELECT} FROM json_each(?) n CROSS JOIN assets a
      ON a.created_seq = n.value ${whereText(where)}`
    const rows = this.#statements.all<AssetRow>(sql, [JSON.stringify(numbers), ...where.values])
    return new Map(rows.map(row => [row.created_seq, assetOfRow(row, buckets, words)]))
  }

  stats(filter: StatsFilter): AssetStats
  stats(filter: StatsFilter, giveWay: GiveWay | undefined): Awaitable<AssetStats>
  stats(filter: StatsFilter, giveWay?: GiveWay): Awaitable<AssetStats> {
    const { counters } = this.#tables
    if (filter.bucketIds !== undefined || this.#isPartial(filter)) {
      if (giveWay !== undefined) return this.#statsInTurns(filter, giveWay)
      const totals = new UsageTotals()
      for (const row of this.#usage(filter)) totals.add(row)
      return this.#statsOf(totals)
    }
    if (filter.service !== undefined) {
      const { live, liveBytes } = counters.get('service', filter.service)
      const prefix = `${filter.service}\0`
      const types = counters
        .list('service_type', prefix)
        .map(({ name, live: count }) => [name.slice(prefix.length), count] as const)
      return {
        assets: live,
        bytes: liveBytes,
        types: Object.fromEntries(types.filter(([, count]) => count > 0)),
        services: live > 0 ? { [filter.service]: { assets: live, bytes: liveBytes } } : {},
      }
    }
    const all = counters.get('all', '')
    const types = counters
      .list('type')
      .filter(({ live }) => live > 0)
      .map(({ name, live }) => [fromCode(assetTypes, Number(name)), live] as const)
    const services = counters
      .largestServices(bounds.servicesToldMax)
      .map(({ name, live, liveBytes }) => [name, { assets: live, bytes: liveBytes }] as const)
    return {
      assets: all.live,
      bytes: all.liveBytes,
      types: Object.fromEntries(types),
      services: Object.fromEntries(services),
    }
  }

  /**
   * Totals counted since the last commit of anybody; undefined for the writer, which does not see
   * its own commits that way. Asked before counting: a total may be newer than its version says,
   * never older.
   */
  #currentTotals(): BoundedCache<number> | undefined {
    if (this.#version === undefined) return undefined
    const version = this.#version.get()
    if (version !== this.#countedAt) {
      this.#totals = new BoundedCache(TOTALS_CHARS_MAX)
      this.#countedAt = version
    }
    return this.#totals
  }

  /** Whether assets may be hidden from the caller one by one. */
  #isPartial({ visibleTo, reach }: Pick<AssetFilter, 'visibleTo' | 'reach'>): boolean {
    if (reach !== undefined) return true
    return visibleTo !== undefined && this.#tables.counters.get('acl', '').live > 0
  }

  /** Where a text is all that may hide something, the index of words is quick to tell. */
  #takesTurns(filter: AssetFilter): boolean {
    return filter.search === undefined || this.#isPartial(filter)
  }

  #isPlain(query: AssetQuery): boolean {
    return !this.#isPartial(query) && this.#windows.isPlain(query)
  }

  #listed(query: AssetQuery, window: Window): Asset[] {
    const { buckets, words } = this.#tables
    return this.#rows<AssetRow>(SELECT, query, window).map(row => assetOfRow(row, buckets, words))
  }

  #rows<Row>(columns: string, query: AssetQuery, window: Window): Row[] {
    const where = this.#where(query, window)
    if (!where.possible) return []
    const byKey = query.afterKey !== undefined
    // Only what a part is found by may be found by an index, in whatever order.
    const key = window.by === undefined || window.by === 'key' ? 'a.key' : '+a.key'
    const newest = query.search === undefined ? 'a.created_seq DESC' : 'search.rowid DESC'
    const sql = `SELECT ${columns} FROM ${where.from} ${whereText(where)}
      ORDER BY ${byKey ? key : newest} LIMIT ? OFFSET ?`
    return this.#statements.all<Row>(sql, [...where.values, query.limit, query.offset ?? 0])
  }

  async #listInTurns(query: AssetQuery, giveWay: GiveWay): Promise<Asset[]> {
    const { afterKey, beforeSeq } = query
    if (afterKey === undefined && this.#windows.isSmallFolder(query)) {
      return await this.#newestOfFolder(query, giveWay)
    }
    const windows =
      afterKey === undefined
        ? this.#windows.newestFirst(query, beforeSeq)
        : this.#windows.byKey(query, afterKey)
    const found: Asset[] = []
    let offset = query.offset ?? 0
    for await (const window of inTurns(windows, giveWay)) {
      const rest = { ...query, limit: query.limit - found.length, offset }
      const part = this.#listed(rest, window)
      found.push(...part)
      if (found.length >= query.limit) break
      if (part.length > 0) offset = 0
      else if (offset > 0) offset -= this.#counted(query, window)
    }
    return found
  }

  async #newestOfFolder(query: AssetQuery, giveWay: GiveWay): Promise<Asset[]> {
    const { offset = 0, limit, beforeSeq: before } = query
    const first = { ...query, offset: 0, limit: offset + limit }
    let newest: Asset[] = []
    for await (const window of inTurns(this.#windows.byKey(query, ''), giveWay)) {
      newest.push(...this.#listed(first, { ...window, before }))
      // What got another key between two turns may be in both parts: as it is now, and once.
      const known = new Map(newest.map(asset => [asset.createdSeq, asset]))
      newest = [...known.values()].sort((a, b) => b.createdSeq - a.createdSeq)
      newest = newest.slice(0, first.limit)
    }
    return newest.slice(offset)
  }

  async #countInTurns(filter: AssetFilter, giveWay: GiveWay): Promise<number> {
    let total = 0
    const windows = this.#windows.inAnyOrder(filter)
    for await (const window of inTurns(windows, giveWay)) total += this.#counted(filter, window)
    return total
  }

  async #statsInTurns(filter: StatsFilter, giveWay: GiveWay): Promise<AssetStats> {
    const totals = new UsageTotals()
    const windows = this.#windows.newestFirst({ ...filter, deleted: 'without' }, undefined)
    for await (const window of inTurns(windows, giveWay)) {
      for (const row of this.#usage(filter, window)) totals.add(row)
    }
    return this.#statsOf(totals)
  }

  #statsOf(totals: UsageTotals): AssetStats {
    const { assets, bytes } = totals
    const { words } = this.#tables
    const types = [...totals.types].map(([no, count]) => [fromCode(assetTypes, no), count])
    const largest = totals.largestServices(bounds.servicesToldMax)
    const services = largest.map(([no, usage]) => [words.word(no), usage])
    return {
      ...{ assets, bytes },
      types: Object.fromEntries(types),
      services: Object.fromEntries(services),
    }
  }

  #counted(filter: AssetFilter, window: Window = {}): number {
    const where = this.#where(filter, window)
    if (!where.possible) return 0
    const match = this.#holdsForAll(filter) ? where.values[0] : undefined
    // Where the search is all that decides, the index alone can count.
    if (match !== undefined) {
      return this.#statements.number('SELECT count(*) AS n FROM search WHERE search MATCH ?', [
        match,
      ])
    }
    const sql = `SELECT count(*) AS n FROM ${where.from} ${whereText(where)}`
    return this.#statements.number(sql, where.values)
  }

  /** Whether all assets there are pass the filter but for its search text. */
  #holdsForAll(filter: AssetFilter): boolean {
    const { search, ...rest } = filter
    if (search === undefined) return false
    const { assets } = this.#tables.counters.get('all', '')
    return this.#counterFor(rest) === assets
  }

  /** For what no counter holds: reads every asset that it counts. */
  #usage(filter: StatsFilter, window: Window = {}): UsageRow[] {
    const where = this.#where({ ...filter, deleted: 'without' }, window)
    if (!where.possible) return []
    return this.#statements.all<UsageRow>(
      `SELECT a.type, a.service, count(*) AS assets, sum(a.size) AS bytes
         FROM ${where.from} ${whereText(where)} GROUP BY a.type, a.service`,
      where.values,
    )
  }

  /** The total when one counter holds it: at most one plain filter, nothing deleted. */
  #counterFor(filter: AssetFilter): number | undefined {
    const { counters } = this.#tables
    const { deleted, visibleTo, visibleOwner, ...rest } = filter
    if (deleted !== 'without') return undefined
    if (this.#isPartial(filter)) return undefined
    const given = Object.entries(rest).filter(([, value]) => value !== undefined)
    const [only, second] = given
    if (second !== undefined) return undefined
    if (only === undefined) return counters.get('all', '').live
    if (filter.bucketIds !== undefined) {
      let live = 0
      for (const id of new Set(filter.bucketIds)) live += counters.get('bucket', id).live
      return live
    }
    const counted = counterOf(filter)
    return counted === undefined ? undefined : counters.get(...counted).live
  }

  #where(filter: AssetFilter, window?: Window): Where {
    return whereOf({ tables: this.#tables, terms: this.#terms }, filter, window)
  }
}

function counterOf(filter: AssetFilter): [CounterKind, string] | undefined {
  if (filter.bucketId !== undefined) return ['bucket', filter.bucketId]
  if (filter.service !== undefined) return ['service', filter.service]
  if (filter.ownerId !== undefined) return ['owner', filter.ownerId]
  if (filter.type !== undefined) return ['type', String(codeOf(assetTypes, filter.type))]
  return undefined
}
