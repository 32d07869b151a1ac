import { BoundedCache } from '@holdfast/core/bounded-cache.ts'
import { ruleDocumentNames } from '@holdfast/core/objects.ts'
import type { BucketQuestions } from '@holdfast/core/ports/catalog.ts'
import type { KeyedPage } from '@holdfast/core/ports/object-questions.ts'
import type { Bucket, BucketDocuments, BucketRules, JsonObject } from '@holdfast/core/records.ts'
import type { SqliteDatabase } from '../database.ts'
import { parseRecord } from '../row-values.ts'
import type { KeptRules } from './kept-rules.ts'
import { KnownOwners } from './known-owners.ts'

interface BucketRow {
  no: number
  record: string
}

interface RulesRow {
  /** The owner, the sequence, whether it is public, then the documents, null where absent. */
  rules: string
  bytes: number
}

const RULES = [
  ...['ownerId', 'seq', 'settings.publicRead'],
  ...ruleDocumentNames.map(name => `documents.${name}`),
]
/** Records of so many bytes are read for one page of rules, which takes some milliseconds. */
const PAGE_BYTES = 1024 * 1024
/** What the rules of a bucket without documents take in memory. */
const RULES_BYTES = 512
const KEPT_BYTES_MAX = 16 * 1024 * 1024
/** Per byte of text: as parsed JSON, and as what decisions make of it. */
const PARSED = 6

export class Buckets implements BucketQuestions {
  readonly #byName
  readonly #byId
  readonly #idOf
  readonly #list
  readonly #count
  readonly #countOwned
  readonly #names
  readonly #rules
  readonly #put
  readonly #remove
  readonly #numbers = new Map<string, number>()
  readonly #ids = new Map<number, string>()
  /** Only the writer may keep records: nobody else changes them. */
  readonly #kept: BoundedCache<Bucket> | undefined
  readonly #owners: KnownOwners | undefined

  constructor(db: SqliteDatabase) {
    const select = 'SELECT no, record FROM buckets WHERE'
    this.#kept = db.readonly ? undefined : new BoundedCache(KEPT_BYTES_MAX)
    this.#owners = db.readonly ? undefined : new KnownOwners(db)
    this.#byName = db.prepare<[string], BucketRow>(`${select} name = ?`)
    this.#byId = db.prepare<[string], BucketRow>(`${select} id = ?`)
    this.#idOf = db.prepare<[number], string>('SELECT id FROM buckets WHERE no = ?').pluck()
    this.#list = db.prepare<[string, number], BucketRow>(`${select} name > ? ORDER BY name LIMIT ?`)
    this.#count = db.prepare<[], number>('SELECT count(*) FROM buckets').pluck()
    this.#countOwned = db
      .prepare<[string], number>("SELECT count(*) FROM buckets WHERE record ->> '$.ownerId' = ?")
      .pluck()
    this.#names = db.prepare<[string, number], Pick<Bucket, 'id' | 'name'>>(
      'SELECT id, name FROM buckets WHERE name > ? ORDER BY name LIMIT ?',
    )
    const paths = RULES.map(path => `'$.${path}'`).join(', ')
    this.#rules = db.prepare<[string], RulesRow>(
      `SELECT json_extract(record, ${paths}) AS rules, octet_length(record) AS bytes
       FROM buckets WHERE id = ?`,
    )
    this.#put = db.prepare(
      `INSERT INTO buckets (id, name, record) VALUES (?, ?, ?)
       ON CONFLICT (id) DO UPDATE SET name = excluded.name, record = excluded.record`,
    )
    this.#remove = db.prepare('DELETE FROM buckets WHERE id = ?')
  }

  byName(name: string): Bucket | undefined {
    return recordOf(this.#byName.get(name))
  }

  byId(id: string): Bucket | undefined {
    const kept = this.#kept?.get(id)
    if (kept !== undefined) return kept
    const row = this.#byId.get(id)
    const bucket = recordOf(row)
    if (bucket !== undefined) this.#kept?.set(id, bucket, PARSED * (row?.record.length ?? 0))
    return bucket
  }

  /** The number other tables know the bucket by. Numbers are never used again. */
  no(id: string): number | undefined {
    const known = this.#numbers.get(id)
    if (known !== undefined) return known
    const no = this.#byId.get(id)?.no
    if (no !== undefined) this.#numbers.set(id, no)
    return no
  }

  idOf(no: number): string {
    const known = this.#ids.get(no)
    if (known !== undefined) return known
    const id = this.#idOf.get(no)
    if (id === undefined) throw new Error(`the catalog has no bucket ${no}`)
    this.#ids.set(no, id)
    return id
  }

  /** After a rollback, what was seen inside the transaction may not be so. */
  forget(): void {
    this.#numbers.clear()
    this.#ids.clear()
    this.#kept?.clear()
    this.#owners?.takeBack()
  }

  list(query: { after?: string; limit: number }): Bucket[] {
    return this.#list
      .all(query.after ?? '', query.limit)
      .map(row => parseRecord<Bucket>(row.record))
  }

  count(): number {
    return this.#count.get() ?? 0
  }

  countOwnedBy(ownerId: string): number {
    return this.#owners?.count(ownerId) ?? this.#countOwned.get(ownerId) ?? 0
  }

  rules(query: { after?: string; limit: number }, kept?: KeptRules): KeyedPage<BucketRules> {
    const entries: BucketRules[] = []
    let bytes = 0
    for (const { id, name } of this.#names.all(query.after ?? '', query.limit)) {
      const known = kept?.get(id)
      const row = known === undefined ? this.#rules.get(id) : undefined
      const rules = known ?? (row && rulesOf({ id, name }, row))
      if (rules === undefined) continue
      entries.push(rules)
      if (row === undefined) continue
      kept?.set(rules, RULES_BYTES + (rules.documents ? PARSED * row.rules.length : 0))
      bytes += row.bytes
      if (bytes > PAGE_BYTES) return { entries, stopped: name }
    }
    return { entries }
  }

  put(bucket: Bucket): void {
    this.#put.run(bucket.id, bucket.name, JSON.stringify(bucket))
    this.#kept?.delete(bucket.id)
    this.#owners?.change(bucket.id)
  }

  remove(id: string): void {
    this.#remove.run(id)
    this.#owners?.change(id)
    this.forget()
  }
}

function recordOf(row: BucketRow | undefined): Bucket | undefined {
  return row === undefined ? undefined : parseRecord<Bucket>(row.record)
}

function rulesOf(named: Pick<Bucket, 'id' | 'name'>, row: RulesRow): BucketRules {
  const [ownerId, seq, publicRead, ...found] = parseRecord<
    [string | null, number, boolean, ...(JsonObject | null)[]]
  >(row.rules)
  const documents: BucketDocuments = Object.fromEntries(
    ruleDocumentNames.flatMap((name, at) => (found[at] ? [[name, found[at]]] : [])),
  )
  const rules = { ...named, ownerId, seq, settings: { publicRead } }
  return Object.keys(documents).length === 0 ? rules : { ...rules, documents }
}
