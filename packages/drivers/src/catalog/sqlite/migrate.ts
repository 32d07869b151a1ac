import { HoldfastError } from '@holdfast/core/errors.ts'
import type { Database } from 'better-sqlite3'

/**
 * Brings a database from the schema it has to the newest: `steps[n]` leads from schema n to n + 1
 * and is never changed once released. Each step is one transaction with its number. A newer schema
 * is STORE_FOREIGN and left alone.
 */
export function migrate(db: Database, steps: readonly string[]): void {
  const schema = Number(db.pragma('user_version', { simple: true }))
  if (schema > steps.length) {
    throw new HoldfastError('STORE_FOREIGN', { schema, supported: steps.length })
  }
  for (const [index, step] of steps.entries()) {
    if (index < schema) continue
    db.transaction(() => {
      db.exec(step)
      db.pragma(`user_version = ${index + 1}`)
    })()
  }
}
