import Database from 'better-sqlite3'
import { keepPrivate } from './private-file.ts'

/**
 * An exclusive lock that dies with its process. Node has no flock, so SQLite's own file locks do
 * it: an open exclusive transaction on a database that holds nothing.
 */
export function lockFile(path: string): (() => void) | undefined {
  keepPrivate(path)
  const database = new Database(path, { timeout: 0 })
  try {
    database.exec('BEGIN EXCLUSIVE')
  } catch (error) {
    database.close()
    if (error instanceof Database.SqliteError && error.code.startsWith('SQLITE_BUSY')) {
      return undefined
    }
    throw error
  }
  return () => database.close()
}
