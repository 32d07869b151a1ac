import type { SqliteDatabase } from '../database.ts'

/**
 * Whose each bucket is. Each new bucket of somebody asks how many they have, and the records of all
 * may be hundreds of megabytes. What changed is read again at the next question, and once more
 * after a rollback, which may have taken it back. For the writer alone: nobody else changes them.
 */
export class KnownOwners {
  readonly #db: SqliteDatabase
  readonly #all
  readonly #one
  #owners: Map<string, string | null> | undefined
  /** To be read before the next answer. */
  readonly #unread = new Set<string>()
  /** Changed since the last whole rollback: some of it may not be committed yet. */
  readonly #changed = new Set<string>()

  constructor(db: SqliteDatabase) {
    this.#db = db
    const select = "SELECT id, record ->> '$.ownerId' AS owner FROM buckets"
    this.#all = db.prepare<[], { id: string; owner: string | null }>(select)
    this.#one = db.prepare<[string], { owner: string | null }>(`${select} WHERE id = ?`)
  }

  count(ownerId: string): number {
    let count = 0
    for (const owner of this.#read().values()) if (owner === ownerId) count += 1
    return count
  }

  change(id: string): void {
    this.#unread.add(id)
    this.#changed.add(id)
  }

  takeBack(): void {
    for (const id of this.#changed) this.#unread.add(id)
    // Of a savepoint: what came before it may be taken back with the whole.
    if (!this.#db.inTransaction) this.#changed.clear()
  }

  #read(): Map<string, string | null> {
    if (this.#owners === undefined) {
      this.#owners = new Map(this.#all.all().map(({ id, owner }) => [id, owner]))
    } else {
      for (const id of this.#unread) {
        const row = this.#one.get(id)
        if (row === undefined) this.#owners.delete(id)
        else this.#owners.set(id, row.owner)
      }
    }
    this.#unread.clear()
    return this.#owners
  }
}
