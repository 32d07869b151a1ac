import assert from 'node:assert/strict'
import { test } from 'node:test'
import type Database from 'better-sqlite3'
import { migrate } from '../../migrate.ts'
import { PlannedOnce } from '../../planned-once.ts'
import { migrations } from '../../schema.ts'
import { AccessKeys } from './access-keys.ts'

const BEFORE = 4
const record = (id: string, principalId: string) => JSON.stringify({ id, principalId })

function putOld(db: Database.Database): void {
  const put = db.prepare('INSERT INTO access_keys (id, record) VALUES (?, ?)')
  put.run('b', record('b', 'ann'))
  put.run('a', record('a', 'ann'))
  put.run('c', record('c', 'bob'))
}

/** Those of one by an index, as the statement that asks for them is planned. */
function askAnn(db: PlannedOnce) {
  const asked: string[] = []
  const prepare = db.prepare.bind(db)
  Object.defineProperty(db, 'prepare', {
    value: (sql: string) => prepare(asked[asked.push(sql) - 1] ?? ''),
  })
  const keys = new AccessKeys(db)
  const text = asked.find(sql => sql.includes('principalId')) ?? ''
  const plan = JSON.stringify(prepare(`EXPLAIN QUERY PLAN ${text}`).all('ann'))
  return { ids: keys.byPrincipal('ann').map(({ id }) => id), plan }
}

const BY_INDEX = /SEARCH access_keys USING INDEX access_keys_principal \(<expr>=\?\)/

test('a damaged record of an S3 key stops no upgrade, nor hides the keys of anybody', () => {
  const db = new PlannedOnce(':memory:')
  migrate(db, migrations.slice(0, BEFORE))
  putOld(db)
  db.prepare('INSERT INTO access_keys (id, record) VALUES (?, ?)').run('d', '{"principalId": "ann')
  migrate(db, migrations)
  const { ids, plan } = askAnn(db)
  assert.deepEqual(ids, ['a', 'b'])
  assert.match(plan, BY_INDEX)
  assert.doesNotMatch(plan, /TEMP B-TREE/)
  db.close()
})

test('the index of a catalog between two releases, which holds every key, serves as well', () => {
  const db = new PlannedOnce(':memory:')
  migrate(db, migrations)
  db.exec(`
    DROP INDEX access_keys_principal;
    CREATE INDEX access_keys_principal ON access_keys (record ->> '$.principalId');
  `)
  putOld(db)
  const { ids, plan } = askAnn(db)
  assert.deepEqual(ids, ['a', 'b'])
  assert.match(plan, BY_INDEX)
  db.close()
})
