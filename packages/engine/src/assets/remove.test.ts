import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { updateBucket } from '../buckets/buckets.ts'
import { commit } from '../commit.ts'
import { anonymousCall, callOf, openTestStore, put, refused } from '../test-store.test.ts'
import { assetHistory, listVersions } from '../versions/list.ts'
import { getAsset, getAssetByKey, openContent } from './get.ts'
import { addLink, listLinks } from './links.ts'
import { removeAsset, removeBatch, restoreAsset } from './remove.ts'

describe('a soft delete with versioning', () => {
  it('writes a marker, hides the asset and keeps its key', async () => {
    await using opened = await openTestStore()
    const { engine, call } = opened
    const { asset } = await put(opened, 'k', 'one')
    await opened.clock.advance(1000)
    await removeAsset(engine, call, asset.id)
    const gone = refused('ASSET_NOT_FOUND')
    await assert.rejects(getAsset(engine, call, asset.id), gone)
    await assert.rejects(getAssetByKey(engine, call, 'photos', 'k'), gone)
    await assert.rejects(openContent(engine, call, { asset: await deletedOf() }), gone)
    const deleted = await deletedOf()
    assert.equal(deleted.deletedAt, '2026-01-01T00:00:01.000Z')
    assert.equal(deleted.trashed, false)
    assert.deepEqual([deleted.versionNumber, deleted.lastNumber], [1, 2])
    const all = { markers: true, includeDeleted: true }
    const [marker] = (await listVersions(engine, call, asset.id, all)).items
    assert.equal(marker?.kind, 'marker')
    assert.deepEqual([marker?.number, marker?.size, marker?.sha256], [2, 0, ''])
    const [change] = (await assetHistory(engine, call, asset.id)).items
    assert.deepEqual([change?.what, change?.versionId], ['asset.deleted', marker?.id])
    const holder = await engine.catalog.view.assets.byKey(asset.bucketId, 'k')
    assert.equal(holder?.id, asset.id)

    async function deletedOf() {
      return getAsset(engine, call, asset.id, { includeDeleted: true })
    }
  })

  it('happens once: repeating it changes nothing', async () => {
    await using opened = await openTestStore()
    const { engine, call } = opened
    const { asset } = await put(opened, 'k', 'one')
    await Promise.all([1, 2, 3].map(() => removeAsset(engine, call, asset.id)))
    const latest = await engine.catalog.view.changes.latest()
    await removeAsset(engine, call, asset.id)
    assert.equal(await engine.catalog.view.changes.latest(), latest)
    assert.equal((await engine.catalog.view.assets.byId(asset.id))?.lastNumber, 2)
  })

  it('is undone by restoring, marker and all', async () => {
    await using opened = await openTestStore()
    const { engine, call } = opened
    const { asset, version } = await put(opened, 'k', 'one')
    await removeAsset(engine, call, asset.id)
    const restored = await restoreAsset(engine, call, asset.id)
    assert.equal(restored.deletedAt, null)
    assert.equal(restored.lastNumber, 2)
    assert.deepEqual(await getAssetByKey(engine, call, 'photos', 'k'), restored)
    const all = { markers: true, includeDeleted: true }
    assert.deepEqual((await listVersions(engine, call, asset.id, all)).items, [version])
    await assert.rejects(restoreAsset(engine, call, asset.id), refused('ASSET_NOT_DELETED'))
    const next = await put(opened, 'k', 'two')
    assert.equal(next.version.number, 3)
  })

  it('can be seen only by who may write', async () => {
    await using opened = await openTestStore()
    const { engine, call } = opened
    await updateBucket(engine, call, 'photos', { publicRead: true })
    const { asset } = await put(opened, 'k', 'one')
    await removeAsset(engine, call, asset.id)
    const options = { includeDeleted: true }
    const reader = callOf({ permissions: ['assets:read'] })
    await assert.rejects(getAsset(engine, reader, asset.id, options), refused('FORBIDDEN'))
    await assert.rejects(
      getAsset(engine, anonymousCall, asset.id, options),
      refused('UNAUTHENTICATED'),
    )
    const writer = callOf({ permissions: ['assets:*'] })
    assert.equal((await getAsset(engine, writer, asset.id, options)).id, asset.id)
  })
})

describe('a soft delete without versioning', () => {
  it('trashes the asset and frees its key', async () => {
    await using opened = await openTestStore()
    const { engine, call } = opened
    await updateBucket(engine, call, 'photos', { versioning: 'disabled' })
    const { asset } = await put(opened, 'k', 'one')
    await removeAsset(engine, call, asset.id)
    await assert.rejects(getAsset(engine, call, asset.id), refused('ASSET_NOT_FOUND'))
    const other = await put(opened, 'k', 'two', { mode: 'create' })
    const taken = refused('ASSET_EXISTS', { existing_asset_id: other.asset.id })
    await assert.rejects(restoreAsset(engine, call, asset.id), taken)
    await removeAsset(engine, call, other.asset.id, { hard: true })
    const restored = await restoreAsset(engine, call, asset.id)
    assert.deepEqual([restored.trashed, restored.deletedAt], [false, null])
    assert.equal((await getAssetByKey(engine, call, 'photos', 'k')).id, asset.id)
  })

  it('restores one of two at the same time', async () => {
    await using opened = await openTestStore({ thread: true })
    const { engine, call } = opened
    await updateBucket(engine, call, 'photos', { versioning: 'disabled' })
    const ids: string[] = []
    for (const body of ['one', 'two', 'three', 'four']) {
      const { asset } = await put(opened, 'k', body)
      await removeAsset(engine, call, asset.id)
      ids.push(asset.id)
    }
    const settled = await Promise.allSettled(ids.map(id => restoreAsset(engine, call, id)))
    const codes = settled.map(one => (one.status === 'fulfilled' ? 'ok' : one.reason.code)).sort()
    assert.deepEqual(codes, ['ASSET_EXISTS', 'ASSET_EXISTS', 'ASSET_EXISTS', 'ok'])
  })
})

describe('a hard delete', () => {
  it('removes versions, links and record, and drops every reference', async () => {
    await using opened = await openTestStore()
    const { engine, call } = opened
    const { asset } = await put(opened, 'k', 'one')
    await put(opened, 'k', 'two')
    const other = await put(opened, 'other', 'one')
    await addLink(engine, call, asset.id, { type: 'a', to: other.asset.id })
    await addLink(engine, call, other.asset.id, { type: 'b', to: asset.id })
    await removeAsset(engine, call, asset.id)
    await removeAsset(engine, call, asset.id, { hard: true })
    const options = { includeDeleted: true }
    await assert.rejects(getAsset(engine, call, asset.id, options), refused('ASSET_NOT_FOUND'))
    assert.equal((await listLinks(engine, call, other.asset.id)).total, 0)
    const { view } = engine.catalog
    const left = await view.versions.count({ assetId: asset.id, deleted: 'with' })
    assert.equal(left, 0)
    assert.equal((await view.blobs.get(asset.sha256))?.references, 1)
    assert.equal((await view.blobs.totals()).dead, 'two'.length)
    const usage = await view.quotas.usage('bucket', 'photos')
    assert.deepEqual(usage, { assets: 1, bytes: 3 })
    await assert.rejects(
      removeAsset(engine, call, asset.id, { hard: true }),
      refused('ASSET_NOT_FOUND'),
    )
    const again = await put(opened, 'k', 'one')
    assert.notEqual(again.asset.id, asset.id)
    assert.equal(again.version.number, 1)
  })

  it('takes many versions', async () => {
    await using opened = await openTestStore()
    const { engine, call } = opened
    const { asset } = await put(opened, 'k', 'start')
    await Promise.all(Array.from({ length: 1200 }, (_, i) => put(opened, 'k', `body ${i}`)))
    await removeAsset(engine, call, asset.id, { hard: true })
    const { dead, bytes, blobs } = await engine.catalog.view.blobs.totals()
    assert.equal(blobs, 1201)
    assert.equal(dead, bytes, 'every byte is dead')
    assert.deepEqual(await engine.catalog.view.quotas.usage('bucket', 'photos'), {
      assets: 0,
      bytes: 0,
    })
  })
})

describe('deleting', () => {
  it('can ask for the content it means to delete', async () => {
    await using opened = await openTestStore()
    const { engine, call } = opened
    const first = await put(opened, 'k', 'one')
    await put(opened, 'k', 'two')
    for (const hard of [false, true]) {
      const stale = removeAsset(engine, call, first.asset.id, {
        hard,
        ifMatch: [first.asset.sha256],
      })
      await assert.rejects(stale, refused('PRECONDITION_FAILED'))
    }
    await removeAsset(engine, call, first.asset.id, { ifMatch: ['*'] })
  })

  it('asks again in the transaction, where nothing can come in between', async () => {
    await using opened = await openTestStore()
    const { engine, call } = opened
    const first = await put(opened, 'k', 'one')
    const { asset } = await put(opened, 'k', 'two')
    for (const hard of [false, true]) {
      const preconditions = { ifMatch: [first.asset.sha256] }
      const args = { assetId: asset.id, hard, preconditions, createdBy: 'x', seen: [] }
      const stale = commit(engine, call, { name: 'assets.remove', args })
      await assert.rejects(stale, refused('PRECONDITION_FAILED'))
    }
  })

  it('needs the permission to write', async () => {
    await using opened = await openTestStore()
    const { engine } = opened
    const { asset } = await put(opened, 'k', 'one', { acl: { read: ['someone'], write: [] } })
    for (const hard of [false, true]) {
      const named = callOf({})
      const wrong = removeAsset(engine, named, asset.id, { hard })
      await assert.rejects(wrong, refused('FORBIDDEN'))
      const stranger = callOf({ id: 'other', permissions: ['assets:*'] })
      const hidden = removeAsset(engine, stranger, asset.id, { hard })
      await assert.rejects(hidden, refused('ASSET_NOT_FOUND'))
    }
  })

  it('many answers for each', async () => {
    await using opened = await openTestStore({ limits: { batchItemsMax: 3 } })
    const { engine, call } = opened
    const one = (await put(opened, 'a', 'x')).asset.id
    const two = (await put(opened, 'b', 'x')).asset.id
    const absent = '0199d0c0-0000-7000-8000-0000000000ff'
    const results = await removeBatch(engine, call, [one, absent, two])
    assert.deepEqual(
      results.map(result => (result.ok ? result.id : result.error.code)),
      [one, 'ASSET_NOT_FOUND', two],
    )
    await assert.rejects(removeBatch(engine, call, ['1', '2', '3', '4']), refused('TOO_MANY_ITEMS'))
  })
})
