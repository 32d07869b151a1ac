import type { SqliteDatabase } from '../catalog/sqlite/database.ts'
import type { JournalPosition } from '../element/disk/journal.ts'

/** How far the catalog has applied the log; written in the commit that applies it. */
export class AppliedPosition {
  readonly #get
  readonly #set
  readonly #unset

  constructor(db: SqliteDatabase) {
    this.#get = db.prepare<[], string>("SELECT value FROM state WHERE name = 'applied'").pluck()
    this.#set = db.prepare("INSERT OR REPLACE INTO state (name, value) VALUES ('applied', ?)")
    this.#unset = db.prepare("DELETE FROM state WHERE name = 'applied'")
  }

  get(): JournalPosition | undefined {
    const text = this.#get.get()
    if (text === undefined) return undefined
    const [pack, offset, batch] = text.split(':').map(Number)
    return { pack: pack ?? 0, offset: offset ?? 0, batch: batch ?? 1 }
  }

  set(position: JournalPosition): void {
    this.#set.run(`${position.pack}:${position.offset}:${position.batch}`)
  }

  /**
   * Writes it even if it is the same. SQLite takes a row replaced by an equal one for no change:
   * the commit then writes no page, and syncs nothing either.
   */
  renew(position: JournalPosition): void {
    this.#unset.run()
    this.set(position)
  }
}
