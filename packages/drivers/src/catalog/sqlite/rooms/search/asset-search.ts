import { BoundedCache } from '@holdfast/core/bounded-cache.ts'
import { HoldfastError } from '@holdfast/core/errors.ts'
import type { AssetFilter, AssetQuery, AssetStats } from '@holdfast/core/ports/asset-questions.ts'
import { type Asset, assetTypes, type Usage } from '@holdfast/core/records.ts'
import { codeOf, fromCode } from '../../row-values.ts'
import { Statements } from '../../statements.ts'
import { type AssetRow, assetColumns, assetOfRow } from '../asset-rows.ts'
import type { AssetTables } from '../assets.ts'
import type { CounterKind } from '../counters.ts'
import { afterPrefix } from '../objects/key-range.ts'
import { namesOneOf, withinReach } from '../objects/reach.ts'
import { SearchTerms } from './search-terms.ts'
import { matchExpression } from './search-text.ts'

/** Of the filters whose totals are kept until the next commit. */
const TOTALS_CHARS_MAX = 256 * 1024

interface Where {
  readonly from: string
  readonly parts: string[]
  readonly values: unknown[]
  /** False when nothing can match. */
  readonly possible: boolean
}

type StatsFilter = Pick<AssetFilter, 'service' | 'bucketIds' | 'visibleTo'>

const SELECT = assetColumns('a.')

/** Lists, totals and statistics of assets. Costs follow the page, not the bucket. */
export class AssetSearch {
  readonly #tables: AssetTables
  readonly #statements: Statements
  readonly #terms
  readonly #version
  #totals = new BoundedCache<number>(TOTALS_CHARS_MAX)
  #countedAt: number | undefined

  constructor(tables: AssetTables) {
    const { db } = tables
    this.#tables = tables
    this.#version = db.readonly ? db.prepare<[], number>('PRAGMA data_version').pluck() : undefined
    this.#terms = new SearchTerms(db)
    this.#statements = new Statements(db)
  }

  list(query: AssetQuery): Asset[] {
    const where = this.#where(query)
    if (!where.possible) return []
    if (query.beforeSeq !== undefined) {
      where.parts.push('a.created_seq < ?')
      where.values.push(query.beforeSeq)
    }
    const byKey = query.afterKey !== undefined
    if (byKey) {
      if (query.bucketId === undefined) throw new HoldfastError('INTERNAL')
      where.parts.push('a.key > ?', 'a.trashed = 0')
      where.values.push(query.afterKey)
    }
    const newest = query.search === undefined ? 'a.created_seq DESC' : 'search.rowid DESC'
    const sql = `SELECT ${SELECT} FROM ${where.from} ${whereText(where)}
      ORDER BY ${byKey ? 'a.key' : newest} LIMIT ? OFFSET ?`
    const { buckets, words } = this.#tables
    return this.#statements
      .all<AssetRow>(sql, [...where.values, query.limit, query.offset ?? 0])
      .map(row => assetOfRow(row, buckets, words))
  }

  count(filter: AssetFilter): number {
    const counter = this.#counterFor(filter)
    if (counter !== undefined) return counter
    const totals = this.#currentTotals()
    const key = JSON.stringify(filter)
    const known = totals?.get(key)
    if (known !== undefined) return known
    const total = this.#counted(filter)
    totals?.set(key, total, key.length)
    return total
  }

  stats(filter: StatsFilter): AssetStats {
    const { counters } = this.#tables
    const guarded = filter.visibleTo !== undefined && counters.get('acl', '').live > 0
    if (filter.bucketIds !== undefined || guarded) return this.#countedStats(filter)
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
      .list('service')
      .filter(({ live }) => live > 0)
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

  #counted(filter: AssetFilter): number {
    const where = this.#where(filter)
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
  #countedStats(filter: StatsFilter): AssetStats {
    const where = this.#where({ ...filter, deleted: 'without' })
    const types: Record<string, number> = {}
    const services: Record<string, Usage> = {}
    let assets = 0
    let bytes = 0
    if (where.possible) {
      const rows = this.#statements.all<{
        type: number
        service: number
        assets: number
        bytes: number
      }>(
        `SELECT a.type, a.service, count(*) AS assets, sum(a.size) AS bytes
           FROM ${where.from} ${whereText(where)} GROUP BY a.type, a.service`,
        where.values,
      )
      for (const row of rows) {
        const type = fromCode(assetTypes, row.type)
        const name = this.#tables.words.word(row.service)
        const before = services[name] ?? { assets: 0, bytes: 0 }
        types[type] = (types[type] ?? 0) + row.assets
        services[name] = { assets: before.assets + row.assets, bytes: before.bytes + row.bytes }
        assets += row.assets
        bytes += row.bytes
      }
    }
    return { assets, bytes, types, services }
  }

  /** The total when one counter holds it: at most one plain filter, nothing deleted. */
  #counterFor(filter: AssetFilter): number | undefined {
    const { counters } = this.#tables
    const { deleted, visibleTo, ...rest } = filter
    if (deleted !== 'without') return undefined
    if (visibleTo !== undefined && counters.get('acl', '').live > 0) return undefined
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

  #where(filter: AssetFilter): Where {
    const { buckets, words } = this.#tables
    const parts: string[] = []
    const values: unknown[] = []
    const nothing: Where = { from: 'assets a', parts, values, possible: false }
    if (filter.deleted === 'without') parts.push('a.deleted_at IS NULL')
    if (filter.deleted === 'only') parts.push('a.deleted_at IS NOT NULL')
    if (filter.bucketId !== undefined) {
      const no = buckets.no(filter.bucketId)
      if (no === undefined) return nothing
      parts.push('a.bucket = ?')
      values.push(no)
    }
    if (filter.bucketIds !== undefined) {
      const numbers = filter.bucketIds.flatMap(id => buckets.no(id) ?? [])
      if (numbers.length === 0) return nothing
      parts.push(`a.bucket IN (${numbers.join(', ')})`)
    }
    for (const [column, word] of [
      ['service', filter.service],
      ['owner', filter.ownerId],
    ] as const) {
      if (word === undefined) continue
      const no = words.find(word)
      if (no === undefined) return nothing
      parts.push(`a.${column} = ?`)
      values.push(no)
    }
    if (filter.type !== undefined) {
      parts.push('a.type = ?')
      values.push(codeOf(assetTypes, filter.type))
    }
    if (filter.name !== undefined) {
      parts.push('a.name = ?')
      values.push(filter.name)
    }
    if (filter.tagsAny !== undefined && filter.tagsAny.length > 0) {
      const marks = filter.tagsAny.map(() => '?').join(', ')
      parts.push(`a.created_seq IN (SELECT asset FROM asset_tags WHERE tag IN (${marks}))`)
      values.push(...filter.tagsAny)
    }
    if (filter.keyPrefix !== undefined && filter.keyPrefix !== '') {
      // Who is not deleted is not in the trash: said aloud, the index by key can be used.
      if (filter.deleted === 'without') parts.push('a.trashed = 0')
      parts.push('a.key >= ?')
      values.push(filter.keyPrefix)
      const end = afterPrefix(filter.keyPrefix)
      if (end !== undefined) {
        parts.push('a.key < ?')
        values.push(end)
      }
    }
    if (filter.visibleTo !== undefined) {
      const ids = [filter.visibleTo].flat()
      parts.push(`(a.acl IS NULL OR ${namesOneOf(ids)})`)
      values.push(...ids)
    }
    if (filter.reach !== undefined) {
      const reach = withinReach(this.#tables, filter.reach)
      parts.push(reach.text)
      values.push(...reach.values)
    }
    if (filter.search === undefined) return { from: 'assets a', parts, values, possible: true }
    const match = matchExpression(filter.search, this.#terms.beginningWith)
    if (match === undefined) return nothing
    parts.unshift('search MATCH ?')
    values.unshift(match)
    const from = 'search CROSS JOIN assets a ON a.created_seq = search.rowid'
    return { from, parts, values, possible: true }
  }
}

function counterOf(filter: AssetFilter): [CounterKind, string] | undefined {
  if (filter.bucketId !== undefined) return ['bucket', filter.bucketId]
  if (filter.service !== undefined) return ['service', filter.service]
  if (filter.ownerId !== undefined) return ['owner', filter.ownerId]
  if (filter.type !== undefined) return ['type', String(codeOf(assetTypes, filter.type))]
  return undefined
}

function whereText(where: Where): string {
  return where.parts.length === 0 ? '' : `WHERE ${where.parts.join(' AND ')}`
}
