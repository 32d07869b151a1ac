import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { newAsset, newBucket, newId, newTime } from '@holdfast/testkit/catalog/records.ts'
import Database from 'better-sqlite3'
import { openDatabase, type SqliteDatabase } from './database.ts'
import { openTables } from './tables.ts'

/** How often better-sqlite3 builds the rows of a statement, as it does when that was compiled. */
function buildsDuring(work: () => void): number {
  const { Function: real } = globalThis
  let builds = 0
  const counting = new Proxy(real, {
    apply(target, self, args) {
      builds += 1
      return Reflect.apply(target, self, args)
    },
  })
  globalThis.Function = counting
  try {
    work()
  } finally {
    globalThis.Function = real
  }
  return builds
}

/** EXPLAIN compiles as its statement does, and answers with rows whatever that is. */
function buildsOf(statement: Database.Statement, sql: string): number {
  const values = sql.split('?').slice(1)
  return buildsDuring(() => {
    for (let time = 0; time < 3; time += 1) {
      assert.ok(statement.all(values.map((_, index) => index + time)).length > 0, sql)
    }
  })
}

/** Every statement that the tables prepare, those put together at run time among them. */
function statementsOf(db: SqliteDatabase): string[] {
  const texts = new Set<string>()
  const prepare = db.prepare.bind(db)
  const noting: typeof db.prepare = sql => {
    texts.add(sql)
    return prepare(sql)
  }
  db.prepare = noting
  const tables = openTables(db)
  const bucket = newBucket({ name: 'documents' })
  tables.buckets.put(bucket)
  const asset = newAsset({ bucketId: bucket.id, key: 'folder/name' })
  tables.assets.put(asset)
  const { assetSearch, versions, objects, uploads, audits } = tables
  const page = { deleted: 'without', limit: 10 } as const
  const reader = { visibleTo: ['reader'], visibleOwner: { ownerId: asset.ownerId } }
  assetSearch.list(page)
  assetSearch.list({ ...page, bucketId: bucket.id, beforeSeq: 7, service: asset.service })
  assetSearch.list({ ...page, bucketId: bucket.id, keyPrefix: 'folder/', afterKey: 'folder/a' })
  assetSearch.list({ ...page, type: asset.type, tagsAny: ['red'], ...reader })
  assetSearch.list({ ...page, name: asset.name, search: 'words' })
  assetSearch.places({ ...page, name: asset.name, search: 'words' })
  assetSearch.among([asset.createdSeq], { ...page, ...reader })
  versions.list({ assetId: asset.id, deleted: 'without', limit: 10, createdAfter: newTime() })
  for (const id of [{ is: newId() }, { not: newId() }]) {
    versions.list({ assetId: asset.id, deleted: 'without', limit: 10, id })
  }
  objects.list({ bucketId: bucket.id, prefix: 'folder/', limit: 10, ...reader })
  objects.listVersions({ bucketId: bucket.id, limit: 10 })
  uploads.list({ bucketId: bucket.id, prefix: 'folder/', limit: 10 })
  audits.before(7, 10, { actor: 'somebody', action: 'asset.create' })
  return [...texts]
}

describe('statements of the catalog', () => {
  it('are compiled once, whatever is bound to them', () => {
    const db = openDatabase(':memory:')
    const texts = statementsOf(db)
    assert.ok(texts.length > 80, `${texts.length} statements`)
    for (const sql of texts) assert.equal(buildsOf(db.prepare(`EXPLAIN ${sql}`), sql), 1, sql)
    // Many of them are compiled for every execution where nothing prevents it.
    const plain = Database.prototype.prepare.bind(db)
    const anew = texts.filter(sql => buildsOf(plain(`EXPLAIN ${sql}`), sql) === 3)
    assert.ok(anew.length > 20, `${anew.length} statements`)
    db.close()
  })

  it('keep a question mark that is part of a text', () => {
    const db = openDatabase(':memory:')
    const row = db.prepare("SELECT 'why?' AS text, 'it''s ?' AS more, ? AS value").get('bound?')
    assert.deepEqual(row, { text: 'why?', more: "it's ?", value: 'bound?' })
    db.close()
  })
})
