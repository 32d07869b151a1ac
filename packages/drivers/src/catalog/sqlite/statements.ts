import type { Statement } from 'better-sqlite3'
import type { SqliteDatabase } from './database.ts'

const KEPT_MAX = 200

/** Prepared statements of queries that are put together at run time; there are few shapes. */
export class Statements {
  readonly #db: SqliteDatabase
  readonly #kept = new Map<string, Statement<unknown[], unknown>>()

  constructor(db: SqliteDatabase) {
    this.#db = db
  }

  all<Row>(sql: string, values: readonly unknown[]): Row[] {
    return this.of<Row>(sql).all(...values)
  }

  /** Row by row, for whoever may stop early. Only reads may happen meanwhile. */
  iterate<Row>(sql: string, values: readonly unknown[]): Iterable<Row> {
    return this.of<Row>(sql).iterate(...values)
  }

  /** The first column of the only row, a number. */
  number(sql: string, values: readonly unknown[]): number {
    return Number(this.of<{ n: number }>(sql).get(...values)?.n ?? 0)
  }

  /** The first column alone. */
  firstOf<Value>(sql: string): Statement<unknown[], Value> {
    return this.of<Value>(sql).pluck()
  }

  /** For whoever asks it again at once, as the text of a query is long to look up. */
  of<Row>(sql: string): Statement<unknown[], Row> {
    let statement = this.#kept.get(sql)
    if (statement === undefined) {
      if (this.#kept.size >= KEPT_MAX) this.#kept.clear()
      statement = this.#db.prepare<unknown[], unknown>(sql)
      this.#kept.set(sql, statement)
    }
    // The text of the query decides the shape of its rows.
    return statement as Statement<unknown[], Row>
  }
}
