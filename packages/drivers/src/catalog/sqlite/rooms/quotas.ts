import type { QuotaQuestions } from '@holdfast/core/ports/catalog.ts'
import type { Quota, QuotaScope, Usage } from '@holdfast/core/records.ts'
import type { SqliteDatabase } from '../database.ts'
import { parseRecord } from '../row-values.ts'
import type { Buckets } from './buckets.ts'
import type { Counters } from './counters.ts'

const KEPT_MAX = 10_000

export class Quotas implements QuotaQuestions {
  readonly #buckets: Buckets
  readonly #counters: Counters
  readonly #get
  readonly #list
  readonly #put
  readonly #remove
  /** Answers of the writer, absence too: every put asks for three. Nobody else changes them. */
  readonly #kept: Map<string, Quota | undefined> | undefined

  constructor(db: SqliteDatabase, buckets: Buckets, counters: Counters) {
    this.#kept = db.readonly ? undefined : new Map()
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
    const id = `${scope}\0${name}`
    if (this.#kept?.has(id) === true) return this.#kept.get(id)
    const text = this.#get.get(scope, name)
    const quota = text === undefined ? undefined : parseRecord<Quota>(text)
    if (this.#kept !== undefined && this.#kept.size >= KEPT_MAX) this.#kept.clear()
    this.#kept?.set(id, quota)
    return quota
  }

  /** After a rollback, what was seen inside the transaction may not be so. */
  forget(): void {
    this.#kept?.clear()
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
    this.#kept?.delete(`${quota.scope}\0${quota.name}`)
  }

  remove(scope: QuotaScope, name: string): void {
    this.#remove.run(scope, name)
    this.#kept?.delete(`${scope}\0${name}`)
  }
}
