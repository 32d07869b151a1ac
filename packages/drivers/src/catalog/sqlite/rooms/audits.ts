import type { AuditRow } from '@holdfast/core/identities.ts'
import type { AuditFilter, AuditQuestions } from '@holdfast/core/ports/identity-questions.ts'
import type { SqliteDatabase } from '../database.ts'
import { parseRecord, toMs } from '../row-values.ts'
import { Statements } from '../statements.ts'

/** The audit log. Rows are only ever added. */
export class Audits implements AuditQuestions {
  readonly #statements: Statements
  readonly #last
  readonly #put

  constructor(db: SqliteDatabase) {
    this.#statements = new Statements(db)
    this.#last = db
      .prepare<[], string>('SELECT record FROM audits ORDER BY seq DESC LIMIT 1')
      .pluck()
    this.#put = db.prepare(
      `INSERT OR IGNORE INTO audits (seq, at, actor, action, outcome, ip, record)
       VALUES (?, ?, ?, ?, ?, ?, ?)`,
    )
  }

  last(): AuditRow | undefined {
    const text = this.#last.get()
    return text === undefined ? undefined : parseRecord<AuditRow>(text)
  }

  after(seq: number, limit: number, filter: AuditFilter = {}): AuditRow[] {
    return this.#page(filter, { bound: 'seq > ?', order: 'ASC', values: [seq, limit] })
  }

  before(seq: number, limit: number, filter: AuditFilter = {}): AuditRow[] {
    return this.#page(filter, { bound: 'seq < ?', order: 'DESC', values: [seq, limit] })
  }

  count(filter: AuditFilter = {}): number {
    const { parts, values } = conditions(filter)
    const where = parts.length === 0 ? '' : ` WHERE ${parts.join(' AND ')}`
    return this.#statements.number(`SELECT count(*) AS n FROM audits${where}`, values)
  }

  put(row: AuditRow): void {
    const { at, actor, action, outcome, ip } = row.entry
    this.#put.run(row.seq, toMs(at), actor, action, outcome, ip, JSON.stringify(row))
  }

  #page(
    filter: AuditFilter,
    how: { readonly bound: string; readonly order: string; readonly values: [number, number] },
  ): AuditRow[] {
    const { parts, values } = conditions(filter)
    const where = [...parts, how.bound].join(' AND ')
    const sql = `SELECT record FROM audits WHERE ${where} ORDER BY seq ${how.order} LIMIT ?`
    return this.#statements
      .all<{ record: string }>(sql, [...values, ...how.values])
      .map(({ record }) => parseRecord<AuditRow>(record))
  }
}

function conditions(filter: AuditFilter): { parts: string[]; values: unknown[] } {
  const parts: string[] = []
  const values: unknown[] = []
  for (const column of ['actor', 'action', 'outcome', 'ip'] as const) {
    const value = filter[column]
    if (value === undefined) continue
    parts.push(`${column} = ?`)
    values.push(value)
  }
  if (filter.from !== undefined) {
    parts.push('at >= ?')
    values.push(toMs(filter.from))
  }
  if (filter.until !== undefined) {
    parts.push('at < ?')
    values.push(toMs(filter.until))
  }
  return { parts, values }
}
