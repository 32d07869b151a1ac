import assert from 'node:assert/strict'
import { after, test } from 'node:test'
import type { AssetFilter } from '@holdfast/core/ports/asset-questions.ts'
import { runSeed, SeededRandom } from '@holdfast/testkit/seeded-random.ts'
import { openDatabase } from '../../database.ts'
import { openTables } from '../../tables.ts'
import { AssetSearch } from './asset-search.ts'
import { putRandomAssets } from './random-assets.test.ts'

const ASSETS = 500
const seed = runSeed()
const random = new SeededRandom(seed)
const db = openDatabase(':memory:')
after(() => db.close())
const tables = openTables(db)
const { put, anyFilter, anyQuery, bucketIds } = putRandomAssets(tables, random)
for (let seq = 1; seq <= ASSETS; seq += 1) put(seq)
/** Parts so small that these few assets make many. */
const inTurns = new AssetSearch(tables, { first: 3, next: 11 })

test('lists, totals and statistics in turns are those in one', async () => {
  let turns = 0
  const giveWay = async () => {
    turns += 1
    await Promise.resolve()
  }
  for (let i = 0; i < 300; i += 1) {
    const filter = anyFilter()
    const label = `seed ${seed}: ${JSON.stringify(filter)}`
    assert.equal(await inTurns.count(filter, giveWay), inTurns.count(filter), label)
    const query = anyQuery(filter, ASSETS)
    const expected = await inTurns.list(query)
    assert.deepEqual(await inTurns.list(query, giveWay), expected, JSON.stringify([label, query]))
    const { reach: _, ...seen } = filter
    assert.deepEqual(await inTurns.stats(seen, giveWay), await inTurns.stats(seen), label)
  }
  assert.ok(turns > 1000, `${turns}`)
})

test('no turn looks at more than its part, and who is gone is not answered', async () => {
  const reach = { ids: ['nobody'], bucketIds: [], prefixes: [] }
  const filter: AssetFilter = { deleted: 'without', bucketId: bucketIds[0] ?? '', reach }
  for (const ask of [
    async (giveWay: () => Promise<void>) => await inTurns.count(filter, giveWay),
    async (giveWay: () => Promise<void>) => await inTurns.list({ ...filter, limit: 1 }, giveWay),
    async (giveWay: () => Promise<void>) =>
      await inTurns.list({ ...filter, limit: 1, afterKey: '' }, giveWay),
  ]) {
    let turns = 0
    await ask(async () => {
      turns += 1
      await Promise.resolve()
    })
    assert.ok(turns >= 8, `${turns}`)
    await assert.rejects(
      ask(async () => await Promise.reject(new Error('gone'))),
      /gone/,
    )
  }
})

test('a part is found by an index, whatever else is asked for', () => {
  const range = 'a.created_seq < 9 AND a.created_seq >= 3'
  for (const more of [
    '+a.key >= 1 AND +a.key < 2 AND a.trashed = 0',
    'a.acl IS NULL',
    'a.type=1',
  ]) {
    const sql = `SELECT count(*) FROM assets a
      WHERE a.deleted_at IS NULL AND a.bucket IN (1, 2) AND ${more} AND ${range}`
    const plan = JSON.stringify(db.prepare(`EXPLAIN QUERY PLAN ${sql}`).all())
    assert.match(plan, /assets_by_bucket \(bucket=\? AND created_seq>\? AND created_seq<\?\)/)
  }
})
