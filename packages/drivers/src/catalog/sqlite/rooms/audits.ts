import { hash } from 'node:crypto'
import {
  type AuditLink,
  type AuditRow,
  type FiledEntry,
  firstAuditLink,
} from '@holdfast/core/identities.ts'
import type {
  AuditFilter,
  AuditQuestions,
  FiledAudit,
} from '@holdfast/core/ports/identity-questions.ts'
import type { SqliteDatabase } from '../database.ts'
import { parseRecord, toMs } from '../row-values.ts'
import { Statements } from '../statements.ts'

interface Filed {
  readonly seq: number
  readonly at: number
  readonly actor: string
  readonly action: string
  readonly outcome: string
  readonly severity: string
  readonly actor_type: string
  readonly session: string | null
  readonly ip: string
  readonly record: string
}

type Shown = Pick<Filed, 'seq' | 'at' | 'actor' | 'ip' | 'record'>

/** Of the records of one page, of which one may hold a hundred kilobytes and more. */
const PAGE_CHARS_MAX = 1024 * 1024

/** The least that SQLite keeps. */
const SEQ_MIN = -(2n ** 63n)

/** The audit log. Rows are only ever added, and taken from its beginning. */
export class Audits implements AuditQuestions {
  readonly #statements: Statements
  readonly #last
  readonly #put
  readonly #filed
  readonly #first
  readonly #drop

  constructor(db: SqliteDatabase) {
    this.#statements = new Statements(db)
    this.#last = db.prepare<[], Pick<Filed, 'seq' | 'record'>>(
      'SELECT seq, record FROM audits ORDER BY seq DESC LIMIT 1',
    )
    this.#put = db.prepare(
      `INSERT OR IGNORE INTO audits (seq, at, actor, action, outcome, severity, actor_type, session,
       ip, record) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`,
    )
    this.#filed = db.prepare<[bigint, number], Filed>(
      `SELECT seq, at, actor, action, outcome, severity, actor_type, session, ip, record
       FROM audits
       WHERE seq >= ? ORDER BY seq LIMIT ?`,
    )
    this.#first = db.prepare<[], number>('SELECT min(seq) FROM audits').pluck()
    this.#drop = db.prepare('DELETE FROM audits WHERE seq <= ?')
  }

  end(): AuditLink {
    const last = this.#last.get()
    if (last === undefined) return { seq: 0, hash: firstAuditLink }
    const { seq, record } = last
    // One that somebody made unreadable must not keep others from being written.
    return { seq, hash: readRow(record)?.hash ?? hash('sha256', record) }
  }

  after(seq: number, limit: number, filter: AuditFilter = {}): AuditRow[] {
    return this.#page(filter, { bound: 'seq > ?', order: 'ASC', values: [seq, limit] })
  }

  before(seq: number, limit: number, filter: AuditFilter = {}): AuditRow[] {
    return this.#page(filter, { bound: 'seq < ?', order: 'DESC', values: [seq, limit] })
  }

  filed(after: number | undefined, limit: number): FiledAudit[] {
    const from = after === undefined ? SEQ_MIN : BigInt(after) + 1n
    return pageOf(this.#filed.iterate(from, limit)).map(filed => {
      const row = readRow(filed.record)
      const isFiledRight = row !== undefined && isFiledAs(filed, row)
      return { place: filed.seq, row, isFiledRight }
    })
  }

  count(filter: AuditFilter = {}): number {
    const { parts, values } = conditions(filter)
    const where = parts.length === 0 ? '' : ` WHERE ${parts.join(' AND ')}`
    return this.#statements.number(`SELECT count(*) AS n FROM audits${where}`, values)
  }

  put(row: AuditRow): void {
    const { at, actor, action, outcome, severity, actorType, sessionId, ip } = row.entry
    const what = [action, outcome, severity, actorType, sessionId]
    this.#put.run(row.seq, toMs(at), actor, ...what, ip, JSON.stringify(row))
  }

  dropUntil(seq: number): void {
    this.#drop.run(seq)
  }

  /** Whether rows behind it are all that the log begins with now. */
  isDropped({ seq }: AuditRow): boolean {
    const first = this.#first.get() ?? null
    return first !== null && seq < first
  }

  #page(
    filter: AuditFilter,
    how: { readonly bound: string; readonly order: string; readonly values: [number, number] },
  ): AuditRow[] {
    const { parts, values } = conditions(filter)
    const where = [...parts, how.bound].join(' AND ')
    const sql = `SELECT seq, at, actor, ip, record FROM audits
      WHERE ${where} ORDER BY seq ${how.order} LIMIT ?`
    return pageOf(this.#statements.iterate<Shown>(sql, [...values, ...how.values])).map(shown => {
      const { seq, record } = shown
      const row = readRow(record) ?? unreadable(shown)
      // Pages go on from it: one that somebody changed must not send their reader back.
      return row.seq === seq ? row : { ...row, seq }
    })
  }
}

function pageOf<Row extends Pick<Filed, 'record'>>(rows: Iterable<Row>): Row[] {
  const page: Row[] = []
  let chars = 0
  for (const row of rows) {
    page.push(row)
    chars += row.record.length
    if (chars >= PAGE_CHARS_MAX) break
  }
  return page
}

function conditions(filter: AuditFilter): { parts: string[]; values: unknown[] } {
  const parts: string[] = []
  const values: unknown[] = []
  for (const [column, value] of [
    ['actor', filter.actor],
    ['action', filter.action],
    ['outcome', filter.outcome],
    ['severity', filter.severity],
    ['actor_type', filter.actorType],
    ['session', filter.sessionId],
    ['ip', filter.ip],
  ] as const) {
    if (value === undefined) continue
    parts.push(`${column} = ?`)
    values.push(value)
  }
  for (const [bound, value] of [
    ['seq > ?', filter.above],
    ['seq < ?', filter.below],
  ] as const) {
    if (value === undefined) continue
    parts.push(bound)
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

/** Undefined for what nobody would have written. */
function readRow(record: string): AuditRow | undefined {
  try {
    const row = parseRecord<AuditRow | null>(record)
    const texts = [row?.previous, row?.hash, row?.entry?.at]
    return row !== null && texts.every(text => typeof text === 'string') ? row : undefined
  } catch {
    return undefined
  }
}

/** Stands for what somebody made of a row, so that the others can be read. */
function unreadable({ seq, at, actor, ip }: Shown): AuditRow {
  const entry: FiledEntry = {
    at: new Date(Math.min(Math.max(at, 0), TIME_MAX)).toISOString(),
    ...{ actor, actorKind: '', actorName: '', ip, agent: '' },
    ...{ requestId: '', action: 'audit.row.unreadable', status: 0, code: null },
    outcome: 'failed',
    ...{ severity: 'critical', actorType: 'anonymous', sessionId: null },
    ...{ resource: {}, detail: {} },
  }
  return { id: String(seq), seq, entry, previous: '', hash: '' }
}

/** Of ECMAScript dates. */
const TIME_MAX = 8.64e15

function isFiledAs(filed: Filed, { id, seq, entry }: AuditRow): boolean {
  const { at, actor, action, outcome, severity, actorType, sessionId, ip } = entry
  const what = [action, outcome, severity, actorType, sessionId, ip]
  const said = [id, seq, Date.parse(at), actor, ...what]
  const { seq: place } = filed
  const found = [filed.action, filed.outcome, filed.severity, filed.actor_type, filed.session]
  const lies = [String(place), place, filed.at, filed.actor, ...found, filed.ip]
  return said.every((value, index) => value === lies[index])
}
