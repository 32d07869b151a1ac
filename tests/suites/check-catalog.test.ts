import assert from 'node:assert/strict'
import { hash } from 'node:crypto'
import { mkdtempSync, readdirSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, describe, it } from 'node:test'
import { openDatabase, type SqliteDatabase } from '@holdfast/drivers/catalog/sqlite/database.ts'
import { errnoOf } from '@holdfast/drivers/disk/disk-errors.ts'
import { openStore, type Store } from '@holdfast/drivers/open.ts'
import { Desk } from '@holdfast/testkit/catalog/catalog-test.ts'
import { entryOf, newUser } from '@holdfast/testkit/catalog/people/identities.ts'
import {
  newAccessKey,
  newKey,
  newLink,
  newPart,
  newQuota,
  newUpload,
} from '@holdfast/testkit/catalog/records.ts'
import { transactions, transactionsUrl } from '@holdfast/testkit/test-transactions.ts'

/**
 * A flipped bit in any column of any record must be told, since SQLite's pages have no checksums:
 * each value of one row of every table is changed behind the store's back, and put back.
 */

/** Numbers that only the catalog itself uses, and when a blob died, which a rebuild renews. */
const ownColumns = new Set(['words.no', 'buckets.no', 'blobs.dead_since'])
/** Where the catalog stands; its other rows are told by opening. */
const leftOut = /^(state|search|sqlite_|removed_)/

type Value = string | number | Buffer | null

const dir = mkdtempSync(join(tmpdir(), 'holdfast-check-'))
let store: Store
let db: SqliteDatabase

before(async () => {
  store = await openStore({ dir, transactions, reservedBytes: 0, layOutBytes: 65_536 })
  await fill(store)
  db = openDatabase(join(dir, 'catalog.db'))
})

after(async () => {
  db.close()
  await store.close()
  rmSync(dir, { recursive: true })
})

const faults = async () =>
  (await Array.fromAsync(store.catalog.check?.() ?? [])).map(({ place }) => place)

describe('comparing the catalog with the packs', () => {
  it('finds nothing in a sound one, and leaves nothing behind', async () => {
    assert.deepEqual(await faults(), [])
  })

  it('tells a change of any column of any record', async () => {
    const missed: string[] = []
    let changed = 0
    for (const table of tables()) {
      const row = db.prepare<[], Record<string, Value>>(`SELECT * FROM ${table} LIMIT 1`).get()
      assert.ok(row, `no row in ${table}: nothing would be tried`)
      for (const [column, value] of Object.entries(row)) {
        const name = `${table}.${column}`
        db.exec(`CREATE TEMP TABLE kept AS SELECT * FROM ${table}`)
        if (!ownColumns.has(name) && update(table, column, value)) {
          if ((await faults()).length === 0) missed.push(name)
          changed += 1
          db.exec(`DELETE FROM ${table}; INSERT INTO ${table} SELECT * FROM kept`)
        }
        db.exec('DROP TABLE kept')
      }
    }
    assert.deepEqual(missed, [])
    assert.ok(changed > 80, `only ${changed} columns could be changed`)
    assert.deepEqual(await faults(), [])
  })

  it('tells a row that is gone, and one from nowhere', async () => {
    db.exec('BEGIN; DELETE FROM links; COMMIT')
    assert.match((await faults()).join(), /catalog:links:/)
    db.exec("INSERT INTO asset_tags VALUES ('made up', 1)")
    assert.match((await faults()).join(), /catalog:asset_tags:made up:1/)
  })

  it('tells words that the search index has lost', async () => {
    db.exec("DELETE FROM asset_tags WHERE tag = 'made up'; DELETE FROM search")
    assert.match((await faults()).join(), /catalog:search/)
  })
})

describe('comparing while the store is at work, in a thread', () => {
  let root: string
  let working: Store

  before(async () => {
    root = mkdtempSync(join(tmpdir(), 'holdfast-check-'))
    const options = { dir: root, transactionsUrl, reservedBytes: 0, layOutBytes: 65_536 }
    working = await openStore(options)
  })

  after(async () => {
    await working.close()
    rmSync(root, { recursive: true })
  })

  it('finds nothing though commits go on, and commits wait for nothing', async () => {
    const desk = deskOf(working)
    const { id: bucketId } = await desk.bucket({ name: 'busy' })
    let checking = true
    let writes = 0
    const write = async () => {
      while (checking) {
        const { asset } = await desk.asset({ bucketId, key: `k${writes}`, tags: [`t${writes}`] })
        if (writes % 3 === 0) await desk.update(asset, { metadata: { n: writes } })
        writes += 1
      }
    }
    const writing = write()
    let records = 0
    const onRecords = (more: number) => {
      records += more
    }
    const found = []
    for (let time = 0; time < 3; time += 1) {
      const before = writes
      found.push(...(await Array.fromAsync(working.catalog.check?.({ onRecords }) ?? [])))
      assert.ok(writes > before, 'no write went through during a comparison')
    }
    checking = false
    await writing
    assert.deepEqual(found, [])
    assert.ok(records > 0)
  })

  it('ends when told to, and leaves nothing behind', async () => {
    const stop = new AbortController()
    const first = working.catalog.check?.({
      signal: stop.signal,
      onRecords: () => stop.abort(new Error('enough')),
    })
    await assert.rejects(Array.fromAsync(first ?? []), /enough/)
    const left = readdirSync(root).filter(name => name.includes('check'))
    assert.deepEqual(left, [])
    assert.deepEqual(await Array.fromAsync(working.catalog.check?.() ?? []), [])
  })
})

describe('comparing without room for a second catalog', () => {
  it('is told as a finding', async () => {
    const root = mkdtempSync(join(tmpdir(), 'holdfast-check-'))
    const full = await openStore({ dir: root, transactions, reservedBytes: 2 ** 60 })
    try {
      const found = await Array.fromAsync(full.catalog.check?.() ?? [])
      assert.match(found[0]?.problem ?? '', /^comparing it with the packs takes \d+ bytes/)
    } finally {
      await full.close()
      rmSync(root, { recursive: true })
    }
  })
})

function tables(): string[] {
  return db
    .prepare<[], string>("SELECT name FROM sqlite_schema WHERE type = 'table' ORDER BY name")
    .pluck()
    .all()
    .filter(name => !leftOut.test(name))
}

function spoilt(value: Value): Value {
  if (value === null) return null
  if (typeof value === 'number') return value + 1
  if (typeof value === 'string') return value.replace(/[a-z0-9]/, c => (c === '5' ? '7' : '5'))
  const bytes = Buffer.from(value)
  bytes[0] = (bytes[0] ?? 0) ^ 1
  return bytes
}

/** False where there is nothing to change, or SQLite itself forbids it. */
function update(table: string, column: string, was: Value): boolean {
  const is = spoilt(was)
  if (is === null || is === was) return false
  db.pragma('foreign_keys = OFF')
  try {
    const one = `(SELECT ${column} FROM ${table} LIMIT 1)`
    db.prepare(`UPDATE ${table} SET ${column} = ? WHERE ${column} = ${one}`).run(is)
    return true
  } catch (error) {
    if (/CONSTRAINT/.test(errnoOf(error) ?? '')) return false
    throw error
  }
}

function deskOf({ catalog, element }: Store): Desk {
  assert.ok(element.staging)
  return new Desk({ catalog, staging: element.staging, close: async () => {} })
}

/** A record of every kind. */
async function fill(store: Store): Promise<void> {
  const desk = deskOf(store)
  const { id: bucketId, name } = await desk.bucket({ name: 'checked' })
  const given = { bucketId, tags: ['red', 'blue'], metadata: { word: 'pear' } }
  const { asset, version } = await desk.asset({ ...given, key: 'one' })
  const object = { etag: 'x', parts: [{ number: 1, size: 3 }] }
  const { asset: other } = await desk.asset({ bucketId, key: 'two' })
  const noted = { do: 'note', change: { what: 'asset.updated', assetId: asset.id } } as const
  await desk.write([
    { do: 'link', record: newLink({ fromId: asset.id, toId: other.id }) },
    { do: 'quota', record: newQuota({ scope: 'bucket', name }) },
    { do: 'key', record: newKey({ name: 'key' }) },
    { do: 'accessKey', record: newAccessKey({ id: 'HFKA' }) },
    { do: 'identity', record: newUser({ username: 'anna' }) },
    { do: 'version', record: { ...version, object, seq: 0 } },
    noted,
    { do: 'audit', entry: entryOf('login') },
  ])
  const upload = newUpload({ bucketId, key: 'large' })
  await desk.write([{ do: 'upload', record: upload }, noted])
  const { keep, staged, facts } = await desk.content('part')
  const { sha256, size } = facts
  const part = newPart({ uploadId: upload.id, number: 1, sha256, size })
  await desk.write([keep, { do: 'part', record: part }, noted], staged)
  const parts = [part, part].map(() => ({ sha256, size }))
  const blob = { sha256: hash('sha256', 'partpart'), size: 8, parts }
  await desk.write([{ do: 'compose', blob }, noted])
}
