import type { AssetFilter, AssetQuery, GiveWay } from '@holdfast/core/ports/asset-questions.ts'
import { Statements } from '../../statements.ts'
import type { AssetTables } from '../assets.ts'
import { afterPrefix, compareKeys } from '../objects/key-range.ts'

/** Some 10 ms of looks; the first are few, since most pages are full after them. */
const LOOKS = { first: 1024, next: 8192 }
export type Looks = typeof LOOKS

/** Above that the assets of all buckets are looked at together. */
const BUCKETS_MAX = 64

/** The index that a part is found by; by any other, more might be looked at. */
export type Ground = 'bucket' | 'service' | 'owner' | 'tags' | 'key'

/** Of a bucket, and turns at most: what a small folder holds. */
const SHARE = 64
const TURNS = 8

/** Newest first, or by key within one bucket: from where a look begins, and where it ends. */
export interface Window {
  /** Absent: the numbers of the assets. */
  readonly by?: Ground | undefined
  readonly before?: number | undefined
  readonly since?: number | undefined
  readonly after?: string | undefined
  readonly until?: string | undefined
}

/**
 * Parts of what a filter has to look at, however little of it the filter shows: none holds more
 * than so many assets, and found by an index alone, they are cheap to cut.
 */
export class Windows {
  readonly #tables
  readonly #statements
  readonly #looks

  constructor(tables: AssetTables, looks: Looks = LOOKS) {
    this.#tables = tables
    this.#statements = new Statements(tables.db)
    this.#looks = looks
  }

  /** Whether a page is full, or ends, after little more looks than it has assets. */
  isPlain({ limit: _, offset = 0, beforeSeq: __, afterKey, ...filter }: AssetQuery): boolean {
    const { deleted, visibleTo: ___, visibleOwner: ____, bucketId, keyPrefix, ...rest } = filter
    const isKeyed = afterKey !== undefined
    if (offset > this.#looks.first || (keyPrefix !== undefined && !isKeyed)) return false
    const given = Object.entries({ ...rest, bucketId }).filter(([, value]) => value !== undefined)
    const [only, second] = given
    if (second !== undefined) return false
    if (deleted !== 'without') return deleted === 'with' ? isKeyed || only === undefined : !only
    if (!isKeyed && only !== undefined) {
      const [name, value] = only
      if (name === 'bucketIds') return Array.isArray(value) && value.length === 1
      return name === 'bucketId' || name === 'service' || name === 'ownerId'
    }
    const { counters } = this.#tables
    const all = bucketId === undefined ? counters.get('all', '') : counters.get('bucket', bucketId)
    return all.assets - all.live <= this.#looks.first
  }

  /** For totals, whose order is nobody's matter. */
  *inAnyOrder(filter: AssetFilter): Generator<Window, void> {
    const { bucketId, keyPrefix = '', deleted } = filter
    const isKeyed = bucketId !== undefined && keyPrefix !== '' && deleted === 'without'
    if (isKeyed && filter.tagsAny === undefined) yield* this.byKey(filter, '')
    else yield* this.newestFirst(filter, undefined)
  }

  *newestFirst(filter: AssetFilter, from: number | undefined): Generator<Window, void> {
    const few = this.#few(filter)
    if (few !== undefined) {
      yield { by: few, before: from }
      return
    }
    const by = this.#groundOf(filter)
    let before = from
    for (let looks = this.#looks.first; ; looks = this.#looks.next) {
      const since = this.#sinceOf(filter, { by, before, looks })
      yield { by, before, since: since ?? 0 }
      if (since === undefined) return
      before = since
    }
  }

  *byKey(filter: AssetFilter, from: string): Generator<Window, void> {
    const few = this.#fewByKey(filter)
    if (few !== undefined) {
      yield { by: few, after: from }
      return
    }
    let after = from
    for (let looks = this.#looks.first; ; looks = this.#looks.next) {
      const until = this.#untilOf(filter, after, looks)
      yield { by: 'key', after, until }
      if (until === undefined) return
      after = until
    }
  }

  /**
   * Whether the newest of a folder are found sooner by its keys, of which all are looked at, than
   * from the newest of the bucket on.
   */
  isSmallFolder({ limit, offset = 0, ...filter }: AssetQuery): boolean {
    const { bucketId, keyPrefix = '', deleted, search } = filter
    if (bucketId === undefined || keyPrefix === '' || deleted !== 'without') return false
    if (search !== undefined || offset + limit > this.#looks.first) return false
    const { live } = this.#tables.counters.get('bucket', bucketId)
    const share = Math.min(Math.ceil(live / SHARE), TURNS * this.#looks.next)
    return this.#untilOf(filter, '', Math.max(this.#looks.next, share)) === undefined
  }

  /** By what all that the filter may find is few enough for one look, if by anything. */
  #few(filter: AssetFilter): Ground | undefined {
    // Its hits are what is looked at, however few else there are.
    if (filter.search !== undefined) return undefined
    const [least] = this.#countedGrounds(filter)
    if (least !== undefined && least.live <= this.#looks.next) return least.by
    if (filter.tagsAny === undefined || filter.tagsAny.length === 0) return undefined
    const looks = this.#looks.next
    return this.#sinceOf(filter, { by: 'tags', before: undefined, looks }) === undefined
      ? 'tags'
      : undefined
  }

  /** The index by key holds what is hidden, too: of it, all that the bucket has must be few. */
  #fewByKey(filter: AssetFilter): Ground | undefined {
    const few = this.#few(filter)
    if (few !== 'bucket') return few
    const { assets, live } = this.#tables.counters.get('bucket', filter.bucketId ?? '')
    if (assets <= this.#looks.next) return 'key'
    return live <= this.#looks.first ? 'bucket' : undefined
  }

  #groundOf(filter: AssetFilter): Ground | undefined {
    const grounds = this.#countedGrounds(filter)
    if (filter.search !== undefined) return grounds.find(({ by }) => by === 'bucket')?.by
    if (filter.tagsAny !== undefined && filter.tagsAny.length > 0) return 'tags'
    return grounds[0]?.by
  }

  /** Those that counters know the size of, the smallest first. Their indexes know only the live. */
  #countedGrounds(filter: AssetFilter): { readonly by: Ground; readonly live: number }[] {
    if (filter.deleted !== 'without') return []
    const { counters } = this.#tables
    const { service, ownerId } = filter
    const grounds: { by: Ground; live: number }[] = []
    const ids = bucketsOf(filter)
    if (ids !== undefined && ids.length <= BUCKETS_MAX) {
      const lives = ids.map(id => counters.get('bucket', id).live)
      grounds.push({ by: 'bucket', live: lives.reduce((sum, live) => sum + live, 0) })
    }
    if (service !== undefined) {
      grounds.push({ by: 'service', live: counters.get('service', service).live })
    }
    if (ownerId !== undefined) {
      grounds.push({ by: 'owner', live: counters.get('owner', ownerId).live })
    }
    return grounds.sort((a, b) => a.live - b.live)
  }

  #untilOf(filter: AssetFilter, after: string, looks: number): string | undefined {
    const { bucketId = '', keyPrefix = '' } = filter
    const bucket = this.#tables.buckets.no(bucketId)
    if (bucket === undefined) return undefined
    const end = afterPrefix(keyPrefix)
    // An index is entered by one bound: of the two, the one that leaves less.
    const isWide = compareKeys(after, keyPrefix) < 0
    const lower = isWide ? '+key > ? AND key >= ?' : 'key > ? AND +key >= ?'
    const sql = `SELECT key AS at FROM assets WHERE bucket = ? AND trashed = 0 AND ${lower}
      ${end === undefined ? '' : 'AND key < ?'} ORDER BY key LIMIT 1 OFFSET ?`
    const values = [bucket, after, keyPrefix, ...(end === undefined ? [] : [end]), looks - 1]
    return this.#statements.all<{ at: string }>(sql, values)[0]?.at
  }

  #sinceOf(filter: AssetFilter, { by, before, looks }: Step): number | undefined {
    const parts = this.#partsOf(filter, by)
    const each = Math.max(1, Math.floor(looks / Math.max(1, parts.length)))
    const [at, table] = by === 'tags' ? ['asset', 'asset_tags'] : ['created_seq', 'assets']
    const ends = parts.flatMap(({ text, values }) => {
      const sql = `SELECT ${at} AS at FROM ${table} WHERE ${text} ${at} < ?
        ORDER BY ${at} DESC LIMIT 1 OFFSET ?`
      const bound = [...values, before ?? Number.MAX_SAFE_INTEGER, each - 1]
      return this.#statements.all<{ at: number }>(sql, bound).map(({ at }) => at)
    })
    return ends.length === 0 ? undefined : Math.max(...ends)
  }

  /** Each is in the order of the numbers by itself. */
  #partsOf(filter: AssetFilter, by: Ground | undefined): Part[] {
    const { buckets, words } = this.#tables
    if (by === 'tags') {
      return [...new Set(filter.tagsAny)].map(tag => ({ text: 'tag = ? AND', values: [tag] }))
    }
    if (by === 'bucket') {
      const numbers = new Set(bucketsOf(filter)?.flatMap(id => buckets.no(id) ?? []))
      const text = 'bucket = ? AND deleted_at IS NULL AND'
      return [...numbers].map(no => ({ text, values: [no] }))
    }
    if (by === 'service' || by === 'owner') {
      const no = words.find((by === 'service' ? filter.service : filter.ownerId) ?? '')
      return no === undefined
        ? []
        : [{ text: `${by} = ? AND deleted_at IS NULL AND`, values: [no] }]
    }
    const isHidden = filter.deleted === 'only'
    return [{ text: isHidden ? 'deleted_at IS NOT NULL AND' : '', values: [] }]
  }
}

interface Step {
  readonly by: Ground | undefined
  readonly before: number | undefined
  readonly looks: number
}

interface Part {
  readonly text: string
  readonly values: readonly unknown[]
}

/** Undefined for all buckets there are. */
function bucketsOf({ bucketId, bucketIds }: AssetFilter): readonly string[] | undefined {
  return bucketId === undefined ? bucketIds && [...new Set(bucketIds)] : [bucketId]
}

export async function* inTurns(
  windows: Iterable<Window>,
  giveWay: GiveWay,
): AsyncGenerator<Window> {
  let isFirst = true
  for (const window of windows) {
    if (!isFirst) await giveWay()
    isFirst = false
    yield window
  }
}
