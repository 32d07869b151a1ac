import assert from 'node:assert/strict'
import fs from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, it } from 'node:test'
import type { Staging } from '@holdfast/core/ports/element.ts'
import { type Step, transactions } from '@holdfast/testkit/test-transactions.ts'
import { systemClock } from '../clock/system-clock.ts'
import { nodeDisk } from '../disk/node-disk.ts'
import { openStore, type Store, type StoreOptions } from '../open.ts'
import { cryptoRandom } from '../random/crypto-random.ts'
import { elementTransactions, KEEP } from './element-transactions.ts'
import { openMarker } from './marker.ts'
import { type OpenedLog, openLog } from './open-log.ts'

let root: string
let dir: string

beforeEach(() => {
  root = fs.mkdtempSync(join(tmpdir(), 'holdfast-committer-'))
  dir = `${root}/data`
})
afterEach(() => fs.rmSync(root, { recursive: true }))

const open = (options: Partial<StoreOptions> = {}): Promise<Store> =>
  openStore({ dir, transactions, reservedBytes: 0, cacheBytes: 0, ...options })

async function* once(text: string): AsyncGenerator<Uint8Array> {
  yield Buffer.from(text)
}

function stagingOf({ element }: Store): Staging {
  assert.ok(element.staging !== undefined)
  return element.staging
}

describe('a batch', () => {
  it('keeps the file of a blob that it removes and brings back', async () => {
    const text = 'large '.repeat(60_000)
    const store = await open()
    const { sha256, location } = await store.element.write(once(text), {})
    assert.ok(location.startsWith('file:'))
    const staged = await stagingOf(store).stage(once(text), {})
    const { md5, size, blockBytes, sums } = staged
    const facts = { sha256, md5, size, blockBytes, sums }
    const steps: Step[] = [
      { do: 'remove', what: 'blob', id: sha256 },
      { do: 'keep', facts, location: null },
    ]
    await store.catalog.write('script', steps, {
      actor: 'test',
      requestId: 'test',
      staged: [staged],
    })
    await staged.discard()
    const blob = await store.catalog.view.blobs.get(sha256)
    assert.ok(blob !== undefined)
    const { bytes, chunks } = await store.element.read(blob)
    const parts = await Array.fromAsync(chunks ?? [bytes ?? Buffer.alloc(0)])
    assert.equal(Buffer.concat(parts).toString(), text)
    await store.close()
  })

  it('is told as unknown when the catalog cannot commit, and recovered', async () => {
    let store = await open()
    const { sha256, md5, size, blockBytes, sums } = await stagingOf(store).stage(once('log'), {})
    await store.close()
    const log = openAlone()
    // A promise of SQLite's own that only the end of the transaction can break.
    log.tables.db.pragma('foreign_keys = ON')
    log.tables.db.exec(`
      CREATE TEMP TABLE known (id INTEGER PRIMARY KEY);
      CREATE TEMP TABLE asks (id REFERENCES known DEFERRABLE INITIALLY DEFERRED);
      CREATE TEMP TRIGGER breaks AFTER INSERT ON main.blobs BEGIN INSERT INTO asks VALUES (1); END`)
    const body = Buffer.from('log')
    const facts = { sha256, md5, size, blockBytes, sums }
    const staged = [{ sha256, size, body, temp: null, replaces: false }]
    const request = { name: KEEP, args: facts, actor: 'test', requestId: 'test', staged }
    const later = { ...request, name: 'no such', staged: [] }
    for (const requests of [[request], [later]]) {
      const [reply] = await log.committer.run(requests)
      assert.ok(reply?.ok === false)
      assert.equal(reply.error.code, 'OUTCOME_UNKNOWN')
      assert.equal(reply.error.fatal, true)
    }
    assert.throws(() => log.committer.reclaim(), { name: 'FatalStoreError' })
    log.close()
    store = await open()
    assert.equal(store.recovery.batches, 1)
    assert.ok((await store.catalog.view.blobs.get(sha256)) !== undefined)
    await store.close()
  })
})

describe('giving space back', () => {
  it('ends for good when the catalog cannot be made durable before a pack goes', async () => {
    const store = await open({ packBytesMax: 16_384, layOutBytes: 4096 })
    for (let n = 0; n < 12; n += 1) {
      const { location } = await store.element.write(once(`${n}`.repeat(3000)), {})
      await store.element.remove(location)
    }
    await store.close()
    const packs = fs.readdirSync(`${dir}/packs`)
    const log = openAlone()
    log.tables.db.pragma('foreign_keys = ON')
    log.tables.db.exec(`
      CREATE TEMP TABLE known (id INTEGER PRIMARY KEY);
      CREATE TEMP TABLE asks (id REFERENCES known DEFERRABLE INITIALLY DEFERRED);
      CREATE TEMP TRIGGER breaks AFTER DELETE ON main.state BEGIN INSERT INTO asks VALUES (1); END`)
    // A second try might succeed although what the first wrote was dropped by the kernel.
    for (const message of [/could not be made durable/, /could not be made durable/]) {
      assert.throws(
        () => {
          while (log.committer.reclaim().more);
        },
        { name: 'FatalStoreError', message },
      )
      log.tables.db.exec('DROP TRIGGER IF EXISTS breaks')
    }
    log.close()
    assert.deepEqual(fs.readdirSync(`${dir}/packs`), packs)
  })
})

function openAlone(): OpenedLog {
  const parts = { disk: nodeDisk, clock: systemClock, random: cryptoRandom }
  const { element: elementId, secret } = openMarker(parts, dir)
  return openLog({
    ...parts,
    ...{ dir, elementId, catalogPath: `${dir}/catalog.db`, reservedBytes: 0 },
    secret: Buffer.from(secret, 'hex'),
    transactions: elementTransactions,
  })
}
