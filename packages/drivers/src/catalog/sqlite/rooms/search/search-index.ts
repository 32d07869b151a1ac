import type { SqliteDatabase } from '../../database.ts'
import type { Assets } from '../assets.ts'
import { searchColumns } from './search-text.ts'

interface Touched {
  seq: number
  asset: number | null
}

/**
 * Full-text index over assets. It follows the change log in batches instead of every put, since an
 * FTS5 commit costs more than all other tables together; searches let it catch up first.
 */
export class SearchIndex {
  readonly #db: SqliteDatabase
  readonly #assets: Assets
  readonly #touched
  readonly #idOf
  readonly #drop
  readonly #add
  readonly #position
  readonly #setPosition

  constructor(db: SqliteDatabase, assets: Assets) {
    this.#db = db
    this.#assets = assets
    this.#touched = db.prepare<[number, number], Touched>(
      'SELECT seq, asset FROM changes WHERE seq > ? ORDER BY seq LIMIT ?',
    )
    this.#idOf = db.prepare<[number], string>('SELECT id FROM assets WHERE created_seq = ?').pluck()
    this.#drop = db.prepare('DELETE FROM search WHERE rowid = ?')
    this.#add = db.prepare('INSERT INTO search (rowid, name, tags, metadata) VALUES (?, ?, ?, ?)')
    this.#position = db
      .prepare<[], number>("SELECT value FROM state WHERE name = 'search_seq'")
      .pluck()
    this.#setPosition = db.prepare(
      "INSERT OR REPLACE INTO state (name, value) VALUES ('search_seq', ?)",
    )
  }

  position(): number {
    return this.#position.get() ?? 0
  }

  /** Indexes what up to `limit` further changes touched; false when it has caught up. */
  advance(limit: number): boolean {
    const rows = this.#touched.all(this.position(), limit)
    const last = rows.at(-1)
    if (last === undefined) return false
    const touched = new Set<number>()
    for (const { asset } of rows) if (asset !== null) touched.add(asset)
    this.#db.transaction(() => {
      for (const asset of touched) {
        this.#drop.run(asset)
        const id = this.#idOf.get(asset)
        const record = id === undefined ? undefined : this.#assets.byId(id)
        if (record !== undefined) this.#add.run(asset, ...searchColumns(record))
      }
      this.#setPosition.run(last.seq)
    })()
    return rows.length === limit
  }
}
