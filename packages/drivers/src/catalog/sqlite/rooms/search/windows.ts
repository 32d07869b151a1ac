import type { AssetFilter, GiveWay } from '@holdfast/core/ports/asset-questions.ts'
import { Statements } from '../../statements.ts'
import type { AssetTables } from '../assets.ts'
import { afterPrefix } from '../objects/key-range.ts'

/** Some 10 ms of looks; the first are few, since most pages are full after them. */
const LOOKS = { first: 1024, next: 8192 }
export type Looks = typeof LOOKS

/** Above that the assets of all buckets are looked at together. */
const BUCKETS_MAX = 64

/** Newest first, or by key within one bucket: from where a look begins, and where it ends. */
export interface Window {
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
  readonly #buckets
  readonly #statements
  readonly #looks

  constructor({ db, buckets }: AssetTables, looks: Looks = LOOKS) {
    this.#buckets = buckets
    this.#statements = new Statements(db)
    this.#looks = looks
  }

  *newestFirst(filter: AssetFilter, from: number | undefined): Generator<Window, void> {
    let before = from
    for (let looks = this.#looks.first; ; looks = this.#looks.next) {
      const since = this.#sinceOf(filter, before, looks)
      yield { before, since: since ?? 0 }
      if (since === undefined) return
      before = since
    }
  }

  *byKey({ bucketId = '', keyPrefix = '' }: AssetFilter, from: string): Generator<Window, void> {
    const bucket = this.#buckets.no(bucketId)
    const end = afterPrefix(keyPrefix)
    const sql = `SELECT key AS at FROM assets WHERE bucket = ? AND trashed = 0 AND key > ?
      AND key >= ? ${end === undefined ? '' : 'AND key < ?'} ORDER BY key LIMIT 1 OFFSET ?`
    let after = from
    for (let looks = this.#looks.first; bucket !== undefined; looks = this.#looks.next) {
      const values = [bucket, after, keyPrefix, ...(end === undefined ? [] : [end]), looks - 1]
      const [row] = this.#statements.all<{ at: string }>(sql, values)
      yield { after, until: row?.at }
      if (row === undefined) return
      after = row.at
    }
  }

  #sinceOf(filter: AssetFilter, before: number | undefined, looks: number): number | undefined {
    const { deleted } = filter
    const numbers = deleted === 'without' ? this.#numbersOf(filter) : undefined
    const hidden = deleted === 'only' ? 'deleted_at IS NOT NULL AND' : ''
    const parts =
      numbers === undefined
        ? [hidden]
        : numbers.map(no => `bucket = ${no} AND deleted_at IS NULL AND`)
    const each = Math.max(1, Math.floor(looks / Math.max(1, parts.length)))
    const ends = parts.flatMap(part => {
      const sql = `SELECT created_seq AS at FROM assets WHERE ${part} created_seq < ?
        ORDER BY created_seq DESC LIMIT 1 OFFSET ?`
      const values = [before ?? Number.MAX_SAFE_INTEGER, each - 1]
      return this.#statements.all<{ at: number }>(sql, values).map(({ at }) => at)
    })
    return ends.length === 0 ? undefined : Math.max(...ends)
  }

  /** Undefined for all buckets there are. */
  #numbersOf({ bucketId, bucketIds }: AssetFilter): readonly number[] | undefined {
    const ids = bucketId === undefined ? bucketIds : [bucketId]
    if (ids === undefined || ids.length > BUCKETS_MAX) return undefined
    return [...new Set(ids)].flatMap(id => this.#buckets.no(id) ?? [])
  }
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
