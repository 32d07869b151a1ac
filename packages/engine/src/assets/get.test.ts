import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { updateBucket } from '../buckets/buckets.ts'
import { anonymousCall, callOf, openTestStore, put, refused, textOf } from '../test-store.test.ts'
import { removeVersion } from '../versions/remove.ts'
import { getAsset, getAssetByKey, openContent } from './get.ts'

const absent = '0199d0c0-0000-7000-8000-0000000000ff'

describe('content', () => {
  it('is read whole or in part, packed or not', async () => {
    await using opened = await openTestStore({ limits: { packedBlobBytesMax: 1000 } })
    const { engine, call } = opened
    for (const size of [10, 1_000_000]) {
      const body = 'abcdefghij'.repeat(size / 10)
      const { asset } = await put(opened, `k${size}`, body)
      const content = await openContent(engine, call, { asset })
      assert.equal(content.size, size)
      assert.equal(await textOf(await content.read()), body)
      for (const [first, last] of [
        [0, 0],
        [3, 5],
        [size - 1, size - 1],
        [0, size - 1],
      ] as const) {
        const part = await content.read({ first, last })
        assert.equal(part.size, last - first + 1)
        assert.equal(await textOf(part), body.slice(first, last + 1))
      }
    }
  })

  it('has no bytes outside its range', async () => {
    await using opened = await openTestStore()
    const { engine, call } = opened
    const { asset } = await put(opened, 'k', '0123456789')
    const content = await openContent(engine, call, { asset })
    for (const [first, last] of [
      [0, 10],
      [10, 10],
      [-1, 3],
      [5, 4],
      [0.5, 3],
      [0, Number.NaN],
      [0, 2 ** 60],
    ] as const) {
      const wrong = content.read({ first, last })
      await assert.rejects(wrong, refused('RANGE_NOT_SATISFIABLE', { size: 10 }))
    }
  })

  it('tells what is shown, and what a version was', async () => {
    await using opened = await openTestStore()
    const { engine, call, clock } = opened
    const first = await put(opened, 'k', 'one', { contentType: 'text/csv' })
    await clock.advance(5000)
    const second = await put(opened, 'k', 'three', { contentType: 'text/plain' })
    const { asset } = second
    const now = await openContent(engine, call, { asset })
    assert.deepEqual(
      [now.number, now.size, now.contentType, now.modifiedAt, now.version, now.versionId],
      [2, 5, 'text/plain', '2026-01-01T00:00:05.000Z', null, second.version.id],
    )
    const then = await openContent(engine, call, { asset, version: first.version })
    assert.deepEqual(
      [then.number, then.size, then.contentType, then.modifiedAt, then.sha256],
      [1, 3, 'text/csv', '2026-01-01T00:00:00.000Z', first.asset.sha256],
    )
  })

  it('of other assets, deleted versions and markers is not to be had', async () => {
    await using opened = await openTestStore()
    const { engine, call } = opened
    const first = await put(opened, 'k', 'one')
    const { asset } = await put(opened, 'k', 'two')
    const other = await put(opened, 'other', 'x')
    const missing = refused('VERSION_NOT_FOUND')
    const foreign = openContent(engine, call, { asset, version: other.version })
    await assert.rejects(foreign, missing)
    await removeVersion(engine, call, { assetId: asset.id, version: 1 })
    const version = await engine.catalog.view.versions.byId(first.version.id)
    await assert.rejects(openContent(engine, call, { asset, version }), missing)
  })

  it('is refused when the asset in hand may not be read any more', async () => {
    await using opened = await openTestStore()
    const { engine } = opened
    const { asset } = await put(opened, 'k', 'one')
    const confined = callOf({ permissions: ['assets:*'], buckets: ['other'] })
    await assert.rejects(openContent(engine, confined, { asset }), refused('ASSET_NOT_FOUND'))
    const anonymous = openContent(engine, anonymousCall, { asset })
    await assert.rejects(anonymous, refused('UNAUTHENTICATED'))
  })
})

describe('looking an asset up', () => {
  it('answers the same for what is missing and what is hidden', async () => {
    await using opened = await openTestStore()
    const { engine } = opened
    const { asset } = await put(opened, 'k', 'one', { acl: { read: ['x'], write: [] } })
    for (const [call, code] of [
      [anonymousCall, 'UNAUTHENTICATED'],
      [callOf({}), 'FORBIDDEN'],
      [callOf({ permissions: ['assets:read'] }), 'ASSET_NOT_FOUND'],
      [callOf({ permissions: ['assets:*'], buckets: [] }), 'ASSET_NOT_FOUND'],
    ] as const) {
      for (const id of [asset.id, absent, 'no id at all']) {
        await assert.rejects(getAsset(engine, call, id), refused(code), `${code} ${id}`)
      }
    }
    assert.equal((await getAsset(engine, callOf({ id: 'x' }), asset.id)).id, asset.id)
  })

  it('by key needs the bucket and the asset', async () => {
    await using opened = await openTestStore()
    const { engine, call } = opened
    await put(opened, 'k', 'one')
    await put(opened, 'guarded', 'x', { acl: { read: [], write: [] } })
    const bucket = getAssetByKey(engine, call, 'absent', 'k')
    await assert.rejects(bucket, refused('BUCKET_NOT_FOUND', { bucket: 'absent' }))
    await assert.rejects(getAssetByKey(engine, call, 'photos', 'x'), refused('ASSET_NOT_FOUND'))
    const reader = callOf({ permissions: ['assets:read'] })
    for (const key of ['guarded', 'absent']) {
      const hidden = getAssetByKey(engine, reader, 'photos', key)
      await assert.rejects(hidden, refused('ASSET_NOT_FOUND'))
    }
  })

  it('is open to all in a public bucket, but for guarded assets', async () => {
    await using opened = await openTestStore()
    const { engine, call } = opened
    const { asset } = await put(opened, 'k', 'one')
    const guarded = await put(opened, 'g', 'x', { acl: { read: ['x'], write: [] } })
    await updateBucket(engine, call, 'photos', { publicRead: true })
    assert.equal((await getAsset(engine, anonymousCall, asset.id)).id, asset.id)
    assert.equal((await getAssetByKey(engine, anonymousCall, 'photos', 'k')).id, asset.id)
    const hidden = getAsset(engine, anonymousCall, guarded.asset.id)
    await assert.rejects(hidden, refused('UNAUTHENTICATED'))
    await updateBucket(engine, call, 'photos', { publicRead: false })
    await assert.rejects(getAsset(engine, anonymousCall, asset.id), refused('UNAUTHENTICATED'))
  })
})
