import type {
  KeyedPage,
  KeyedQuery,
  ObjectEntry,
  ObjectQuery,
  VersionEntry,
  VersionEntryQuery,
} from '@holdfast/core/ports/object-questions.ts'
import type { Asset, BriefVersion } from '@holdfast/core/records.ts'
import { Statements } from '../../statements.ts'
import { assetOfRow } from '../asset-rows.ts'
import type { AssetTables } from '../assets.ts'
import type { Versions } from '../versions.ts'
import { afterPrefix, commonPrefix, compareKeys, type KeyRange, keyRange } from './key-range.ts'
import { KeyedRows, type Sight } from './keyed-rows.ts'

/** The key behind the next so many, whether they are shown or not; only the index is read. */
const NEXT_KEY = `SELECT key FROM assets WHERE bucket = ? AND trashed = 0 AND key >= ?
  ORDER BY key LIMIT 1 OFFSET ?`
/**
 * Keys that one statement looks at. Few where the next may begin behind a common prefix; then twice
 * as many as long as nothing ends it.
 */
const LOOKS_FIRST = 8
const LOOKS_MOST = 256
/** What one that is shown counts as: it is read whole, and may be tens of kilobytes. */
const SHOWN_LOOKS = 32

interface Scan extends KeyedQuery, Sight {}

interface Found {
  readonly asset: Asset
  /** The one it was asked for with. */
  readonly version: BriefVersion | undefined
}

/** What may still be looked at, and where that ended. */
interface Looks {
  left: number
  stopped: string | undefined
}

/**
 * Listings by key. A common prefix costs one step in the index, whatever lies under it: rows are
 * read one by one, and at the first of a group the scan begins anew behind the group.
 */
export class Objects {
  readonly #tables: AssetTables
  readonly #versions: Versions
  readonly #statements: Statements
  readonly #keyBehind

  constructor(tables: AssetTables, versions: Versions) {
    this.#tables = tables
    this.#versions = versions
    this.#statements = new Statements(tables.db)
    this.#keyBehind = tables.db.prepare<[number, string, number], string>(NEXT_KEY).pluck()
  }

  list(query: ObjectQuery): KeyedPage<ObjectEntry> {
    const entries: ObjectEntry[] = []
    if (query.limit < 1) return { entries }
    const looks = looksOf(query)
    const range = rangeOf(query)
    for (const found of this.#groups({ ...query, live: true }, range, looks)) {
      if (typeof found === 'string') entries.push({ prefix: found })
      else {
        const { asset, version } = found
        if (version !== undefined) entries.push({ asset, version })
      }
      if (entries.length >= query.limit) break
    }
    return pageOf(entries, looks)
  }

  listVersions(query: VersionEntryQuery): KeyedPage<VersionEntry> {
    const entries: VersionEntry[] = []
    if (query.limit < 1) return { entries }
    const looks = looksOf(query)
    const { after, olderThan } = query
    const range = rangeOf(query)
    const within = query.from === undefined && after !== undefined && olderThan !== undefined
    // The rest of the key that the last page ended in comes first.
    const start = within && commonPrefix(after, query) === undefined
    const from = start && after.startsWith(query.prefix ?? '') ? after : range.from
    for (const found of this.#groups({ ...query, live: false }, { ...range, from }, looks)) {
      if (typeof found === 'string') entries.push({ prefix: found })
      else this.#addVersions(entries, found, query)
      if (entries.length >= query.limit) break
    }
    return pageOf(entries, looks)
  }

  #addVersions(entries: VersionEntry[], found: Found, query: VersionEntryQuery): void {
    const { asset, version: latest } = found
    const limit = query.limit - entries.length
    const rest = asset.key === query.after ? query.olderThan : undefined
    // Most keys have one version, which came with them.
    if (latest?.number === 1 && rest === undefined) {
      entries.push({ asset, version: latest, isLatest: true })
      return
    }
    const page =
      rest === undefined
        ? this.#versions.shown(asset, { limit })
        : this.#versions.shown(asset, { limit, olderThan: rest })
    // Only the rest of a key may leave its newest version to the page before.
    const first = rest === undefined ? page : this.#versions.shown(asset, { limit: 1 })
    const newest = first[0]?.number
    for (const version of page) {
      entries.push({ asset, version, isLatest: version.number === newest })
    }
  }

  /** Assets and common prefixes in order. */
  *#groups(scan: Scan, { from, to }: KeyRange, looks: Looks): Generator<Found | string> {
    const bucket = this.#tables.buckets.no(scan.bucketId)
    if (bucket === undefined) return
    const seen = new KeyedRows(this.#tables, { statements: this.#statements, bucket, sight: scan })
    const grouped = isGrouped(scan)
    const first = grouped ? LOOKS_FIRST : Math.min(scan.limit, LOOKS_MOST, Math.max(1, looks.left))
    let next: string | undefined = from
    let count = first
    // Behind a common prefix there is often the next one.
    let mayBeGroup = grouped
    while (next !== undefined) {
      if (looks.left <= 0) {
        looks.stopped = next
        return
      }
      if (mayBeGroup) {
        looks.left -= 1
        const key = seen.firstKey({ from: next, to })
        if (key === undefined) return
        const group = key === null ? undefined : commonPrefix(key, scan)
        if (group !== undefined) {
          yield group
          next = afterPrefix(group)
          continue
        }
        // No stop before the range is read: whoever goes on from here would stop here again.
      }
      looks.left -= count
      const end: string | undefined = within(to, this.#keyBehind.get(bucket, next, count))
      const range: KeyRange = { from: next, to: end ?? to }
      next = end
      count = Math.min(2 * count, LOOKS_MOST)
      mayBeGroup = grouped
      for (const row of grouped ? seen.each(range) : seen.all(range)) {
        const group = commonPrefix(row.key, scan)
        if (group === undefined) {
          mayBeGroup = false
          looks.left -= SHOWN_LOOKS - 1
          const asset = assetOfRow(row, this.#tables.buckets, this.#tables.words)
          yield { asset, version: this.#versions.joined(row, asset.id) }
          continue
        }
        yield group
        next = afterPrefix(group)
        count = first
        break
      }
    }
  }
}

function isGrouped({ delimiter }: Scan): boolean {
  return delimiter !== undefined && delimiter !== ''
}

function within(to: string | undefined, key: string | undefined): string | undefined {
  return key === undefined || to === undefined || compareKeys(key, to) < 0 ? key : undefined
}

function looksOf({ looksMax }: KeyedQuery): Looks {
  return { left: looksMax ?? Number.POSITIVE_INFINITY, stopped: undefined }
}

function rangeOf(query: KeyedQuery & { readonly after?: string }): KeyRange {
  const range = keyRange(query)
  return query.from === undefined ? range : { ...range, from: query.from }
}

function pageOf<Entry>(entries: readonly Entry[], { stopped }: Looks): KeyedPage<Entry> {
  return stopped === undefined ? { entries } : { entries, stopped }
}
