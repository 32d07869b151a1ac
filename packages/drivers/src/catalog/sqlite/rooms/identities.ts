import type { Identity, IdentityKind } from '@holdfast/core/identities.ts'
import type {
  IdentityOf,
  IdentityQuery,
  IdentityQuestions,
} from '@holdfast/core/ports/identity-questions.ts'
import type { SqliteDatabase } from '../database.ts'
import { parseRecord } from '../row-values.ts'

export class Identities implements IdentityQuestions {
  readonly #byId
  readonly #byName
  readonly #list
  readonly #listOf
  readonly #count
  readonly #put
  readonly #putName
  readonly #remove
  readonly #removeNames

  constructor(db: SqliteDatabase) {
    const select = 'SELECT i.record FROM identities i'
    this.#byId = db
      .prepare<[string, string], string>(`${select} WHERE i.id = ? AND i.kind = ?`)
      .pluck()
    this.#byName = db
      .prepare<[string, string], string>(
        `${select} JOIN identity_names n ON n.id = i.id WHERE n.kind = ? AND n.name = ?`,
      )
      .pluck()
    this.#list = db
      .prepare<[string, string, number], string>(
        `${select} WHERE i.kind = ? AND i.id > ? ORDER BY i.id LIMIT ?`,
      )
      .pluck()
    this.#listOf = db
      .prepare<[string, string, string, number], string>(
        `${select} WHERE i.belongs_to = ? AND i.kind = ? AND i.id > ? ORDER BY i.id LIMIT ?`,
      )
      .pluck()
    this.#count = db
      .prepare<[string], number>('SELECT count(*) FROM identities WHERE kind = ?')
      .pluck()
    this.#put = db.prepare(
      'INSERT OR REPLACE INTO identities (id, kind, belongs_to, record) VALUES (?, ?, ?, ?)',
    )
    this.#putName = db.prepare(
      'INSERT OR REPLACE INTO identity_names (kind, name, id) VALUES (?, ?, ?)',
    )
    this.#remove = db.prepare('DELETE FROM identities WHERE id = ?')
    this.#removeNames = db.prepare('DELETE FROM identity_names WHERE id = ?')
  }

  byId<Kind extends IdentityKind>(kind: Kind, id: string): IdentityOf<Kind> | undefined {
    return recordOf(this.#byId.get(id, kind))
  }

  byName<Kind extends IdentityKind>(kind: Kind, name: string): IdentityOf<Kind> | undefined {
    return recordOf(this.#byName.get(kind, name))
  }

  list<Kind extends IdentityKind>(query: IdentityQuery<Kind>): IdentityOf<Kind>[] {
    const { kind, belongsTo, after = '', limit } = query
    const rows =
      belongsTo === undefined
        ? this.#list.all(kind, after, limit)
        : this.#listOf.all(belongsTo, kind, after, limit)
    return rows.map(text => parseRecord<IdentityOf<Kind>>(text))
  }

  count(kind: IdentityKind): number {
    return this.#count.get(kind) ?? 0
  }

  /** For the replay, which meets records of every kind. */
  seqOf(id: string, kind: IdentityKind): number | undefined {
    return this.byId(kind, id)?.seq
  }

  put(record: Identity): void {
    const { id, kind, belongsTo, names } = record
    this.#removeNames.run(id)
    this.#put.run(id, kind, belongsTo, JSON.stringify(record))
    for (const name of names) this.#putName.run(kind, name, id)
  }

  remove(id: string): void {
    this.#removeNames.run(id)
    this.#remove.run(id)
  }
}

function recordOf<T>(text: string | undefined): T | undefined {
  return text === undefined ? undefined : parseRecord<T>(text)
}
