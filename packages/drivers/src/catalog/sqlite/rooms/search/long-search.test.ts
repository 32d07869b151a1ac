import assert from 'node:assert/strict'
import { after, beforeEach, test } from 'node:test'
import type { AssetQuery } from '@holdfast/core/ports/asset-questions.ts'
import type { Asset } from '@holdfast/core/records.ts'
import { runSeed, SeededRandom } from '@holdfast/testkit/seeded-random.ts'
import { openDatabase } from '../../database.ts'
import { openTables } from '../../tables.ts'
import { LongSearch, type SearchAside } from './long-search.ts'
import { putRandomAssets } from './random-assets.test.ts'
import { searchColumns } from './search-text.ts'

const ASSETS = 300
const seed = runSeed()
const random = new SeededRandom(seed)
const db = openDatabase(':memory:')
after(() => db.close())
const tables = openTables(db)
const { assetSearch } = tables
const insert = db.prepare('INSERT INTO search (rowid, name, tags, metadata) VALUES (?, ?, ?, ?)')
const indexed = (asset: Asset) => insert.run(asset.createdSeq, ...searchColumns(asset))
const { put, anyFilter, anyQuery, bucketIds } = putRandomAssets(tables, random)
const [bucketId = ''] = bucketIds
for (let seq = 1; seq <= ASSETS; seq += 1) {
  const words = Array.from({ length: 3 }, () => `m${random.below(60)}`)
  const metadata = { words: words.join(' '), few: `f${random.below(5)}`, other: 'übung x.m1' }
  indexed(put(seq, { metadata }))
}

let asked = 0
/** Runs after what was asked for was found, as what happens before it is read. */
let meanwhile: (() => void) | undefined
const aside: SearchAside = {
  async places(query) {
    asked += 1
    const places = assetSearch.places(query)
    meanwhile?.()
    meanwhile = undefined
    return await Promise.resolve(places)
  },
  async count(filter) {
    asked += 1
    return await Promise.resolve(assetSearch.count(filter))
  },
}
const long = new LongSearch(assetSearch, aside)
beforeEach(() => {
  asked = 0
})

test('only what begins many words, or may do so, is asked for aside', () => {
  const isLong = (search: string) => long.isLong({ deleted: 'with', search })
  for (const search of ['m', 'M', 'f0 m', 'x.m', 'üb', 'é']) assert.ok(isLong(search), search)
  for (const search of ['f', 'm1', '"m"', 'm m1', '', '- "']) assert.ok(!isLong(search), search)
  assert.ok(!new LongSearch(assetSearch, undefined).isLong({ deleted: 'with', search: 'm' }))
})

test('lists and totals are those which are worked out at once', async () => {
  let shown = 0
  for (let i = 0; i < 300; i += 1) {
    const search = random.pick(['m', 'm f1', 'x.m', 'übung', 'm f'])
    const filter = { ...anyFilter(), search }
    const label = `seed ${seed}: ${JSON.stringify(filter)}`
    const total = assetSearch.count(filter)
    assert.equal(await long.count(filter, undefined), total, label)
    const query = anyQuery(filter, ASSETS)
    const expected = assetSearch.list(query)
    assert.deepEqual(await long.list(query, undefined), expected, JSON.stringify(query))
    shown += expected.length
  }
  assert.ok(asked >= 600 && shown > 100, `${asked} ${shown}`)
})

test('what is found is read in pieces, and who is gone is not answered', async () => {
  const query: AssetQuery = { deleted: 'with', search: 'm', limit: 250 }
  let turns = 0
  const giveWay = async () => {
    turns += 1
    await Promise.resolve()
  }
  assert.equal((await long.list(query, giveWay)).length, 250)
  assert.deepEqual([turns, asked], [2, 1])
  const gone = async () => await Promise.reject(new Error('gone'))
  await assert.rejects(async () => await long.list(query, gone), /gone/)
})

test('what changed before it is read is shown as it is, and only to who may see it', async () => {
  const mine = (key: string, seq: number) =>
    put(seq, {
      ...{ bucketId, key, acl: null, deletedAt: null, trashed: false, tags: ['mine'] },
      metadata: { words: 'm0 m1' },
    })
  const made = ['u1', 'u2', 'u3', 'u4', 'u5', 'u6'].map((key, at) => mine(key, ASSETS + 1 + at))
  made.forEach(indexed)
  const [u1, u2, u3, u4, u5] = made
  assert.ok(u1 && u2 && u3 && u4 && u5)
  const change = (asset: Asset, to: Partial<Asset>) => tables.assets.put({ ...asset, ...to })
  const keys = async (query: Partial<AssetQuery>, then: () => void) => {
    meanwhile = then
    const filter = { deleted: 'without', bucketId, tagsAny: ['mine'], search: 'm' } as const
    const found = await long.list({ ...filter, limit: 2, visibleTo: 'p1', ...query }, undefined)
    return found.map(({ key }) => key)
  }
  const deletedAt = '2026-01-01T00:00:00.000Z'
  const newest = await keys({ beforeSeq: u4.createdSeq }, () => change(u3, { deletedAt }))
  assert.deepEqual(newest, ['u2', 'u1'], 'the page is full all the same')
  const acl = { read: ['p2'], write: [] }
  assert.deepEqual(await keys({ afterKey: 'u' }, () => change(u1, { acl })), ['u2', 'u4'])
  const moved = await keys({ afterKey: 'u' }, () => change(u2, { key: 'u9' }))
  assert.deepEqual(moved, ['u4', 'u5'], 'who moved stands elsewhere')
  assert.deepEqual(await keys({ afterKey: 'u5', limit: 9 }, () => {}), ['u6', 'u9'])
  assert.deepEqual(await keys({ afterKey: 'u', limit: 1, offset: 3 }, () => {}), ['u9'])
  const behind = { afterKey: 'u', offset: 1 }
  assert.deepEqual(await keys(behind, () => change(u5, { deletedAt })), ['u6', 'u9'])
})
