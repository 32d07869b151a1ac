import type { QuotaQuestions } from '@holdfast/core/ports/catalog.ts'
import type { Quota, QuotaScope, Usage } from '@holdfast/core/records.ts'
import type { SqliteDatabase } from '../database.ts'
import { parseRecord } from '../row-values.ts'
import type { Buckets } from './buckets.ts'
import type { Counters } from './counters.ts'

export class Quotas implements QuotaQuestions {
  readonly #buckets: Buckets
  readonly #counters: Counters
  readonly #get
  readonly #list
  readonly #put
  readonly #remove

  constructor(db: SqliteDatabase, buckets: Buckets, counters: Counters) {
    this.#buckets = buckets
    this.#counters = counters
    this.#get = db
      .prepare<[string, string], string>('SELECT record FROM quotas WHERE scope = ? AND name = ?')
      .pluck()
    this.#list = db.prepare<[], string>('SELECT record FROM quotas ORDER BY scope, name').pluck()
    this.#put = db.prepare('INSERT OR REPLACE INTO quotas (scope, name, record) VALUES (?, ?, ?)')
    this.#remove = db.prepare('DELETE FROM quotas WHERE scope = ? AND name = ?')
  }

  get(scope: QuotaScope, name: string): Quota | undefined {
    const text = this.#get.get(scope, name)
    return text === undefined ? undefined : parseRecord<Quota>(text)
  }

  list(): Quota[] {
    return this.#list.all().map(text => parseRecord<Quota>(text))
  }

  /** Buckets are named by callers, but counted by id, so that a new namesake starts at zero. */
  usage(scope: QuotaScope, name: string): Usage {
    if (scope !== 'bucket') return this.#counters.usage(scope, name)
    const bucket = this.#buckets.byName(name)
    return bucket === undefined ? { assets: 0, bytes: 0 } : this.#counters.usage(scope, bucket.id)
  }

  put(quota: Quota): void {
    this.#put.run(quota.scope, quota.name, JSON.stringify(quota))
  }

  remove(scope: QuotaScope, name: string): void {
    this.#remove.run(scope, name)
  }
}
