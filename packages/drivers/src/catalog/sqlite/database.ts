import { HoldfastError } from '@holdfast/core/errors.ts'
import Database from 'better-sqlite3'
import { migrations, SCHEMA_VERSION } from './schema.ts'

export type SqliteDatabase = Database.Database

/** The WAL-reset bug of earlier versions could lose committed pages. */
const SQLITE_MIN = [3, 51, 3] as const

export interface DatabaseOptions {
  readonly readonly?: boolean
  readonly cacheBytes?: number
}

/**
 * Opens the catalog file. WAL with `synchronous=NORMAL` is enough: the packs are synced before
 * every commit, and what a power cut takes from the WAL is applied again from them.
 */
export function openDatabase(path: string, options: DatabaseOptions = {}): SqliteDatabase {
  const db = new Database(path, { readonly: options.readonly === true, timeout: 10_000 })
  try {
    checkSqlite(db)
    db.pragma(`cache_size = -${Math.ceil((options.cacheBytes ?? 32 * 1024 * 1024) / 1024)}`)
    db.pragma('temp_store = MEMORY')
    db.pragma('mmap_size = 0')
    if (options.readonly === true) return db
    db.pragma('journal_mode = WAL')
    db.pragma('synchronous = NORMAL')
    db.pragma('wal_autocheckpoint = 16000')
    db.pragma('journal_size_limit = 134217728')
    migrate(db)
    return db
  } catch (error) {
    db.close()
    throw translateOpen(error)
  }
}

function checkSqlite(db: SqliteDatabase): void {
  const version = String(db.prepare('SELECT sqlite_version()').pluck().get())
  const parts = version.split('.').map(Number)
  for (const [index, min] of SQLITE_MIN.entries()) {
    const part = parts[index] ?? 0
    if (part > min) return
    if (part < min) throw new Error(`SQLite ${version} is older than ${SQLITE_MIN.join('.')}`)
  }
}

function migrate(db: SqliteDatabase): void {
  const found = Number(db.pragma('user_version', { simple: true }))
  if (found > SCHEMA_VERSION) {
    throw new HoldfastError('STORE_FOREIGN', { found, supported: SCHEMA_VERSION })
  }
  for (let version = found; version < SCHEMA_VERSION; version += 1) {
    const step = migrations[version]
    if (step === undefined) throw new Error(`no migration to schema ${version + 1}`)
    db.transaction(() => {
      db.exec(step)
      db.pragma(`user_version = ${version + 1}`)
    })()
  }
}

function translateOpen(error: unknown): unknown {
  if (!(error instanceof Database.SqliteError)) return error
  if (error.code === 'SQLITE_NOTADB' || error.code.startsWith('SQLITE_CORRUPT')) {
    return new HoldfastError('STORE_DAMAGED', {}, { cause: error })
  }
  return error
}
