import assert from 'node:assert/strict'
import fs from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { afterEach, beforeEach, describe, it } from 'node:test'
import type { Disk } from '@holdfast/core/ports/disk.ts'
import { nodeDisk } from '@holdfast/drivers/disk/node-disk.ts'
import { checkPacks } from '@holdfast/drivers/element/disk/check-packs.ts'
import { blobPath, packPath } from '@holdfast/drivers/element/disk/layout.ts'
import { eachPack } from '@holdfast/drivers/element/disk/pack-files.ts'
import { openStore, type Store, type StoreOptions } from '@holdfast/drivers/open.ts'
import { cryptoRandom } from '@holdfast/drivers/random/crypto-random.ts'
import { getAsset, openContent } from '@holdfast/engine/assets/get.ts'
import { putAsset } from '@holdfast/engine/assets/put.ts'
import { removeAsset } from '@holdfast/engine/assets/remove.ts'
import { mergeMetadata } from '@holdfast/engine/assets/update.ts'
import { type Engine, ensureBuckets, openEngine, systemCall } from '@holdfast/engine/engine.ts'
import { collectGarbage } from '@holdfast/engine/integrity/collect.ts'
import { verifyStore } from '@holdfast/engine/integrity/verify.ts'
import { transactions } from '@holdfast/engine/transactions.ts'
import { checkTotals, dump } from '@holdfast/testkit/catalog/dump.ts'
import { FakeClock } from '@holdfast/testkit/fake-clock.ts'

const call = systemCall('test')
const ownerId = '0199d0c0-0000-7000-8000-000000000001'
const DAY = 24 * 60 * 60 * 1000

let root: string
let store: Store
let engine: Engine
let clock: FakeClock

async function open(options: Partial<StoreOptions> = {}): Promise<void> {
  store = await openStore({
    ...options,
    dir: `${root}/data`,
    reservedBytes: 0,
    cacheBytes: 0,
    packBytesMax: 64 * 1024,
    layOutBytes: 4096,
    transactions,
    clock,
  })
  const { catalog, element } = store
  engine = openEngine({ catalog, element, clock, random: cryptoRandom })
  await ensureBuckets(engine, ['reclaim'])
}

beforeEach(async () => {
  root = fs.mkdtempSync(join(tmpdir(), 'holdfast-reclaim-'))
  clock = new FakeClock()
  await open()
})
afterEach(async () => {
  await store.close()
  fs.rmSync(root, { recursive: true })
})

const textFor = (n: number): string => `asset ${n} `.repeat(200)

async function put(n: number, text = textFor(n)): Promise<string> {
  async function* source(): AsyncGenerator<Uint8Array> {
    yield Buffer.from(text)
  }
  const { asset } = await putAsset(engine, call, {
    bucket: 'reclaim',
    key: `key ${n}`,
    name: `${n}.txt`,
    service: 'test',
    ownerId,
    mode: 'replace',
    metadata: { n },
    source: source(),
  })
  return asset.id
}

async function read(id: string): Promise<string> {
  const content = await openContent(engine, call, { asset: await getAsset(engine, call, id) })
  const { bytes, chunks } = await content.read()
  const parts: Uint8Array[] = []
  for await (const part of chunks ?? [bytes]) parts.push(part)
  return Buffer.concat(parts).toString()
}

function packBytes(): number {
  const packs = `${root}/data/packs`
  return fs.readdirSync(packs).reduce((sum, name) => sum + fs.statSync(`${packs}/${name}`).size, 0)
}

async function rebuild(): Promise<void> {
  await store.close()
  for (const name of fs.readdirSync(`${root}/data`)) {
    if (name.startsWith('catalog.db')) fs.rmSync(`${root}/data/${name}`)
  }
  await open()
}

const packNumbers = () => {
  const names = fs.readdirSync(`${root}/data/packs`)
  return names.map(name => Number.parseInt(name, 10)).sort((a, b) => a - b)
}

describe('giving space back', () => {
  it('keeps every live byte and record, and a rebuild afterwards finds the same', async () => {
    const ids: string[] = []
    for (let n = 0; n < 400; n += 1) ids.push(await put(n))
    const kept = ids.filter((_, n) => n % 7 === 0)
    const gone = ids.filter((_, n) => n % 7 !== 0)
    for (const id of kept) await mergeMetadata(engine, call, id, { seen: true })
    for (const id of gone) await removeAsset(engine, call, id, { hard: true })
    const before = packBytes()

    await clock.advance(2 * DAY)
    const { blobs } = await collectGarbage(engine, { limit: 10_000 })
    assert.equal(blobs, gone.length)
    const freed = await store.element.reclaim?.()
    assert.ok(freed !== undefined && freed > 0, 'bytes were freed')
    assert.ok(packBytes() < before * 0.6, `${packBytes()} of ${before} bytes are left`)

    const live = await dump(store.catalog.view)
    checkTotals(live)
    for (const [index, id] of kept.entries()) assert.equal(await read(id), textFor(index * 7))

    await rebuild()
    assert.deepEqual(await dump(store.catalog.view), live)
    for (const [index, id] of kept.entries()) assert.equal(await read(id), textFor(index * 7))
    for (const id of gone) assert.equal(await store.catalog.view.assets.byId(id), undefined)
  })

  it('carries over what is dead and still in its grace', async () => {
    const ids: string[] = []
    for (let n = 0; n < 200; n += 1) ids.push(await put(n))
    for (const id of ids.slice(1)) await removeAsset(engine, call, id, { hard: true })
    await clock.advance(2 * DAY)
    await collectGarbage(engine, { limit: 10_000 })
    await removeAsset(engine, call, ids[0] ?? '', { hard: true })
    await store.element.reclaim?.()
    assert.equal(fs.existsSync(packPath(`${root}/data`, 1)), false)
    const live = await dump(store.catalog.view)
    assert.equal(live.blobs.length, 1)
    await rebuild()
    const again = await dump(store.catalog.view)
    assert.deepEqual(
      again.blobs.map(({ sha256, references, location }) => [sha256, references, location]),
      live.blobs.map(({ sha256, location }) => [sha256, 0, location]),
    )
    assert.equal(await read(await put(0)), textFor(0))
  })

  it('survives a catalog that fell back to before the packs were rewritten', async () => {
    const ids: string[] = []
    for (let n = 0; n < 200; n += 1) ids.push(await put(n))
    for (const id of ids.slice(0, 150)) await removeAsset(engine, call, id, { hard: true })
    await clock.advance(2 * DAY)
    await collectGarbage(engine, { limit: 10_000 })
    await store.close()
    const old = ['', '-wal', '-shm']
      .filter(suffix => fs.existsSync(`${root}/data/catalog.db${suffix}`))
      .map(suffix => [suffix, fs.readFileSync(`${root}/data/catalog.db${suffix}`)] as const)
    // As if power went after the bytes were moved and before the catalog's part was on disk.
    const removed: string[] = []
    const remove = (path: string): boolean => {
      if (!path.includes('/packs/')) return nodeDisk.remove(path)
      removed.push(path)
      return true
    }
    await open({ disk: { ...nodeDisk, remove } })
    await store.element.reclaim?.()
    await put(1000)
    await store.close()
    assert.ok(removed.length > 1, 'several packs were rewritten')
    for (const path of removed) fs.rmSync(path)
    for (const suffix of ['', '-wal', '-shm']) {
      fs.rmSync(`${root}/data/catalog.db${suffix}`, { force: true })
    }
    for (const [suffix, bytes] of old) fs.writeFileSync(`${root}/data/catalog.db${suffix}`, bytes)
    await open()
    const live = await dump(store.catalog.view)
    checkTotals(live)
    assert.equal(live.assets.length, 51)
    for (const [index, id] of ids.slice(150).entries()) {
      assert.equal(await read(id), textFor(150 + index))
    }
  })

  it('lets readers finish and finds bytes that moved under a reader', async () => {
    const ids: string[] = []
    for (let n = 0; n < 200; n += 1) ids.push(await put(n))
    const content = await openContent(engine, call, {
      asset: await getAsset(engine, call, ids[199] ?? ''),
    })
    for (const id of ids.slice(0, 199)) await removeAsset(engine, call, id, { hard: true })
    await clock.advance(2 * DAY)
    await collectGarbage(engine, { limit: 10_000 })
    for (let n = 300; n < 340; n += 1) await put(n)
    await store.element.reclaim?.()
    const { bytes } = await content.read()
    assert.equal(Buffer.from(bytes ?? []).toString(), textFor(199))
  })

  it('leaves a pack alone in which a record is damaged, whatever follows it', async () => {
    const ids: string[] = []
    for (let n = 0; n < 60; n += 1) ids.push(await put(n))
    const bytes = fs.readFileSync(packPath(`${root}/data`, 1))
    // The change lines of an early commit: behind them the scan finds no batch by counting.
    const at = bytes.indexOf('changes/0000000000000005')
    for (const id of ids.filter((_, n) => n % 10 !== 9)) {
      await removeAsset(engine, call, id, { hard: true })
    }
    await clock.advance(2 * DAY)
    await collectGarbage(engine, { limit: 10_000 })
    const file = fs.openSync(packPath(`${root}/data`, 1), 'r+')
    fs.writeSync(file, Buffer.from('!'), 0, 1, at + 512 + 40)
    fs.closeSync(file)
    await store.element.reclaim?.()
    for (const [n, id] of ids.entries()) {
      if (n % 10 === 9) assert.equal(await read(id), textFor(n))
    }
  })

  it('lets a verification go on while packs are rewritten and removed', async () => {
    const ids: string[] = []
    for (let n = 0; n < 120; n += 1) ids.push(await put(n))
    for (const id of ids.slice(0, 110)) await removeAsset(engine, call, id, { hard: true })
    await clock.advance(2 * DAY)
    await collectGarbage(engine, { limit: 10_000 })
    const looking = eachPack(nodeDisk, `${root}/data`)
    assert.equal(looking.next().value?.pack, 1)
    await store.element.reclaim?.()
    // While the first is open, it and others go, and what was live in them moves.
    assert.equal(fs.existsSync(packPath(`${root}/data`, 2)), false)
    const later = [...looking].map(({ pack }) => pack)
    assert.deepEqual(later, packNumbers())
    assert.deepEqual((await verifyStore(engine)).damaged, [])
  })

  it('gives the dead a new grace period when the catalog was made again', async () => {
    await removeAsset(engine, call, await put(1), { hard: true })
    await clock.advance(2 * DAY)
    await rebuild()
    assert.equal((await collectGarbage(engine)).blobs, 0)
    await clock.advance(2 * DAY)
    assert.equal((await collectGarbage(engine)).blobs, 1)
  })

  it('unlinks files that no row names, and only those', async () => {
    const large = 'large '.repeat(60_000)
    const id = await put(1, large)
    const orphan = 'ab'.repeat(32)
    const path = blobPath(`${root}/data`, orphan)
    fs.mkdirSync(dirname(path), { recursive: true })
    fs.writeFileSync(path, 'orphan')
    assert.equal(await store.element.reclaim?.(), 6)
    assert.equal(fs.existsSync(path), false)
    assert.equal(await read(id), large)
  })
})

describe('bytes that were lost and are put again', () => {
  it('are kept again, from a pack and from a file, and a rebuild finds them', async () => {
    const texts = ['small '.repeat(100), 'large '.repeat(60_000)]
    const ids = [await put(1, texts[0]), await put(2, texts[1])]
    for (const id of ids) {
      const { sha256 } = await getAsset(engine, call, id)
      const location = (await store.catalog.view.blobs.get(sha256))?.location ?? ''
      const [, pack, offset] = location.split(':')
      if (offset === undefined) fs.rmSync(blobPath(`${root}/data`, sha256))
      else damage(packPath(`${root}/data`, Number(pack)), Number(offset))
      await assert.rejects(read(id))
    }
    assert.deepEqual([await put(1, texts[0]), await put(2, texts[1])], ids)
    for (const [index, id] of ids.entries()) assert.equal(await read(id), texts[index])
    await rebuild()
    for (const [index, id] of ids.entries()) assert.equal(await read(id), texts[index])
  })
})

function damage(path: string, at: number): void {
  const file = fs.openSync(path, 'r+')
  fs.writeSync(file, Buffer.from('damage'), 0, 6, at)
  fs.closeSync(file)
}

describe('checking packs', () => {
  it('takes no commit under way for damage, and still names damage', async () => {
    for (let n = 0; n < 10; n += 1) await put(n)
    // The file grows while it is read, as a commit makes it: the first size told is too small.
    let asked = 0
    const growing: Disk = {
      ...nodeDisk,
      open(path, mode) {
        const file = nodeDisk.open(path, mode)
        return {
          write: (bytes, at) => file.write(bytes, at),
          read: (into, at) => file.read(into, at),
          sync: () => file.sync(),
          truncate: size => file.truncate(size),
          isAt: path => file.isAt(path),
          close: () => file.close(),
          size: () => {
            asked += 1
            return asked === 1 ? 8 * 1024 + 700 : file.size()
          },
        }
      },
    }
    const { secret } = JSON.parse(fs.readFileSync(`${root}/data/holdfast.json`, 'utf8'))
    const check = (disk: Disk) => [...checkPacks(disk, `${root}/data`, Buffer.from(secret, 'hex'))]
    assert.deepEqual(check(growing), [])
    assert.ok(asked > 1)
    const bytes = fs.readFileSync(packPath(`${root}/data`, 1))
    const at = bytes.indexOf('changes/0000000000000005') + 512 + 40
    damage(packPath(`${root}/data`, 1), at)
    assert.equal(check(nodeDisk).length, 1)
  })
})
