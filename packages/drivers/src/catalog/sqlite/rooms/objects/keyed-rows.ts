import type { AssetFilter } from '@holdfast/core/ports/asset-questions.ts'
import type { Statement } from 'better-sqlite3'
import type { Statements } from '../../statements.ts'
import { type AssetRow, assetColumns } from '../asset-rows.ts'
import type { AssetTables } from '../assets.ts'
import { JOINED_VERSION, type JoinedVersion, type Joinless } from '../versions.ts'
import type { KeyRange } from './key-range.ts'
import { withinSight } from './reach.ts'

/** A query of its own for each version costs more than to join it. */
const selectWith = (number: string) => `SELECT ${assetColumns('a.')}, ${JOINED_VERSION}
  FROM assets a LEFT JOIN versions v ON v.asset = a.created_seq AND v.number = ${number}`
/** With what each asset shows. */
const WITH_CURRENT = selectWith('a.version_number')
/** With the newest of its versions and markers that are not deleted. */
const WITH_NEWEST = selectWith(`(SELECT max(n.number) FROM versions n
  WHERE n.asset = a.created_seq AND n.deleted_at IS NULL)`)

export interface Sight extends Pick<AssetFilter, 'visibleTo' | 'visibleOwner' | 'reach'> {
  /** Without those that are deleted. */
  readonly live: boolean
}

export type KeyedRow = AssetRow & (JoinedVersion | Joinless)

interface Queries {
  readonly rows: Statement<unknown[], KeyedRow>
  readonly first: Statement<unknown[], string | null>
}

/** What one listing sees of a bucket. Its queries are put together once, not for every range. */
export class KeyedRows {
  readonly #statements: Statements
  readonly #bucket: number
  readonly #select: string
  readonly #seen: { readonly texts: readonly string[]; readonly values: readonly unknown[] }
  /** Of ranges without an end, and with one. */
  #open: Queries | undefined
  #ended: Queries | undefined

  constructor(tables: AssetTables, of: { statements: Statements; bucket: number; sight: Sight }) {
    this.#statements = of.statements
    this.#bucket = of.bucket
    this.#select = of.sight.live ? WITH_CURRENT : WITH_NEWEST
    this.#seen = seenBy(tables, of.sight)
  }

  /** All rows of the range at once: less than one by one, where all are wanted. */
  all(range: KeyRange): Iterable<KeyedRow> {
    return this.#queriesOf(range).rows.all(...this.#place(range), ...this.#seen.values)
  }

  /** Row by row, for whoever may stop early. */
  each(range: KeyRange): Iterable<KeyedRow> {
    return this.#queriesOf(range).rows.iterate(...this.#place(range), ...this.#seen.values)
  }

  /** The first key of the range, hidden ones counted; null where that is one. */
  firstKey(range: KeyRange): string | null | undefined {
    return this.#queriesOf(range).first.get(...this.#seen.values, ...this.#place(range))
  }

  #place({ from, to }: KeyRange): readonly unknown[] {
    return to === undefined ? [this.#bucket, from] : [this.#bucket, from, to]
  }

  #queriesOf({ to }: KeyRange): Queries {
    if (to === undefined) {
      this.#open ??= this.#prepared('')
      return this.#open
    }
    this.#ended ??= this.#prepared(' AND a.key < ?')
    return this.#ended
  }

  #prepared(end: string): Queries {
    const { texts } = this.#seen
    const place = `a.bucket = ? AND a.trashed = 0 AND a.key >= ?${end}`
    const rows = [place, ...texts].join(' AND ')
    const first = `CASE WHEN ${texts.join(' AND ') || 'TRUE'} THEN a.key END`
    return {
      rows: this.#statements.of<KeyedRow>(`${this.#select} WHERE ${rows} ORDER BY a.key`),
      first: this.#statements.firstOf<string | null>(
        `SELECT ${first} FROM assets a WHERE ${place} ORDER BY a.key LIMIT 1`,
      ),
    }
  }
}

function seenBy(tables: AssetTables, { live, ...sight }: Sight) {
  const conditions = withinSight(tables, sight, 'readers')
  const texts = conditions.map(({ text }) => text)
  return {
    texts: live ? ['a.deleted_at IS NULL', ...texts] : texts,
    values: conditions.flatMap(({ values }) => values),
  }
}
