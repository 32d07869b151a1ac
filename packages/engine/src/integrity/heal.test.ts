import assert from 'node:assert/strict'
import {
  closeSync,
  cpSync,
  mkdirSync,
  openSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeSync,
} from 'node:fs'
import { dirname } from 'node:path'
import { describe, it } from 'node:test'
import { getAssetByKey, openContent } from '../assets/get.ts'
import { openTestStore, put, refused, type TestStore, textOf } from '../test-store.test.ts'
import { verifyStore } from './verify.ts'

const large = 'large '.repeat(100_000)
const limits = { packedBlobBytesMax: 256 * 1024 }

const fileOf = ({ dir }: TestStore, sha256: string) =>
  `${dir}/data/blobs/${sha256.slice(0, 2)}/${sha256}`
const pack = ({ dir }: TestStore) => `${dir}/data/packs/0000000001.tar`

function flipBit(path: string, at: number): void {
  const byte = (readFileSync(path)[at] ?? 0) ^ 1
  const file = openSync(path, 'r+')
  writeSync(file, Buffer.from([byte]), 0, 1, at)
  closeSync(file)
}

async function read({ engine, call }: TestStore, key: string): Promise<string> {
  const asset = await getAssetByKey(engine, call, 'photos', key)
  return await textOf(await (await openContent(engine, call, { asset })).read())
}

const known = (opened: TestStore) => [...(opened.engine.element.repair?.known.keys() ?? [])]
const sha256s = (list: readonly { sha256: string }[]) => list.map(({ sha256 }) => sha256)

describe('a damaged blob', () => {
  it('known in a file is refused before its first byte; its whole blocks can be had', async () => {
    await using opened = await openTestStore({ limits })
    const { asset } = await put(opened, 'a', large.repeat(5))
    flipBit(fileOf(opened, asset.sha256), 2_500_000)
    await assert.rejects(read(opened, 'a'), refused('BLOB_DAMAGED'))
    assert.deepEqual(known(opened), [asset.sha256])
    const blob = await opened.engine.catalog.view.blobs.get(asset.sha256)
    assert.ok(blob)
    await assert.rejects(opened.engine.element.read(blob), refused('BLOB_DAMAGED'))
    const range = await opened.engine.element.read(blob, { first: 0, last: 5 })
    assert.equal(await textOf(range), 'large ')
    assert.match((await opened.engine.element.probe()).reason, /^1 damaged or missing blob/)
  })

  it('is remembered over a restart, as is its end', async () => {
    let opened = await openTestStore({ limits })
    try {
      const { asset } = await put(opened, 'a', large)
      flipBit(fileOf(opened, asset.sha256), 500_000)
      await assert.rejects(read(opened, 'a'), refused('BLOB_DAMAGED'))
      opened = await opened.reopen()
      assert.deepEqual(known(opened), [asset.sha256])
      assert.equal((await opened.engine.element.probe()).state, 'degraded')
      // The device came to its senses.
      flipBit(fileOf(opened, asset.sha256), 500_000)
      assert.deepEqual((await verifyStore(opened.engine)).damaged, [])
      opened = await opened.reopen()
      assert.deepEqual(known(opened), [])
      assert.equal((await opened.engine.element.probe()).state, 'up')
    } finally {
      await opened[Symbol.asyncDispose]()
    }
  })

  it('in a file is healed by a put of the same content, noticed before or not', async () => {
    for (const noticed of [true, false]) {
      await using opened = await openTestStore({ limits })
      const { asset } = await put(opened, 'a', large)
      flipBit(fileOf(opened, asset.sha256), 500_000)
      if (noticed) await assert.rejects(read(opened, 'a'), refused('BLOB_DAMAGED'))
      await put(opened, 'b', large)
      assert.equal(await read(opened, 'a'), large)
      assert.deepEqual(known(opened), [])
      const aside = readdirSync(`${opened.dir}/data/quarantine`)
      assert.deepEqual(aside, [`${asset.sha256}.0`])
      assert.deepEqual((await verifyStore(opened.engine)).damaged, [])
    }
  })

  it('in a pack is set aside and healed by a put of the same content', async () => {
    await using opened = await openTestStore({ limits })
    const { asset } = await put(opened, 'a', 'needle in a pack')
    flipBit(pack(opened), readFileSync(pack(opened)).indexOf('needle in a pack'))
    await assert.rejects(read(opened, 'a'), refused('BLOB_DAMAGED'))
    const aside = `${opened.dir}/data/quarantine/${asset.sha256}.0`
    assert.equal(readFileSync(aside, 'utf8'), 'oeedle in a pack')
    await put(opened, 'a', 'needle in a pack')
    assert.equal(await read(opened, 'a'), 'needle in a pack')
    assert.deepEqual(known(opened), [])
  })

  it('is found by verification behind the cache, and healed from it', async () => {
    await using opened = await openTestStore({ limits })
    const { asset } = await put(opened, 'a', 'needle in a pack')
    assert.equal(await read(opened, 'a'), 'needle in a pack')
    flipBit(pack(opened), readFileSync(pack(opened)).indexOf('needle in a pack'))
    const report = await verifyStore(opened.engine)
    assert.deepEqual([sha256s(report.damaged), sha256s(report.healed)], [[], [asset.sha256]])
    const again = await opened.reopen('rebuild')
    assert.equal(await read(again, 'a'), 'needle in a pack')
    await again.store.close()
  })

  it('is healed by verification from another copy on the disk', async () => {
    await using opened = await openTestStore({ limits })
    const { asset } = await put(opened, 'a', 'needle in a pack')
    const at = readFileSync(pack(opened)).indexOf('needle in a pack')
    const copy = fileOf(opened, asset.sha256)
    mkdirSync(dirname(copy), { recursive: true })
    cpSync(pack(opened), copy)
    // A copy of the wrong bytes heals nothing.
    flipBit(pack(opened), at)
    assert.deepEqual(sha256s((await verifyStore(opened.engine)).damaged), [asset.sha256])
    rmSync(copy)
    const file = openSync(copy, 'w')
    writeSync(file, 'needle in a pack')
    closeSync(file)
    const report = await verifyStore(opened.engine)
    assert.deepEqual(sha256s(report.healed), [asset.sha256])
    assert.equal(await read(opened, 'a'), 'needle in a pack')
  })

  it('that was collected or removed is no damage', async () => {
    await using opened = await openTestStore({ limits })
    const { asset } = await put(opened, 'a', large)
    const blob = await opened.engine.catalog.view.blobs.get(asset.sha256)
    assert.ok(blob)
    await opened.engine.element.remove(blob.location).catch(() => {})
    const missing = { ...blob, sha256: 'ab'.repeat(32), location: `file:${'ab'.repeat(32)}` }
    await assert.rejects(opened.engine.element.read(missing), refused('BLOB_MISSING'))
    assert.deepEqual(known(opened), [])
  })
})
