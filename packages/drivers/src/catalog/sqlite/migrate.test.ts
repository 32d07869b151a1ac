import assert from 'node:assert/strict'
import { test } from 'node:test'
import Database from 'better-sqlite3'
import { migrate } from './migrate.ts'

const steps = [
  'CREATE TABLE things (name TEXT) STRICT',
  'ALTER TABLE things ADD COLUMN size INTEGER',
  "INSERT INTO things (name, size) VALUES ('third', 3)",
]
const schemaOf = (db: Database.Database) => Number(db.pragma('user_version', { simple: true }))

test('an older catalog is brought along, step by step, and keeps its rows', () => {
  const db = new Database(':memory:')
  migrate(db, steps.slice(0, 1))
  assert.equal(schemaOf(db), 1)
  db.exec("INSERT INTO things (name) VALUES ('old')")
  migrate(db, steps)
  assert.equal(schemaOf(db), 3)
  assert.deepEqual(db.prepare('SELECT * FROM things').all(), [
    { name: 'old', size: null },
    { name: 'third', size: 3 },
  ])
  migrate(db, steps)
  assert.equal(db.prepare('SELECT count(*) FROM things').pluck().get(), 2, 'no step runs twice')
  db.close()
})

test('a step that fails leaves the schema where it was', () => {
  const db = new Database(':memory:')
  const broken = [...steps.slice(0, 1), 'CREATE TABLE other (x TEXT) STRICT; SELECT nonsense']
  assert.throws(() => migrate(db, broken))
  assert.equal(schemaOf(db), 1)
  assert.deepEqual(db.prepare('SELECT name FROM sqlite_schema').pluck().all(), ['things'])
  migrate(db, steps)
  assert.equal(schemaOf(db), 3)
  db.close()
})

test('a newer catalog is refused', () => {
  const db = new Database(':memory:')
  migrate(db, steps)
  assert.throws(() => migrate(db, steps.slice(0, 2)), { code: 'STORE_FOREIGN' })
  assert.equal(schemaOf(db), 3)
  db.close()
})
