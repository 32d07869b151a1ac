import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { getAssetByKey, openContent } from '../assets/get.ts'
import { removeAsset } from '../assets/remove.ts'
import { putStaged, stageUpload } from '../assets/stage.ts'
import { commit } from '../commit.ts'
import { bytesOf, openTestStore, owner, put, type TestStore, textOf } from '../test-store.test.ts'
import { collectGarbage } from './collect.ts'
import { verifyStore } from './verify.ts'

const DAY_MS = 24 * 60 * 60 * 1000

async function putAndRemove(opened: TestStore, key: string, body: string): Promise<string> {
  const { asset } = await put(opened, key, body)
  await removeAsset(opened.engine, opened.call, asset.id, { hard: true })
  return asset.sha256
}

const nothing = { blobs: 0, bytes: 0, uploads: 0, stopped: null }

describe('garbage collection', () => {
  it('frees what nothing refers to, after the grace period and not before', async () => {
    await using opened = await openTestStore({ limits: { packedBlobBytesMax: 1000 } })
    const { engine, clock } = opened
    const small = await putAndRemove(opened, 'small', 'x')
    const large = await putAndRemove(opened, 'large', 'y'.repeat(1_000_000))
    await put(opened, 'kept', 'z')
    await clock.advance(DAY_MS)
    assert.deepEqual(await collectGarbage(engine), nothing)
    await clock.advance(1)
    assert.deepEqual(await collectGarbage(engine), {
      blobs: 2,
      bytes: 1_000_001,
      uploads: 0,
      stopped: null,
    })
    const { blobs } = engine.catalog.view
    assert.equal(await blobs.get(small), undefined)
    assert.equal(await blobs.get(large), undefined)
    assert.equal((await blobs.totals()).blobs, 1)
    const report = await verifyStore(engine)
    assert.deepEqual([report.missing, report.damaged], [[], []])
  })

  it('keeps a blob that came back to life before it ran, or while it ran', async () => {
    await using opened = await openTestStore()
    const { engine, call, clock } = opened
    const sha256 = await putAndRemove(opened, 'a', 'same')
    await clock.advance(DAY_MS + 1)
    const before = new Date(clock.now() - DAY_MS).toISOString()
    const dead = await engine.catalog.view.blobs.dead({ before, limit: 10 })
    assert.deepEqual(
      dead.map(blob => blob.sha256),
      [sha256],
    )
    await put(opened, 'b', 'same')
    const args = { sha256s: [sha256], before }
    assert.deepEqual(await commit(engine, call, { name: 'blobs.collect', args }), [])
    assert.deepEqual(await collectGarbage(engine), nothing)
    const asset = await getAssetByKey(engine, call, 'photos', 'b')
    const content = await openContent(engine, call, { asset })
    assert.equal(await textOf(await content.read()), 'same')
  })

  it('begins the grace period anew with every death', async () => {
    await using opened = await openTestStore()
    const { engine, clock } = opened
    await putAndRemove(opened, 'a', 'same')
    await clock.advance(DAY_MS - 1)
    await putAndRemove(opened, 'b', 'same')
    await clock.advance(2)
    assert.deepEqual(await collectGarbage(engine), nothing)
    await clock.advance(DAY_MS)
    assert.equal((await collectGarbage(engine)).blobs, 1)
  })

  it('asks again how long a blob has been dead', async () => {
    await using opened = await openTestStore()
    const { engine, call, clock } = opened
    const sha256 = await putAndRemove(opened, 'a', 'same')
    await clock.advance(1000)
    const before = new Date(clock.now()).toISOString()
    await clock.advance(1000)
    await putAndRemove(opened, 'b', 'same')
    const work = { name: 'blobs.collect', args: { sha256s: [sha256], before } } as const
    assert.deepEqual(await commit(engine, call, work), [])
    assert.ok(await engine.catalog.view.blobs.get(sha256))
  })

  it('takes no more than its limit in one run', async () => {
    await using opened = await openTestStore()
    const { engine, clock } = opened
    for (let i = 0; i < 5; i += 1) await putAndRemove(opened, `k${i}`, `${i}`)
    await clock.advance(DAY_MS + 1)
    assert.equal((await collectGarbage(engine, { limit: 3 })).blobs, 3)
    assert.equal((await collectGarbage(engine, { limit: 3 })).blobs, 2)
  })

  it('does nothing while the wall clock is not to be trusted', async () => {
    await using opened = await openTestStore()
    const { engine, clock } = opened
    await putAndRemove(opened, 'a', 'x')
    clock.jump(400 * DAY_MS)
    assert.match((await collectGarbage(engine)).stopped ?? '', /jumped forward/)
    clock.jump(-400 * DAY_MS)
    await clock.advance(DAY_MS + 1)
    clock.jump(-DAY_MS)
    assert.match((await collectGarbage(engine)).stopped ?? '', /jumped back/)
    clock.jump(DAY_MS)
    assert.equal((await collectGarbage(engine)).blobs, 1)
  })

  it('never takes a blob from under concurrent puts of the same content', async () => {
    await using opened = await openTestStore({ limits: { graceMs: 0, packedBlobBytesMax: 100 } })
    const { engine, call, clock } = opened
    const bodies = ['small', 'large '.repeat(50_000)]
    for (let round = 0; round < 20; round += 1) {
      for (const body of bodies) await putAndRemove(opened, `dead-${body.length}`, body)
      await clock.advance(1)
      await Promise.all([
        collectGarbage(engine),
        ...bodies.map(body => put(opened, `k-${round}-${body.length}`, body)),
        collectGarbage(engine),
      ])
      for (const body of bodies) {
        const key = `k-${round}-${body.length}`
        const asset = await getAssetByKey(engine, call, 'photos', key)
        const content = await openContent(engine, call, { asset })
        assert.equal(await textOf(await content.read()), body)
        await removeAsset(engine, call, asset.id, { hard: true })
      }
    }
  })
})

describe('garbage collection where bytes cannot be staged', () => {
  it('removes the bytes too', async () => {
    await using opened = await openTestStore({ memory: true })
    const { engine, clock } = opened
    const { asset } = await put(opened, 'a', 'x')
    const blob = await engine.catalog.view.blobs.get(asset.sha256)
    assert.ok(blob && (await engine.element.stat(blob.location)))
    await removeAsset(engine, opened.call, asset.id, { hard: true })
    await clock.advance(DAY_MS + 1)
    assert.equal((await collectGarbage(engine)).blobs, 1)
    assert.equal(await engine.element.stat(blob.location), undefined)
  })

  it('waits for uploads under way, which may refer to the dead', async () => {
    await using opened = await openTestStore({ memory: true })
    const { engine, call, clock } = opened
    await putAndRemove(opened, 'a', 'same')
    await clock.advance(DAY_MS + 1)
    const upload = await stageUpload(engine, call, bytesOf('same'))
    assert.equal((await collectGarbage(engine)).stopped, 'uploads are under way')
    const fields = { bucket: 'photos', service: 's', ownerId: owner, mode: 'create' } as const
    const { asset } = await putStaged(engine, call, upload, { ...fields, key: 'b' })
    await upload.discard()
    assert.deepEqual(await collectGarbage(engine), nothing)
    const content = await openContent(engine, call, { asset })
    assert.equal(await textOf(await content.read()), 'same')
  })

  it('is not held up by an upload that failed', async () => {
    await using opened = await openTestStore({ memory: true })
    const { engine, clock } = opened
    await putAndRemove(opened, 'a', 'x')
    await clock.advance(DAY_MS + 1)
    await assert.rejects(put(opened, 'b', 'xx', { sizeMax: 1 }))
    await assert.rejects(put(opened, 'c', 'x', { contentType: 'image/png' }))
    assert.equal((await collectGarbage(engine)).blobs, 1)
  })
})
