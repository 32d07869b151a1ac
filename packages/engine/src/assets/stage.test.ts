import assert from 'node:assert/strict'
import { readdir } from 'node:fs/promises'
import { describe, it } from 'node:test'
import { updateBucket } from '../buckets/buckets.ts'
import { setQuota } from '../quotas/quotas.ts'
import {
  anonymousCall,
  bytesOf,
  callOf,
  openTestStore,
  owner,
  put,
  refused,
  type TestStore,
  textOf,
} from '../test-store.test.ts'
import { getAssetByKey, openContent } from './get.ts'
import type { PutFields } from './intake/put-fields.ts'
import type { Upload } from './intake/upload.ts'
import { type BatchResult, putBatch, putStaged, stageUpload } from './stage.ts'

const fields: Omit<PutFields, 'key'> = {
  bucket: 'photos',
  service: 'test',
  ownerId: owner,
  mode: 'create',
}

function stage({ engine, call }: TestStore, body: string): Promise<Upload> {
  return stageUpload(engine, call, bytesOf(body))
}

async function items(opened: TestStore, bodies: Record<string, string>) {
  const pairs = Object.entries(bodies)
  return Promise.all(
    pairs.map(async ([key, body]) => ({
      upload: await stage(opened, body),
      input: { ...fields, key },
    })),
  )
}

const codes = (results: readonly BatchResult[]) =>
  results.map(one => (one.ok ? one.result.outcome : one.error.code))

describe('bytes before fields', () => {
  it('become an asset like any other', async () => {
    await using opened = await openTestStore({ limits: { packedBlobBytesMax: 10 } })
    const { engine, call } = opened
    for (const body of ['short', 'longer than what a pack takes'.repeat(20_000)]) {
      const upload = await stage(opened, body)
      assert.equal(upload.facts.size, body.length)
      const input = { ...fields, key: `k${body.length}` }
      const { asset } = await putStaged(engine, call, upload, input)
      await upload.discard()
      await upload.discard()
      const content = await openContent(engine, call, { asset })
      assert.equal(await textOf(await content.read()), body)
    }
  })

  it('leave nothing when they are discarded', async () => {
    await using opened = await openTestStore()
    const upload = await stage(opened, 'x'.repeat(2_000_000))
    const temp = `${opened.dir}/data/tmp`
    assert.ok((await readdir(temp)).length > 0, 'the large body lies in a temp file')
    await upload.discard()
    assert.deepEqual(await readdir(temp), [])
    assert.equal((await opened.engine.catalog.view.blobs.totals()).blobs, 0)
  })

  it('are not taken from the anonymous', async () => {
    await using opened = await openTestStore()
    const wrong = stageUpload(opened.engine, anonymousCall, bytesOf('x'))
    await assert.rejects(wrong, refused('UNAUTHENTICATED'))
  })

  it('are refused at the end, if the caller may not put there', async () => {
    await using opened = await openTestStore()
    const reader = callOf({ permissions: ['assets:read'] })
    const upload = await stageUpload(opened.engine, reader, bytesOf('x'))
    const wrong = putStaged(opened.engine, reader, upload, { ...fields, key: 'k' })
    await assert.rejects(wrong, refused('FORBIDDEN'))
    await upload.discard()
  })

  it('are held to the rules of the bucket they end in', async () => {
    await using opened = await openTestStore()
    const { engine, call } = opened
    await updateBucket(engine, call, 'photos', { assetBytesMax: 3 })
    const upload = await stage(opened, 'four')
    const wrong = putStaged(engine, call, upload, { ...fields, key: 'k' })
    await assert.rejects(wrong, refused('BODY_TOO_LARGE', { limit: 3, size: 4 }))
    await upload.discard()
  })

  it('can be used again after a refusal', async () => {
    await using opened = await openTestStore({ thread: true })
    const { engine, call } = opened
    await put(opened, 'taken', 'x')
    for (const body of ['small', 'large'.repeat(200_000)]) {
      const upload = await stage(opened, body)
      const target = { scope: 'bucket', name: 'photos' } as const
      await setQuota(engine, call, target, { bytesMax: 2 })
      const input = { ...fields, key: body.slice(0, 5) }
      await assert.rejects(putStaged(engine, call, upload, input), refused('QUOTA_EXCEEDED'))
      await setQuota(engine, call, target, {})
      const { asset } = await putStaged(engine, call, upload, input)
      await upload.discard()
      const content = await openContent(engine, call, { asset })
      assert.equal(await textOf(await content.read()), body)
    }
  })
})

describe('an atomic batch', () => {
  it('is stored whole, in one transaction', async () => {
    await using opened = await openTestStore({ thread: true })
    const { engine, call } = opened
    const batch = await items(opened, { a: '1', b: '2', c: '1', d: 'x'.repeat(300_000) })
    const results = await putBatch(engine, call, batch, { atomic: true })
    assert.deepEqual(codes(results), ['created', 'created', 'created', 'created'])
    for (const { upload } of batch) await upload.discard()
    for (const key of ['a', 'b', 'c', 'd']) {
      const asset = await getAssetByKey(engine, call, 'photos', key)
      const content = await openContent(engine, call, { asset })
      assert.equal((await textOf(await content.read())).length, asset.size)
    }
    assert.equal((await engine.catalog.view.blobs.totals()).blobs, 3)
  })

  it('leaves nothing when one item is refused, and says which', async () => {
    await using opened = await openTestStore({ thread: true })
    const { engine, call } = opened
    await setQuota(engine, call, { scope: 'bucket', name: 'photos' }, { assetsMax: 2 })
    await put(opened, 'taken', 'x')
    const latest = await engine.catalog.view.changes.latest()
    const blobs = (await engine.catalog.view.blobs.totals()).blobs
    const full = await items(opened, { a: '1', b: '2', c: '3' })
    const atomic = { atomic: true }
    const quota = refused('QUOTA_EXCEEDED', { item: 1 })
    await assert.rejects(putBatch(engine, call, full, atomic), quota)
    const taken = await items(opened, { a: '1', taken: '2' })
    const exists = refused('ASSET_EXISTS', { item: 1 })
    await assert.rejects(putBatch(engine, call, taken, atomic), exists)
    const [good] = await items(opened, { a: '1' })
    const bad = { upload: good!.upload, input: { ...fields, key: 'b', service: '' } }
    const invalid = refused('VALIDATION_ERROR', { item: 1 })
    await assert.rejects(putBatch(engine, call, [good!, bad], atomic), invalid)
    assert.equal(await engine.catalog.view.changes.latest(), latest)
    assert.equal((await engine.catalog.view.blobs.totals()).blobs, blobs)
    const absent = getAssetByKey(engine, call, 'photos', 'a')
    await assert.rejects(absent, refused('ASSET_NOT_FOUND'))
  })

  it('cannot name one key twice', async () => {
    await using opened = await openTestStore()
    const { engine, call } = opened
    const [one] = await items(opened, { a: '1' })
    const twice = putBatch(engine, call, [one!, one!], { atomic: true })
    await assert.rejects(twice, refused('VALIDATION_ERROR'))
  })

  it('of nothing is nothing', async () => {
    await using opened = await openTestStore()
    assert.deepEqual(await putBatch(opened.engine, opened.call, [], { atomic: true }), [])
  })

  it('and the other kind have a bound', async () => {
    await using opened = await openTestStore({ limits: { batchItemsMax: 1 } })
    const two = await items(opened, { a: '1', b: '2' })
    for (const atomic of [true, false]) {
      const many = putBatch(opened.engine, opened.call, two, { atomic })
      await assert.rejects(many, refused('TOO_MANY_ITEMS', { limit: 1 }))
    }
  })
})

describe('a batch that is not atomic', () => {
  it('stores what it can and answers for each', async () => {
    await using opened = await openTestStore({ thread: true })
    const { engine, call } = opened
    await put(opened, 'taken', 'x')
    const batch = await items(opened, { a: '1', taken: '2', c: '3' })
    const results = await putBatch(engine, call, batch, { atomic: false })
    assert.deepEqual(codes(results), ['created', 'ASSET_EXISTS', 'created'])
  })
})

describe('an element that cannot stage', () => {
  it('takes puts, types and refusals alike', async () => {
    await using opened = await openTestStore({ memory: true })
    const { engine, call } = opened
    const png = `\x89PNG\r\n\x1a\n${'.'.repeat(5000)}`
    const upload = await stageUpload(engine, call, bytesOf(Buffer.from(png, 'latin1')))
    assert.equal(upload.head.length, 4100)
    const { asset } = await putStaged(engine, call, upload, { ...fields, key: 'k' })
    await upload.discard()
    assert.equal(asset.contentType, 'image/png')
    const content = await openContent(engine, call, { asset })
    assert.equal((await content.read()).size, png.length)
    await assert.rejects(put(opened, 'k', 'x', { mode: 'create' }), refused('ASSET_EXISTS'))
    await assert.rejects(
      put(opened, 'new', 'x', { expected: { sha256: asset.sha256 } }),
      refused('DIGEST_MISMATCH'),
    )
  })
})
