import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import fs from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, it } from 'node:test'
import { isHoldfastError } from '@holdfast/core/errors.ts'
import { systemClock } from '@holdfast/drivers/clock/system-clock.ts'
import { openStore, type Store } from '@holdfast/drivers/open.ts'
import { cryptoRandom } from '@holdfast/drivers/random/crypto-random.ts'
import { getAssetByKey, openContent } from '@holdfast/engine/assets/get.ts'
import { listAssets } from '@holdfast/engine/assets/list.ts'
import { putAsset } from '@holdfast/engine/assets/put.ts'
import { removeAsset } from '@holdfast/engine/assets/remove.ts'
import { type Engine, ensureBuckets, openEngine, systemCall } from '@holdfast/engine/engine.ts'
import { collectGarbage } from '@holdfast/engine/integrity/collect.ts'

const MiB = 1024 * 1024
const call = systemCall('test')
const mountable = process.platform === 'linux' && process.getuid?.() === 0
const skip = mountable ? false : 'a file system of its own can only be mounted by root on Linux'

let root: string
let store: Store
let engine: Engine

/** As the server runs it: the committer in its own thread. */
async function open(reservedBytes = 32 * MiB): Promise<void> {
  store = await openStore({
    dir: `${root}/disk/data`,
    reservedBytes,
    transactionsUrl: import.meta.resolve('@holdfast/engine/transactions.ts'),
  })
  const { catalog, element } = store
  const limits = { graceMs: 0 }
  engine = openEngine({ catalog, element, clock: systemClock, random: cryptoRandom, limits })
  await ensureBuckets(engine, ['full'])
}

async function put(key: string, bytes: Uint8Array): Promise<void> {
  async function* source(): AsyncGenerator<Uint8Array> {
    yield bytes
  }
  await putAsset(engine, call, {
    bucket: 'full',
    key,
    service: 'test',
    ownerId: '0199d0c0-0000-7000-8000-000000000001',
    mode: 'replace',
    source: source(),
  })
}

async function sizeOf(key: string): Promise<number> {
  const asset = await getAssetByKey(engine, call, 'full', key)
  const { bytes, chunks } = await (await openContent(engine, call, { asset })).read()
  let size = 0
  for await (const chunk of chunks ?? [bytes]) size += chunk.length
  return size
}

const ballast = () => `${root}/disk/data/ballast`

/** Another program takes all that is left. */
function fillUp(): void {
  const file = fs.openSync(`${root}/disk/filler`, 'w')
  const block = Buffer.alloc(MiB, 1)
  for (let size = block.length; size >= 4096; size /= 2) {
    try {
      for (;;) if (fs.writeSync(file, block, 0, size) < size) break
    } catch (error) {
      assert.equal((error as NodeJS.ErrnoException).code, 'ENOSPC')
    }
  }
  fs.closeSync(file)
}

async function refusal(work: Promise<unknown>): Promise<string> {
  try {
    await work
    return 'done'
  } catch (error) {
    return isHoldfastError(error) ? error.code : String(error)
  }
}

describe('a disk that another program filled up', { skip }, () => {
  beforeEach(async () => {
    root = fs.mkdtempSync(join(tmpdir(), 'holdfast-full-'))
    fs.mkdirSync(`${root}/disk`)
    execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=256m', 'tmpfs', `${root}/disk`])
    await open()
  })
  afterEach(async () => {
    await store.close().catch(() => {})
    execFileSync('umount', [`${root}/disk`])
    fs.rmSync(root, { recursive: true })
  })

  it('still gives everything back, deletes, collects, starts again and recovers', async () => {
    for (let n = 0; n < 60; n += 1) await put(`small ${n}`, Buffer.alloc(20_000, n))
    for (let n = 0; n < 3; n += 1) await put(`large ${n}`, Buffer.alloc(10 * MiB, n))
    fillUp()
    // What is known of the free space may be a quarter of a second old.
    await new Promise(resolve => setTimeout(resolve, 300))
    assert.equal(await refusal(put('more', Buffer.alloc(100))), 'STORAGE_FULL')
    assert.equal(await refusal(put('more', Buffer.alloc(5 * MiB))), 'STORAGE_FULL')
    for (let n = 0; n < 40; n += 1) {
      const { id } = await getAssetByKey(engine, call, 'full', `small ${n}`)
      await removeAsset(engine, call, id, { hard: n % 2 === 0 })
    }
    const large = await getAssetByKey(engine, call, 'full', 'large 0')
    await removeAsset(engine, call, large.id, { hard: true })
    assert.equal(await sizeOf('large 1'), 10 * MiB)
    assert.equal((await listAssets(engine, call, { bucket: 'full' })).total, 22)

    await store.close()
    await open()
    assert.equal(fs.existsSync(ballast()), false, 'room for recovery')
    assert.equal(await sizeOf('small 59'), 20_000)
    assert.equal(await sizeOf('large 2'), 10 * MiB)
    await new Promise(resolve => setTimeout(resolve, 10))
    const { blobs } = await collectGarbage(engine, {})
    assert.ok(blobs >= 20, `${blobs} blobs were collected`)
    await store.element.reclaim?.()

    fs.rmSync(`${root}/disk/filler`)
    await new Promise(resolve => setTimeout(resolve, 300))
    await put('again', Buffer.alloc(MiB, 9))
    assert.equal(await sizeOf('again'), MiB)
    // In a quiet moment of the committer. A busy machine has few; a broken one has none at all.
    const laid = () => fs.statSync(ballast(), { throwIfNoEntry: false })?.size === 32 * MiB
    for (let n = 0; n < 600 && !laid(); n += 1) await new Promise(done => setTimeout(done, 100))
    assert.ok(laid(), 'what is held back was laid again')
  })

  it('refuses what the catalog has no room for, and never fails after the log', async () => {
    await store.close()
    // Nothing is held back: the catalog meets the full disk itself.
    await open(0)
    for (let n = 0; n < 400; n += 1) await put(`small ${n}`, Buffer.alloc(200, n))
    const ids = (await listAssets(engine, call, { bucket: 'full', limit: 1000 })).items.map(
      ({ id }) => id,
    )
    fillUp()
    // Some fit, wherever in its own log the catalog happens to be.
    const filler = `${root}/disk/filler`
    fs.truncateSync(filler, fs.statSync(filler).size - 256 * 1024)
    const seen = new Map<string, number>()
    const tell = (word: string) => seen.set(word, (seen.get(word) ?? 0) + 1)
    for (const [n, id] of ids.entries()) {
      if (n % 20 === 0) tell(await refusal(put(`late ${n}`, Buffer.alloc(100, n))))
      else tell(await refusal(removeAsset(engine, call, id, { hard: n % 2 === 0 })))
    }
    assert.deepEqual([...seen.keys()].sort(), ['STORAGE_FULL', 'done'])

    fs.rmSync(filler)
    await new Promise(resolve => setTimeout(resolve, 300))
    await put('again', Buffer.alloc(1000, 9))
    const before = (await listAssets(engine, call, { bucket: 'full' })).total
    await store.close()
    await open(0)
    assert.equal((await listAssets(engine, call, { bucket: 'full' })).total, before)
  })
})
