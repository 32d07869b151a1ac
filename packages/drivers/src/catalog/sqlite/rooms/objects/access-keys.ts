import type { AccessKey } from '@holdfast/core/objects.ts'
import type { AccessKeyQuestions } from '@holdfast/core/ports/identity-questions.ts'
import type { SqliteDatabase } from '../../database.ts'
import { parseRecord } from '../../row-values.ts'

export class AccessKeys implements AccessKeyQuestions {
  readonly #byId
  readonly #list
  readonly #byPrincipal
  readonly #put

  constructor(db: SqliteDatabase) {
    this.#byId = db.prepare<[string], string>('SELECT record FROM access_keys WHERE id = ?').pluck()
    this.#list = db.prepare<[], string>('SELECT record FROM access_keys ORDER BY id').pluck()
    this.#byPrincipal = db
      .prepare<[string], string>(
        `SELECT record FROM access_keys
           WHERE json_valid(record) AND record ->> '$.principalId' = ? ORDER BY id`,
      )
      .pluck()
    this.#put = db.prepare('INSERT OR REPLACE INTO access_keys (id, record) VALUES (?, ?)')
  }

  byId(id: string): AccessKey | undefined {
    const text = this.#byId.get(id)
    return text === undefined ? undefined : parseRecord<AccessKey>(text)
  }

  list(): AccessKey[] {
    return this.#list.all().map(text => parseRecord<AccessKey>(text))
  }

  byPrincipal(principalId: string): AccessKey[] {
    return this.#byPrincipal.all(principalId).map(text => parseRecord<AccessKey>(text))
  }

  put(key: AccessKey): void {
    this.#put.run(key.id, JSON.stringify(key))
  }
}
