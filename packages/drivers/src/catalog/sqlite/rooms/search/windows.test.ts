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

test('where no asset has a list of access, no turn looks at more, either', async () => {
  const open = openDatabase(':memory:')
  try {
    const all = openTables(open)
    const one = putRandomAssets(all, random)
    const bucketId = one.bucketIds[0] ?? ''
    for (let seq = 1; seq <= ASSETS; seq += 1) {
      one.put(seq, { bucketId, key: `a/${seq}`, ownerId: 'o1', service: 's1', acl: null })
    }
    const parts = new AssetSearch(all, { first: 3, next: 11 })
    const live: AssetFilter = { deleted: 'without', bucketId }
    for (const filter of [
      { ...live, name: 'none' },
      { ...live, type: 'audio' as const },
      { ...live, keyPrefix: 'a/', name: 'none' },
      { ...live, service: 's1', ownerId: 'o1', name: 'none' },
    ]) {
      for (const sight of [{}, { visibleTo: ['p1'] }]) {
        const asked = { ...filter, ...sight }
        const label = JSON.stringify(asked)
        const found: number[] = []
        const turns = [
          await turnsOf(async way => found.push(await parts.count(asked, way))),
          await turnsOf(async way => {
            found.push((await parts.list({ ...asked, limit: 1 }, way)).length)
          }),
          await turnsOf(async way => {
            found.push((await parts.list({ ...asked, limit: 1, afterKey: '' }, way)).length)
          }),
        ]
        assert.deepEqual(found, [0, 0, 0], label)
        // A counter knows how many there are of a type in all, not in a bucket.
        assert.ok(
          turns.every(count => count >= 30),
          `${label} ${turns}`,
        )
      }
    }
    const { live: there } = all.counters.get('bucket', bucketId)
    for (const more of [{ keyPrefix: 'a/' }, { service: 's1' }, { ownerId: 'o1' }]) {
      const turns = await turnsOf(async way => {
        assert.equal(await parts.count({ ...live, ...more }, way), there)
      })
      assert.ok(turns >= 30, `${JSON.stringify(more)} ${turns}`)
    }
    for (const more of [{ offset: there - 1 }, { offset: there - 1, afterKey: '' }]) {
      const turns = await turnsOf(async way => {
        assert.equal((await parts.list({ ...live, limit: 2, ...more }, way)).length, 1)
      })
      assert.ok(turns >= 30, `${JSON.stringify(more)} ${turns}`)
    }
    // What is full at once, or is little by its index, takes no turn.
    for (const query of [
      { ...live, limit: 60 },
      { deleted: 'without' as const, service: 's1', limit: 60 },
      { ...live, ownerId: 'o2', limit: 1 },
      { ...live, tagsAny: ['none'], limit: 1 },
      { ...live, keyPrefix: 'a/49', limit: 1 },
    ]) {
      const turns = await turnsOf(async way => await parts.list(query, way))
      assert.ok(turns <= 2, `${JSON.stringify(query)} ${turns}`)
    }
  } finally {
    open.close()
  }
})

test('by key, no turn looks at more of what markers hide, however little is shown', async () => {
  const hidden = { deletedAt: '2026-01-01T00:00:00.000Z', trashed: false, acl: null }
  for (const shown of [8, 2]) {
    const marked = openDatabase(':memory:')
    try {
      const prepared: string[] = []
      const prepare = marked.prepare.bind(marked)
      const all = openTables(marked)
      const one = putRandomAssets(all, random)
      const bucketId = one.bucketIds[0] ?? ''
      for (let seq = 1; seq <= ASSETS; seq += 1) {
        const isShown = seq > ASSETS - shown
        const key = `a/${String(seq).padStart(4, '0')}`
        one.put(seq, { bucketId, key, ...hidden, ...(isShown ? { deletedAt: null } : {}) })
      }
      const parts = new AssetSearch(all, { first: 3, next: 11 })
      Object.defineProperty(marked, 'prepare', {
        value: (sql: string) => prepare(prepared[prepared.push(sql) - 1] ?? ''),
      })
      for (const more of [{}, { keyPrefix: 'a/' }]) {
        const filter: AssetFilter = { deleted: 'without', bucketId, ...more }
        const label = JSON.stringify({ shown, more })
        const found: string[] = []
        const turns = await turnsOf(async way => {
          const page = await parts.list({ ...filter, limit: ASSETS, afterKey: '' }, way)
          found.push(...page.map(({ key }) => key))
        })
        const expected = Array.from({ length: shown }, (_, n) => ASSETS - shown + 1 + n)
        assert.deepEqual(
          found,
          expected.map(seq => `a/${String(seq).padStart(4, '0')}`),
          label,
        )
        const counting = await turnsOf(async way => {
          assert.equal(await parts.count(filter, way), shown, label)
        })
        if (shown > 3) {
          assert.ok(turns >= 30, `${label} ${turns}`)
          assert.ok(counting >= 30 || more.keyPrefix === undefined, `${label} ${counting}`)
          continue
        }
        // So few that they are all looked at, and nothing else is.
        const sql = prepared.filter(text => text.includes('a.deleted_at IS NULL'))
        assert.ok(sql.length > 0, label)
        for (const text of sql) {
          const plan = JSON.stringify(prepare(`EXPLAIN QUERY PLAN ${text}`).all(...marksOf(text)))
          assert.match(plan, /assets_by_bucket \(bucket=\?\)/, text)
        }
      }
    } finally {
      marked.close()
    }
  }
})

const marksOf = (sql: string) => Array.from({ length: sql.split('?').length - 1 }, () => 1)

async function turnsOf(ask: (giveWay: () => Promise<void>) => Promise<unknown>): Promise<number> {
  let turns = 0
  await ask(async () => {
    turns += 1
    await Promise.resolve()
  })
  return turns
}

test('who is granted thousands of prefixes sees what is below them, and no more', () => {
  const [bucketId = '', other = ''] = bucketIds
  const seen = (prefixes: { bucketId: string; prefix: string }[]) => {
    const reach = { ids: ['nobody'], bucketIds: [], prefixes }
    const assets = inTurns.list({ deleted: 'without', reach, limit: ASSETS })
    return assets.map(({ id }) => id)
  }
  const few = [
    { bucketId, prefix: 'a/1' },
    { bucketId, prefix: 'b/' },
    { bucketId: other, prefix: 'c' },
  ]
  const none = Array.from({ length: 3000 }, (_, n) => ({ bucketId, prefix: `${n}ü/` }))
  const all = inTurns.list({ deleted: 'without', limit: ASSETS })
  const below = all.filter(
    ({ acl, ...asset }) =>
      acl === null &&
      few.some(one => one.bucketId === asset.bucketId && asset.key.startsWith(one.prefix)),
  )
  assert.ok(below.length > 0 && below.length < all.length)
  const ids = below.map(({ id }) => id)
  assert.deepEqual(seen([...none, ...few]), ids)
  assert.deepEqual(seen(few), ids)
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
