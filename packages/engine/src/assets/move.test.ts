import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { createBucket, updateBucket } from '../buckets/buckets.ts'
import { setQuota } from '../quotas/quotas.ts'
import { callOf, openTestStore, owner, put, refused, textOf } from '../test-store.test.ts'
import { assetHistory, listVersions } from '../versions/list.ts'
import { getAsset, getAssetByKey, openContent } from './get.ts'
import { addLink, listLinks } from './links.ts'
import { copyAsset, moveAsset } from './move.ts'
import { removeAsset } from './remove.ts'

const other = '0199d0c0-0000-7000-8000-00000000000f'

async function openTwo() {
  const opened = await openTestStore({ thread: true })
  await createBucket(opened.engine, opened.call, { name: 'archive' })
  return opened
}

describe('moving', () => {
  it('keeps id, versions and links, and is told as it happened', async () => {
    await using opened = await openTwo()
    const { engine, call } = opened
    await put(opened, 'k', 'one')
    const { asset } = await put(opened, 'k', 'two')
    const friend = await put(opened, 'f', 'x')
    await addLink(engine, call, asset.id, { type: 'a', to: friend.asset.id })
    const target = { bucket: 'archive', key: 'moved/k2', name: 'k2' }
    const moved = await moveAsset(engine, call, asset.id, target)
    assert.equal(moved.id, asset.id)
    assert.deepEqual([moved.key, moved.name, moved.versionNumber], ['moved/k2', 'k2', 2])
    const gone = getAssetByKey(engine, call, 'photos', 'k')
    await assert.rejects(gone, refused('ASSET_NOT_FOUND'))
    assert.deepEqual(await getAssetByKey(engine, call, 'archive', 'moved/k2'), moved)
    assert.equal((await listVersions(engine, call, asset.id)).total, 2)
    assert.equal((await listLinks(engine, call, friend.asset.id)).total, 1)
    const [change] = (await assetHistory(engine, call, asset.id)).items
    assert.equal(change?.what, 'asset.moved')
    assert.deepEqual(change?.detail, {
      was: { bucket: 'photos', key: 'k', name: 'k' },
      is: { bucket: 'archive', key: 'moved/k2', name: 'k2' },
    })
  })

  it('takes the usage of all versions along', async () => {
    await using opened = await openTwo()
    const { engine, call } = opened
    await put(opened, 'k', 'one')
    const { asset } = await put(opened, 'k', 'three')
    const { quotas } = engine.catalog.view
    await setQuota(engine, call, { scope: 'bucket', name: 'archive' }, { bytesMax: 7 })
    const move = () => moveAsset(engine, call, asset.id, { bucket: 'archive' })
    await assert.rejects(move(), refused('QUOTA_EXCEEDED', { bucket: 'archive', limit: 7 }))
    await setQuota(engine, call, { scope: 'bucket', name: 'archive' }, { bytesMax: 8 })
    await move()
    assert.deepEqual(await quotas.usage('bucket', 'photos'), { assets: 0, bytes: 0 })
    assert.deepEqual(await quotas.usage('bucket', 'archive'), { assets: 1, bytes: 8 })
    assert.deepEqual(await quotas.usage('owner', owner), { assets: 1, bytes: 8 })
  })

  it('to a taken key is refused, whoever holds it', async () => {
    await using opened = await openTwo()
    const { engine, call } = opened
    const { asset } = await put(opened, 'a', '1')
    const taken = await put(opened, 'b', '2')
    const onto = () => moveAsset(engine, call, asset.id, { key: 'b' })
    const named = refused('ASSET_EXISTS', { existing_asset_id: taken.asset.id })
    await assert.rejects(onto(), named)
    await removeAsset(engine, call, taken.asset.id)
    await assert.rejects(onto(), refused('ASSET_EXISTS'))
    await removeAsset(engine, call, taken.asset.id, { hard: true })
    await onto()
  })

  it('lets one of many win a key', async () => {
    await using opened = await openTwo()
    const { engine, call } = opened
    const puts = await Promise.all(['a', 'b', 'c', 'd'].map(key => put(opened, key, key)))
    const moves = puts.map(({ asset }) => moveAsset(engine, call, asset.id, { key: 'target' }))
    const settled = await Promise.allSettled(moves)
    const codes = settled.map(one => (one.status === 'fulfilled' ? 'ok' : one.reason.code))
    assert.deepEqual(codes.sort(), ['ASSET_EXISTS', 'ASSET_EXISTS', 'ASSET_EXISTS', 'ok'])
  })

  it('to where it is changes nothing', async () => {
    await using opened = await openTwo()
    const { engine, call } = opened
    const { asset } = await put(opened, 'k', '1')
    assert.deepEqual(await moveAsset(engine, call, asset.id, {}), asset)
    const same = { bucket: 'photos', key: 'k', name: 'k' }
    assert.deepEqual(await moveAsset(engine, call, asset.id, same), asset)
  })

  it('obeys If-Match, field rules and the rules of the target', async () => {
    await using opened = await openTwo()
    const { engine, call } = opened
    const { asset } = await put(opened, 'k', 'one', { contentType: 'text/plain' })
    const move = (input: Parameters<typeof moveAsset>[3]) =>
      moveAsset(engine, call, asset.id, input)
    const stale = move({ key: 'x', ifMatch: ['0'.repeat(64)] })
    await assert.rejects(stale, refused('PRECONDITION_FAILED'))
    await assert.rejects(move({ key: '', name: '\n' }), refused('VALIDATION_ERROR'))
    await assert.rejects(move({ bucket: 'absent' }), refused('BUCKET_NOT_FOUND'))
    await updateBucket(engine, call, 'archive', { contentTypes: ['image/*'] })
    await assert.rejects(move({ bucket: 'archive' }), refused('CONTENT_TYPE_REFUSED'))
    await updateBucket(engine, call, 'archive', { contentTypes: [], assetBytesMax: 2 })
    await assert.rejects(move({ bucket: 'archive' }), refused('BODY_TOO_LARGE'))
  })

  it('takes older versions only to where they would be taken too', async () => {
    await using opened = await openTwo()
    const { engine, call } = opened
    const { asset } = await put(opened, 'k', 'long', { contentType: 'text/csv' })
    await put(opened, 'k', 'new', { contentType: 'text/plain' })
    const move = () => moveAsset(engine, call, asset.id, { bucket: 'archive' })
    await updateBucket(engine, call, 'archive', { assetBytesMax: 3 })
    await assert.rejects(move(), refused('BODY_TOO_LARGE', { size: 4 }))
    const contentTypes = ['text/plain']
    await updateBucket(engine, call, 'archive', { assetBytesMax: 4, contentTypes })
    const csv = refused('CONTENT_TYPE_REFUSED', { content_type: 'text/csv' })
    await assert.rejects(move(), csv)
    await updateBucket(engine, call, 'archive', { contentTypes: [] })
    await move()
  })

  it('that a quota refuses tells the service too', async () => {
    await using opened = await openTwo()
    const { engine, call } = opened
    const { asset } = await put(opened, 'k', 'long')
    await setQuota(engine, call, { scope: 'bucket', name: 'archive' }, { bytesMax: 3 })
    const details = { scope: 'bucket', bucket: 'archive', service: 'test', limit: 3 }
    const move = moveAsset(engine, call, asset.id, { bucket: 'archive' })
    await assert.rejects(move, refused('QUOTA_EXCEEDED', { ...details, current_usage: 0 }))
  })

  it('needs the right to write at both ends', async () => {
    await using opened = await openTwo()
    const { engine } = opened
    const { asset } = await put(opened, 'k', 'one')
    const here = callOf({ permissions: ['assets:*'], buckets: ['photos'] })
    const there = callOf({ permissions: ['assets:*'], buckets: ['archive'] })
    const target = { bucket: 'archive' }
    await assert.rejects(moveAsset(engine, here, asset.id, target), refused('BUCKET_NOT_FOUND'))
    await assert.rejects(moveAsset(engine, there, asset.id, target), refused('ASSET_NOT_FOUND'))
  })
})

describe('copying', () => {
  it('makes a new asset of the same bytes with a history of its own', async () => {
    await using opened = await openTwo()
    const { engine, call } = opened
    await put(opened, 'k', 'one')
    const fields = { contentType: 'text/csv', tags: ['t'], metadata: { a: 1 } }
    const { asset } = await put(opened, 'k', 'two', fields)
    const input = { bucket: 'archive', key: 'copy', ownerId: other, service: 'else' }
    const copy = await copyAsset(engine, call, asset.id, input)
    assert.notEqual(copy.id, asset.id)
    assert.deepEqual([copy.key, copy.ownerId, copy.service], ['copy', other, 'else'])
    assert.deepEqual([copy.versionNumber, copy.lastNumber], [1, 1])
    assert.ok(copy.createdSeq > asset.createdSeq)
    for (const same of ['name', 'sha256', 'contentType', 'tags', 'metadata', 'type'] as const) {
      assert.deepEqual(copy[same], asset[same], same)
    }
    assert.equal((await engine.catalog.view.blobs.get(asset.sha256))?.references, 2)
    assert.equal((await engine.catalog.view.blobs.totals()).blobs, 2)
    await removeAsset(engine, call, asset.id, { hard: true })
    const content = await openContent(engine, call, {
      asset: await getAsset(engine, call, copy.id),
    })
    assert.equal(await textOf(await content.read()), 'two')
    const { items } = await listVersions(engine, call, copy.id)
    assert.deepEqual(
      items.map(one => one.change),
      ['copy'],
    )
  })

  it('without a key makes a default one', async () => {
    await using opened = await openTwo()
    const { asset } = await put(opened, 'a/b.txt', 'one')
    const copy = await copyAsset(opened.engine, opened.call, asset.id, {})
    assert.match(copy.key, /^test\/[0-9a-f-]{36}\/\d{8}\/[0-9a-f]{8}_b\.txt$/)
  })

  it('counts against the quotas of its new owner, and never overwrites', async () => {
    await using opened = await openTwo()
    const { engine, call } = opened
    const { asset } = await put(opened, 'k', 'one')
    await setQuota(engine, call, { scope: 'owner', name: other }, { bytesMax: 2 })
    const full = copyAsset(engine, call, asset.id, { ownerId: other })
    await assert.rejects(full, refused('QUOTA_EXCEEDED', { owner: other }))
    const taken = copyAsset(engine, call, asset.id, { key: 'k' })
    await assert.rejects(taken, refused('ASSET_EXISTS', { existing_asset_id: asset.id }))
  })

  it('needs reading at one end and writing at the other, and keeps a guard', async () => {
    await using opened = await openTwo()
    const { engine } = opened
    const acl = { read: ['someone'], write: [] }
    const { asset } = await put(opened, 'k', 'one', { acl })
    const named = callOf({})
    await assert.rejects(copyAsset(engine, named, asset.id, {}), refused('FORBIDDEN'))
    const stranger = callOf({ id: 'other', permissions: ['assets:*'] })
    await assert.rejects(copyAsset(engine, stranger, asset.id, {}), refused('ASSET_NOT_FOUND'))
    const writer = callOf({ permissions: ['*:write'] })
    const copy = await copyAsset(engine, writer, asset.id, {})
    assert.deepEqual(copy.acl, { read: ['someone'], write: ['someone'] })
  })
})

describe('the list of a copy', () => {
  it('gives its maker no more than it holds on the source and where the copy lies', async () => {
    await using opened = await openTwo()
    const { engine } = opened
    const some = callOf({
      id: 'ann',
      permissions: ['assets:read', 'assets:write', 'versions:read', 'metadata:read'],
    })
    const all = callOf({ id: 'bob', permissions: ['assets:*', 'versions:*', 'metadata:*'] })
    const acl = { read: ['ann', 'bob'], write: ['carl'] }
    const { asset } = await put(opened, 'k', 'one', { acl })
    const little = await copyAsset(engine, some, asset.id, { key: 'little' })
    assert.deepEqual(little.acl, { read: ['ann', 'bob'], write: [] })
    const much = await copyAsset(engine, all, asset.id, { key: 'much' })
    assert.deepEqual(much.acl, { read: ['ann', 'bob'], write: ['carl', 'bob'] })
  })
})
