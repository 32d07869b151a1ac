import { nodeDisk } from '../../../disk/node-disk.ts'
import { keepPrivate } from '../../../disk/private-file.ts'
import type { SqliteDatabase } from '../database.ts'
import {
  auditsGoneId,
  type ChangeLine,
  type LineGone,
  quotaId,
  type RecordKind,
  recordKinds,
} from './change-line.ts'

export interface ScratchRecord {
  readonly id: string
  readonly at: string
  readonly json: string
}

export interface ScratchChange {
  readonly at: string
  readonly actor: string
  readonly request: string
  readonly json: string
}

/**
 * Holds what the packs tell while they are read: of every record the newest state, wherever it
 * stood. Compaction moves lines to later packs, so neither their order nor their dependencies can
 * be relied on before all were seen. A file of its own keeps the memory of a rebuild flat.
 */
export class ReplayScratch {
  readonly #db: SqliteDatabase
  readonly #path: string
  readonly #record
  readonly #gone
  readonly #body
  readonly #change

  constructor(db: SqliteDatabase, path: string) {
    this.#db = db
    this.#path = path
    removeScratch(path)
    keepPrivate(path)
    db.prepare('ATTACH ? AS scratch').run(path)
    // It keeps a journal for rollback: SQLite cannot be told to do without in the defensive mode
    // that better-sqlite3 opens with, and in memory the journal of `settle` would have no bounds.
    db.exec(`
      PRAGMA scratch.synchronous = OFF;
      CREATE TABLE scratch.records (
        kind INTEGER, id TEXT, seq INTEGER, at TEXT, json TEXT, PRIMARY KEY (kind, id)
      ) WITHOUT ROWID;
      CREATE TABLE scratch.gone (
        kind INTEGER, id TEXT, seq INTEGER, at TEXT, json TEXT, PRIMARY KEY (kind, id)
      ) WITHOUT ROWID;
      CREATE TABLE scratch.bodies (sha256 TEXT PRIMARY KEY, location TEXT) WITHOUT ROWID;
      CREATE TABLE scratch.changes (
        seq INTEGER PRIMARY KEY, at TEXT, actor TEXT, request TEXT, json TEXT
      );
    `)
    const newest = 'WHERE excluded.seq >= seq'
    const update = 'seq = excluded.seq, at = excluded.at, json = excluded.json'
    this.#record = db.prepare(
      `INSERT INTO scratch.records VALUES (?, ?, ?, ?, ?)
       ON CONFLICT DO UPDATE SET ${update} ${newest}`,
    )
    this.#gone = db.prepare(
      `INSERT INTO scratch.gone VALUES (?, ?, ?, ?, ?)
       ON CONFLICT DO UPDATE SET ${update} ${newest}`,
    )
    this.#body = db.prepare('INSERT OR REPLACE INTO scratch.bodies VALUES (?, ?)')
    this.#change = db.prepare('INSERT OR REPLACE INTO scratch.changes VALUES (?, ?, ?, ?, ?)')
    db.exec('BEGIN')
  }

  addBody(sha256: string, location: string): void {
    this.#body.run(sha256, location)
  }

  addLine(line: ChangeLine): void {
    for (const [kind, name] of recordKinds.entries()) {
      for (const { id, seq, record } of identified(line, name)) {
        this.#record.run(kind, id, seq, line.at, JSON.stringify(record))
      }
      if (name === 'keys' || name === 'accessKeys' || name === 'parts') continue
      for (const gone of line.gone[name] ?? []) {
        this.#gone.run(kind, goneId(gone), line.seq, line.at, JSON.stringify(gone))
      }
    }
    for (const change of line.changes) {
      const json = JSON.stringify(change)
      this.#change.run(change.seq, line.at, line.actor, line.request, json)
    }
  }

  /** Everything was read: drops the states of what was removed after them. */
  settle(): void {
    this.#db.exec(`
      COMMIT;
      DELETE FROM scratch.records WHERE EXISTS (
        SELECT 1 FROM scratch.gone g
        WHERE g.kind = records.kind AND g.id = records.id AND g.seq >= records.seq
      );
      DELETE FROM scratch.gone WHERE EXISTS (
        SELECT 1 FROM scratch.records r
        WHERE r.kind = gone.kind AND r.id = gone.id
      );
    `)
  }

  /** In the order of their last change. Pages, since the tables are written in between. */
  *records(kind: RecordKind): Generator<ScratchRecord> {
    yield* this.#pages('records', recordKinds.indexOf(kind))
  }

  record(kind: RecordKind, id: string): ScratchRecord | undefined {
    return this.#db
      .prepare<[number, string], ScratchRecord>(
        'SELECT id, at, json FROM scratch.records WHERE kind = ? AND id = ?',
      )
      .get(recordKinds.indexOf(kind), id)
  }

  *gone(kind: keyof LineGone): Generator<ScratchRecord> {
    yield* this.#pages('gone', recordKinds.indexOf(kind))
  }

  *changes(): Generator<ScratchChange> {
    const page = this.#db.prepare<[number], ScratchChange & { seq: number }>(
      `SELECT seq, at, actor, request, json FROM scratch.changes
       WHERE seq > ? ORDER BY seq LIMIT 1000`,
    )
    for (let after = -1; ; ) {
      const rows = page.all(after)
      yield* rows
      const last = rows.at(-1)
      if (last === undefined) return
      after = last.seq
    }
  }

  *bodies(): Generator<{ sha256: string; location: string }> {
    const page = this.#db.prepare<[string], { sha256: string; location: string }>(
      'SELECT sha256, location FROM scratch.bodies WHERE sha256 > ? ORDER BY sha256 LIMIT 1000',
    )
    for (let after = ''; ; ) {
      const rows = page.all(after)
      yield* rows
      const last = rows.at(-1)
      if (last === undefined) return
      after = last.sha256
    }
  }

  locationOf(sha256: string): string | undefined {
    return this.#db
      .prepare<[string], string>('SELECT location FROM scratch.bodies WHERE sha256 = ?')
      .pluck()
      .get(sha256)
  }

  close(): void {
    if (this.#db.inTransaction) this.#db.exec('ROLLBACK')
    this.#db.exec('DETACH scratch')
    removeScratch(this.#path)
  }

  *#pages(table: 'records' | 'gone', kind: number): Generator<ScratchRecord> {
    const page = this.#db.prepare<[number, string], ScratchRecord>(
      `SELECT id, at, json FROM scratch.${table} WHERE kind = ? AND id > ? ORDER BY id LIMIT 1000`,
    )
    for (let after = ''; ; ) {
      const rows = page.all(kind, after)
      yield* rows
      const last = rows.at(-1)
      if (last === undefined) return
      after = last.id
    }
  }
}

/** Also for what a process left that was killed while it read. */
export function removeScratch(path: string): void {
  for (const end of ['', '-journal']) nodeDisk.remove(`${path}${end}`)
}

function* identified(
  line: ChangeLine,
  name: RecordKind,
): Generator<{ id: string; seq: number; record: object }> {
  const { puts } = line
  if (name === 'blobs') {
    for (const blob of puts.blobs ?? []) yield { id: blob.sha256, seq: line.seq, record: blob }
  } else if (name === 'quotas') {
    for (const quota of puts.quotas ?? [])
      yield { id: quotaId(quota), seq: quota.seq, record: quota }
  } else {
    for (const record of puts[name] ?? []) yield { id: record.id, seq: record.seq, record }
  }
}

function goneId(gone: NonNullable<LineGone[keyof LineGone]>[number]): string {
  if (typeof gone === 'string') return gone
  return 'until' in gone ? auditsGoneId(gone) : quotaId(gone)
}
