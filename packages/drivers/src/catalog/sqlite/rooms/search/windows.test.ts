import assert from 'node:assert/strict'
import { after, test } from 'node:test'
import type { AssetFilter, AssetQuery } from '@holdfast/core/ports/asset-questions.ts'
import { newAsset, newBucket } from '@holdfast/testkit/catalog/records.ts'
import { runSeed, SeededRandom } from '@holdfast/testkit/seeded-random.ts'
import { openDatabase } from '../../database.ts'
import { openTables } from '../../tables.ts'
import { AssetSearch } from './asset-search.ts'

const ASSETS = 500
const seed = runSeed()
const random = new SeededRandom(seed)
const db = openDatabase(':memory:')
after(() => db.close())
const tables = openTables(db)
const bucketIds = ['one', 'two', 'three'].map(name => {
  const bucket = newBucket({ name })
  tables.buckets.put(bucket)
  return bucket.id
})
const prefixes = ['a/', 'b/', 'c']
const tags = ['red', 'blue']
for (let seq = 1; seq <= ASSETS; seq += 1) {
  const deletedAt = random.chance(0.2) ? '2026-01-01T00:00:00.000Z' : null
  const asset = newAsset({
    ...{ seq, createdSeq: seq, bucketId: random.pick(bucketIds) },
    key: `${random.pick(prefixes)}${seq}`,
    ownerId: random.pick(['o1', 'o2']),
    tags: tags.filter(() => random.chance(0.3)),
    acl: random.chance(0.6) ? { read: [random.pick(['p1', 'p2'])], write: [] } : null,
    ...{ deletedAt, trashed: deletedAt !== null && random.chance(0.5) },
  })
  tables.assets.put(asset)
}
/** Parts so small that these few assets make many. */
const inTurns = new AssetSearch(tables, { first: 3, next: 11 })

function anyFilter(): AssetFilter {
  const maybe = <T>(value: T): T | undefined => (random.chance(0.3) ? value : undefined)
  const given = {
    bucketId: maybe(random.pick([...bucketIds, 'none'])),
    bucketIds: maybe([...bucketIds, 'none'].filter(() => random.chance(0.6))),
    ownerId: maybe(random.pick(['o1', 'none'])),
    tagsAny: maybe([random.pick(tags)]),
    keyPrefix: maybe(random.pick([...prefixes, 'x', ''])),
    ...(random.chance(0.5)
      ? {
          visibleTo: random.pick(['p1', 'p3', ['p1', 'p2']]),
          ...(random.chance(0.5) ? { visibleOwner: { ownerId: 'o1' } } : {}),
        }
      : {
          reach: {
            ids: [random.pick(['p1', 'p3'])],
            bucketIds: bucketIds.filter(() => random.chance(0.2)),
            prefixes: [{ bucketId: random.pick(bucketIds), prefix: random.pick(prefixes) }],
          },
        }),
  }
  const kept = Object.entries(given).filter(([, value]) => value !== undefined)
  return { ...Object.fromEntries(kept), deleted: random.pick(['without', 'only', 'with']) }
}

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
    const from = random.pick([{}, { beforeSeq: 1 + random.below(ASSETS) }])
    const byKey = { afterKey: random.pick(['', 'a/3', 'b/', 'z']) }
    const order = filter.bucketId !== undefined && random.chance(0.5) ? byKey : from
    const page = { limit: random.pick([1, 7, 60]), offset: random.pick([0, 2, 25]) }
    const query: AssetQuery = { ...filter, ...order, ...page }
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
