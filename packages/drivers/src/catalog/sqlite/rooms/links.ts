import type { LinkQuestions } from '@holdfast/core/ports/catalog.ts'
import type { Link } from '@holdfast/core/records.ts'
import type { SqliteDatabase } from '../database.ts'
import { parseRecord } from '../row-values.ts'

export class Links implements LinkQuestions {
  readonly #byId
  readonly #find
  readonly #of
  readonly #countFrom
  readonly #countTo
  readonly #put
  readonly #remove

  constructor(db: SqliteDatabase) {
    const select = 'SELECT record FROM links WHERE'
    this.#byId = db.prepare<[string], string>(`${select} id = ?`).pluck()
    this.#find = db
      .prepare<[string, string, string], string>(`${select} from_id = ? AND to_id = ? AND type = ?`)
      .pluck()
    this.#of = db
      .prepare<unknown[], string>(
        `${select} (from_id = ? OR to_id = ?) AND (? IS NULL OR type = ?)
         ORDER BY created_seq LIMIT ? OFFSET ?`,
      )
      .pluck()
    const count = 'SELECT count(*) FROM links WHERE'
    this.#countFrom = db.prepare<[string], number>(`${count} from_id = ?`).pluck()
    this.#countTo = db.prepare<[string], number>(`${count} to_id = ?`).pluck()
    this.#put = db.prepare(
      `INSERT INTO links (id, created_seq, from_id, to_id, type, record) VALUES (?, ?, ?, ?, ?, ?)
       ON CONFLICT (id) DO UPDATE SET record = excluded.record`,
    )
    this.#remove = db.prepare('DELETE FROM links WHERE id = ?')
  }

  byId(id: string): Link | undefined {
    return recordOf(this.#byId.get(id))
  }

  find(fromId: string, toId: string, type: string): Link | undefined {
    return recordOf(this.#find.get(fromId, toId, type))
  }

  of(query: { assetId: string; type?: string; limit: number; offset?: number }): Link[] {
    const { assetId, limit } = query
    const type = query.type ?? null
    return this.#of
      .all(assetId, assetId, type, type, limit, query.offset ?? 0)
      .map(text => parseRecord<Link>(text))
  }

  count(assetId: string, end: 'from' | 'to'): number {
    return (end === 'from' ? this.#countFrom : this.#countTo).get(assetId) ?? 0
  }

  put(link: Link): void {
    const record = JSON.stringify(link)
    this.#put.run(link.id, link.seq, link.fromId, link.toId, link.type, record)
  }

  remove(id: string): void {
    this.#remove.run(id)
  }
}

function recordOf(text: string | undefined): Link | undefined {
  return text === undefined ? undefined : parseRecord<Link>(text)
}
