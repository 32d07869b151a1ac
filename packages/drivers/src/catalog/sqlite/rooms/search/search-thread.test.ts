import assert from 'node:assert/strict'
import fs from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, test } from 'node:test'
import { runSeed, SeededRandom } from '@holdfast/testkit/seeded-random.ts'
import { openDatabase } from '../../database.ts'
import { openTables } from '../../tables.ts'
import { putRandomAssets } from './random-assets.test.ts'
import { searchColumns } from './search-text.ts'
import { SearchThread } from './search-thread-link.ts'

const root = fs.mkdtempSync(join(tmpdir(), 'holdfast-search-'))
after(() => fs.rmSync(root, { recursive: true }))
const ASSETS = 100

function openCatalog(name: string) {
  const path = join(root, name)
  const db = openDatabase(path)
  const tables = openTables(db)
  const random = new SeededRandom(runSeed())
  const made = putRandomAssets(tables, random)
  const insert = db.prepare('INSERT INTO search (rowid, name, tags, metadata) VALUES (?, ?, ?, ?)')
  for (let seq = 1; seq <= ASSETS; seq += 1) {
    const asset = made.put(seq, { metadata: { word: `m${seq}` } })
    insert.run(seq, ...searchColumns(asset))
  }
  tables.counters.flush()
  return { path, db, ...made, assetSearch: tables.assetSearch }
}

const all = { deleted: 'with', search: 'm' } as const

test('the thread tells the places and totals that are told here', async () => {
  const { path, db, assetSearch, anyFilter, anyQuery } = openCatalog('same.db')
  await using thread = new SearchThread(path)
  let found = 0
  for (let i = 0; i < 100; i += 1) {
    const filter = { ...anyFilter(), search: 'm' }
    const query = anyQuery(filter, ASSETS)
    assert.deepEqual(await thread.places(query), assetSearch.places(query))
    const total = await thread.count(filter)
    assert.equal(total, assetSearch.count(filter))
    found += total
  }
  assert.ok(found > 0)
  assert.equal(await thread.count(all), ASSETS)
  db.prepare('DELETE FROM search WHERE rowid = 7').run()
  assert.equal(await thread.count(all), ASSETS - 1, 'it sees what was committed')
  db.close()
})

test('a thread that ends fails its question, and the next begins anew', async () => {
  const { path, db } = openCatalog('away.db')
  db.close()
  fs.renameSync(path, `${path}.away`)
  await using thread = new SearchThread(path)
  await assert.rejects(thread.count(all), { code: 'INTERNAL' })
  fs.renameSync(`${path}.away`, path)
  const answers = await Promise.all([thread.count(all), thread.count(all)])
  assert.deepEqual(answers, [ASSETS, ASSETS])
})

test('what a statement throws is told, and the thread goes on', async () => {
  const { path, db } = openCatalog('throws.db')
  await using thread = new SearchThread(path)
  const query = { ...all, limit: 1, tagsAny: Array.from({ length: 40_000 }, () => 'red') }
  await assert.rejects(thread.places(query), { code: 'STORAGE_UNAVAILABLE' })
  assert.equal(await thread.count(all), ASSETS)
  db.close()
})

test('closed while it works, it answers nobody', async () => {
  const { path, db } = openCatalog('closed.db')
  const thread = new SearchThread(path)
  assert.equal(await thread.count(all), ASSETS)
  const asked = [thread.count(all), thread.places({ ...all, limit: 1 })].map(async answer => {
    await assert.rejects(answer, { code: 'SHUTTING_DOWN' })
  })
  await thread[Symbol.asyncDispose]()
  await Promise.all(asked)
  await assert.rejects(thread.count(all), { code: 'SHUTTING_DOWN' })
  db.close()
})
