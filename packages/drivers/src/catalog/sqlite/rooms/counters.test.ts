import assert from 'node:assert/strict'
import { test } from 'node:test'
import { bounds } from '@holdfast/core/limits.ts'
import { newAsset, newBucket } from '@holdfast/testkit/catalog/records.ts'
import Database from 'better-sqlite3'
import { openDatabase, type SqliteDatabase } from '../database.ts'
import { migrate } from '../migrate.ts'
import { migrations } from '../schema.ts'
import { openTables } from '../tables.ts'

const kindsOf = (db: SqliteDatabase) =>
  db.prepare('SELECT kind, name FROM counters ORDER BY kind, name').raw().all()

test('what counts nothing any more has no row', () => {
  const db = openDatabase(':memory:')
  const tables = openTables(db)
  const bucket = newBucket({ name: 'counted' })
  tables.buckets.put(bucket)
  const put = (service: string, createdSeq: number) => {
    const asset = newAsset({ bucketId: bucket.id, key: service, service, createdSeq })
    tables.assets.put(asset)
    tables.counters.countBytes(asset, asset.size)
    return asset
  }
  put('stays', 1)
  tables.counters.flush()
  const before = kindsOf(db)
  const gone = put('goes', 2)
  tables.counters.flush()
  assert.equal(kindsOf(db).length, before.length + 2)
  tables.assets.put({ ...gone, service: 'stays' })
  tables.counters.flush()
  assert.equal(tables.counters.get('service', 'goes').bytes, gone.size)
  tables.counters.countBytes(gone, -gone.size)
  tables.counters.flush()
  assert.deepEqual(kindsOf(db), before)
  db.close()
})

test('an older catalog loses its counters of nothing', () => {
  const db = new Database(':memory:')
  migrate(db, migrations.slice(0, 4))
  const put = db.prepare("INSERT INTO counters VALUES ('service', ?, ?, ?, ?, ?)")
  put.run('none', 0, 0, 0, 0)
  put.run('in the trash', 1, 0, 0, 0)
  put.run('of an upload', 0, 0, 0, 5)
  put.run('empty asset', 1, 1, 0, 0)
  migrate(db, migrations)
  assert.deepEqual(
    kindsOf(db).map(row => (row as string[])[1]),
    ['empty asset', 'in the trash', 'of an upload'],
  )
  db.close()
})

test('totals tell the largest services, however many there are', () => {
  const db = openDatabase(':memory:')
  const tables = openTables(db)
  const bucket = newBucket({ name: 'counted' })
  tables.buckets.put(bucket)
  const more = 1500
  const services = bounds.servicesToldMax + more
  for (let seq = 1; seq <= services; seq += 1) {
    // In no order of size.
    const size = 1 + ((seq * 7919) % services)
    const service = `s${size}`
    const asset = newAsset({ bucketId: bucket.id, key: service, service, createdSeq: seq, size })
    tables.assets.put(asset)
  }
  tables.counters.flush()
  const largest = Array.from({ length: bounds.servicesToldMax }, (_, i) => `s${services - i}`)
  for (const filter of [{}, { bucketIds: [bucket.id] }]) {
    const stats = tables.assetSearch.stats(filter)
    assert.equal(stats.assets, services)
    assert.deepEqual(Object.keys(stats.services), largest)
    assert.deepEqual(stats.services[`s${services}`], { assets: 1, bytes: services })
  }
  db.close()
})
