import type { KeyQuestions } from '@holdfast/core/ports/catalog.ts'
import type { ApiKey } from '@holdfast/core/records.ts'
import type { SqliteDatabase } from '../database.ts'
import { parseRecord } from '../row-values.ts'

export class Keys implements KeyQuestions {
  readonly #byHash
  readonly #byId
  readonly #list
  readonly #count
  readonly #put

  constructor(db: SqliteDatabase) {
    const select = 'SELECT record FROM keys'
    this.#byHash = db.prepare<[string], string>(`${select} WHERE hash = ?`).pluck()
    this.#byId = db.prepare<[string], string>(`${select} WHERE id = ?`).pluck()
    this.#list = db.prepare<[], string>(`${select} ORDER BY id`).pluck()
    this.#count = db.prepare<[], number>('SELECT count(*) FROM keys').pluck()
    this.#put = db.prepare('INSERT OR REPLACE INTO keys (id, hash, record) VALUES (?, ?, ?)')
  }

  byHash(hash: string): ApiKey | undefined {
    return recordOf(this.#byHash.get(hash))
  }

  byId(id: string): ApiKey | undefined {
    return recordOf(this.#byId.get(id))
  }

  list(): ApiKey[] {
    return this.#list.all().map(text => parseRecord<ApiKey>(text))
  }

  count(): number {
    return this.#count.get() ?? 0
  }

  put(key: ApiKey): void {
    this.#put.run(key.id, key.hash, JSON.stringify(key))
  }
}

function recordOf(text: string | undefined): ApiKey | undefined {
  return text === undefined ? undefined : parseRecord<ApiKey>(text)
}
