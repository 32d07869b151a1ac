import { HoldfastError } from '@holdfast/core/errors.ts'
import Database from 'better-sqlite3'
import { keepPrivate } from '../../disk/private-file.ts'
import { migrate } from './migrate.ts'
import { PlannedOnce } from './planned-once.ts'
import { migrations } from './schema.ts'

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
  if (options.readonly !== true && path !== ':memory:') keepPrivate(path)
  const db = new PlannedOnce(path, { readonly: options.readonly === true, timeout: 10_000 })
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
    migrate(db, migrations)
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

function translateOpen(error: unknown): unknown {
  if (!(error instanceof Database.SqliteError)) return error
  if (error.code === 'SQLITE_NOTADB' || error.code.startsWith('SQLITE_CORRUPT')) {
    const { message: reason } = error
    return new HoldfastError('STORE_DAMAGED', { part: 'catalog', reason }, { cause: error })
  }
  return error
}
