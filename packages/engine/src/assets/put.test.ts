import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { describe, it } from 'node:test'
import { updateBucket } from '../buckets/buckets.ts'
import { setQuota } from '../quotas/quotas.ts'
import { bytesOf, callOf, openTestStore, owner, put, refused, textOf } from '../test-store.test.ts'
import { assetHistory, listVersions } from '../versions/list.ts'
import { getAssetByKey, openContent } from './get.ts'
import { putAsset } from './put.ts'
import { removeAsset, restoreAsset } from './remove.ts'

const sha256 = (text: string) => createHash('sha256').update(text).digest('hex')

describe('a put to a free key', () => {
  it('creates an asset with its first version, all in one change', async () => {
    await using opened = await openTestStore()
    const { engine, call } = opened
    const latest = await engine.catalog.view.changes.latest()
    const { asset, version, outcome } = await put(opened, 'a/b.txt', 'hello', {
      contentType: 'text/plain; charset=utf-8',
      tags: ['x', 'y'],
      metadata: { deep: { er: [1, null] } },
      description: 'first',
    })
    assert.equal(outcome, 'created')
    assert.equal(await engine.catalog.view.changes.latest(), latest + 1)
    assert.deepEqual(asset, {
      id: asset.id,
      createdSeq: latest + 1,
      seq: latest + 1,
      bucketId: asset.bucketId,
      key: 'a/b.txt',
      name: 'b.txt',
      type: 'document',
      service: 'test',
      ownerId: owner,
      tags: ['x', 'y'],
      metadata: { deep: { er: [1, null] } },
      acl: null,
      createdAt: '2026-01-01T00:00:00.000Z',
      createdBy: 'system',
      updatedAt: '2026-01-01T00:00:00.000Z',
      deletedAt: null,
      trashed: false,
      versionId: version.id,
      versionNumber: 1,
      size: 5,
      sha256: sha256('hello'),
      contentType: 'text/plain; charset=utf-8',
      contentAt: '2026-01-01T00:00:00.000Z',
      lastNumber: 1,
    })
    assert.deepEqual(version, {
      id: version.id,
      seq: latest + 1,
      createdSeq: latest + 1,
      assetId: asset.id,
      number: 1,
      kind: 'content',
      sha256: sha256('hello'),
      md5: null,
      size: 5,
      contentType: 'text/plain; charset=utf-8',
      metadata: { deep: { er: [1, null] } },
      tags: [],
      change: 'create',
      description: 'first',
      createdAt: '2026-01-01T00:00:00.000Z',
      createdBy: 'system',
      deletedAt: null,
    })
    assert.deepEqual(await getAssetByKey(engine, call, 'photos', 'a/b.txt'), asset)
    assert.deepEqual(await engine.catalog.view.versions.byId(version.id), version)
  })

  it('takes every length, and gives back the bytes', async () => {
    await using opened = await openTestStore({ limits: { packedBlobBytesMax: 1024 } })
    const { engine, call } = opened
    for (const size of [0, 1, 511, 4099, 4100, 4101, 262_143, 262_144, 262_145, 3_000_000]) {
      const body = `${size}`.repeat(Math.ceil(size / `${size}`.length)).slice(0, size)
      const { asset } = await put(opened, `size-${size}`, body, { length: size })
      const content = await openContent(engine, call, { asset })
      assert.equal(asset.size, size)
      assert.equal(sha256(await textOf(await content.read())), sha256(body))
    }
  })

  it('makes a default key where none is given, a new one each time', async () => {
    await using opened = await openTestStore()
    const fields = { name: 'map.png' }
    const { engine, call } = opened
    const input = { bucket: 'photos', service: 's', ownerId: owner, mode: 'create' as const }
    const one = await putAsset(engine, call, { ...input, ...fields, source: bytesOf('1') })
    const two = await putAsset(engine, call, { ...input, ...fields, source: bytesOf('1') })
    assert.notEqual(one.asset.key, two.asset.key)
    assert.match(one.asset.key, /^s\/[0-9a-f-]{36}\/20260101\/[0-9a-f]{8}_map\.png$/)
    assert.equal(one.asset.name, 'map.png')
  })

  it('keeps owners in lower case, keys and names as they are', async () => {
    await using opened = await openTestStore()
    const key = '../Ä/\r\n a\u0301 日本 .'
    const { asset } = await put(opened, key, 'x', { ownerId: owner.toUpperCase() })
    assert.equal(asset.ownerId, owner)
    assert.equal(asset.key, key)
    assert.equal(asset.name, '__ a\u0301 日本 .')
  })
})

describe('a put to a taken key', () => {
  it('makes a version when the content differs, and repoints the asset', async () => {
    await using opened = await openTestStore()
    const { engine, call, clock } = opened
    const first = await put(opened, 'k', 'one')
    await clock.advance(1000)
    const second = await put(opened, 'k', 'two', { contentType: 'text/csv', createdBy: 'ann' })
    assert.equal(second.outcome, 'replaced')
    assert.equal(second.asset.id, first.asset.id)
    assert.deepEqual(
      [second.asset.versionId, second.asset.versionNumber, second.asset.lastNumber],
      [second.version.id, 2, 2],
    )
    assert.equal(second.asset.contentAt, '2026-01-01T00:00:01.000Z')
    assert.equal(second.asset.createdAt, first.asset.createdAt)
    assert.equal(second.asset.type, 'document')
    assert.equal(second.version.change, 'update')
    assert.equal(second.version.createdBy, 'ann')
    const { items, total } = await listVersions(engine, call, first.asset.id)
    assert.deepEqual([items, total], [[second.version, first.version], 2])
    const old = await openContent(engine, call, { asset: second.asset, version: first.version })
    assert.equal(await textOf(await old.read()), 'one')
  })

  it('makes no version and no change when the content is the same', async () => {
    await using opened = await openTestStore()
    const { engine, call } = opened
    const first = await put(opened, 'k', 'one', { tags: ['t'], contentType: 'text/plain' })
    await opened.clock.advance(1000)
    const latest = await engine.catalog.view.changes.latest()
    for (const fields of [{}, { tags: ['t'], contentType: 'text/plain', metadata: {} }]) {
      const again = await put(opened, 'k', 'one', fields)
      assert.equal(again.outcome, 'unchanged')
      assert.deepEqual(again.asset, first.asset)
      assert.deepEqual(again.version, first.version)
    }
    assert.equal(await engine.catalog.view.changes.latest(), latest)
    assert.equal((await listVersions(engine, call, first.asset.id)).total, 1)
  })

  it('takes over what is said about the same content, without a version', async () => {
    await using opened = await openTestStore()
    const { engine, call } = opened
    const first = await put(opened, 'k', 'one', { tags: ['a'], metadata: { a: 1, b: 2 } })
    const fields = { tags: ['b'], metadata: { a: 1, c: 3 }, contentType: 'text/plain', name: 'n' }
    const again = await put(opened, 'k', 'one', fields)
    assert.equal(again.outcome, 'unchanged')
    assert.deepEqual(again.asset.tags, ['b'])
    assert.deepEqual(again.asset.metadata, { a: 1, c: 3 })
    assert.equal(again.asset.contentType, 'text/plain')
    assert.equal(again.asset.name, 'n')
    assert.equal(again.asset.versionId, first.asset.versionId)
    const { items } = await assetHistory(engine, call, first.asset.id)
    assert.equal(items[0]?.what, 'asset.updated')
    assert.deepEqual(items[0]?.detail, {
      name: { was: 'k', is: 'n' },
      tags: { was: ['a'], is: ['b'] },
      metadata: { added: { c: 3 }, removed: { b: 2 }, changed: {} },
      content_type: { was: 'application/octet-stream', is: 'text/plain' },
    })
  })

  it('leaves what it does not mention, owner and service above all', async () => {
    await using opened = await openTestStore()
    const fields = { tags: ['a'], metadata: { a: 1 }, name: 'n', type: 'archive' } as const
    const acl = { read: ['r'], write: ['w'] }
    const first = await put(opened, 'k', 'one', { ...fields, acl })
    const other = '0199d0c0-0000-7000-8000-00000000000f'
    const { asset } = await put(opened, 'k', 'two', { service: 'other', ownerId: other })
    for (const field of [
      'tags',
      'metadata',
      'name',
      'type',
      'acl',
      'service',
      'ownerId',
    ] as const) {
      assert.deepEqual(asset[field], first.asset[field], field)
    }
  })

  it('gets the type the caller chooses, also where that was the derived one', async () => {
    await using opened = await openTestStore()
    const first = await put(opened, 'k', 'one', { contentType: 'text/plain' })
    assert.equal(first.asset.type, 'document')
    const derived = await put(opened, 'k', 'two', { contentType: 'video/mp4' })
    assert.equal(derived.asset.type, 'video')
    const fields = { contentType: 'application/zip', type: 'video' } as const
    assert.equal((await put(opened, 'k', 'three', fields)).asset.type, 'video')
  })

  it('is refused in create mode, naming the asset only to who may read it', async () => {
    await using opened = await openTestStore()
    const { engine } = opened
    const { asset } = await put(opened, 'k', 'one')
    const create = { mode: 'create' } as const
    const named = refused('ASSET_EXISTS', { existing_asset_id: asset.id })
    await assert.rejects(put(opened, 'k', 'one', create), named)
    const writer = callOf({ permissions: ['assets:write'] })
    const unnamed = refused('ASSET_EXISTS', { existing_asset_id: undefined })
    await assert.rejects(put({ engine, call: writer }, 'k', 'two', create), unnamed)
    await put(opened, 'guarded', 'x', { acl: { read: [], write: [] } })
    const reader = callOf({ permissions: ['assets:*'] })
    await assert.rejects(put({ engine, call: reader }, 'guarded', 'y', create), unnamed)
  })

  it('keeps one version only where the bucket has no versioning', async () => {
    await using opened = await openTestStore()
    const { engine, call } = opened
    await updateBucket(engine, call, 'photos', { versioning: 'disabled' })
    const first = await put(opened, 'k', 'one')
    const second = await put(opened, 'k', 'three')
    assert.equal(second.asset.versionNumber, 2)
    const { items } = await listVersions(engine, call, first.asset.id, { includeDeleted: true })
    assert.deepEqual(items, [second.version])
    const blob = await engine.catalog.view.blobs.get(first.asset.sha256)
    assert.equal(blob?.references, 0)
    assert.ok(blob.deadSince)
    const usage = await engine.catalog.view.quotas.usage('bucket', 'photos')
    assert.deepEqual(usage, { assets: 1, bytes: 5 })
  })
})

describe('a put over a deleted asset', () => {
  it('revives it as if it were created', async () => {
    await using opened = await openTestStore()
    const { engine, call } = opened
    const first = await put(opened, 'k', 'one', { tags: ['t'], metadata: { a: 1 } })
    await removeAsset(engine, call, first.asset.id)
    for (const ifNoneMatch of ['*', undefined] as const) {
      const revived = await put(opened, 'k', 'one', { ifNoneMatch })
      assert.equal(revived.outcome, 'created')
      assert.equal(revived.asset.id, first.asset.id)
      assert.equal(revived.asset.deletedAt, null)
      assert.deepEqual([revived.asset.tags, revived.asset.metadata], [[], {}])
      await removeAsset(engine, call, first.asset.id)
    }
    const all = { markers: true, includeDeleted: true }
    const { items } = await listVersions(engine, call, first.asset.id, all)
    assert.deepEqual(
      items.map(one => [one.number, one.kind]),
      [
        [6, 'marker'],
        [5, 'content'],
        [4, 'marker'],
        [3, 'content'],
        [2, 'marker'],
        [1, 'content'],
      ],
    )
  })

  it('takes only the key in create mode: owner and history stay with the old one', async () => {
    await using opened = await openTestStore()
    const { engine, call } = opened
    const other = '0199d0c0-0000-7000-8000-00000000000f'
    const first = await put(opened, 'k', 'one')
    await removeAsset(engine, call, first.asset.id)
    const second = await put(opened, 'k', 'two', { mode: 'create', ownerId: other, service: 's' })
    assert.notEqual(second.asset.id, first.asset.id)
    assert.deepEqual([second.asset.ownerId, second.asset.service], [other, 's'])
    assert.equal(second.asset.lastNumber, 1)
    const usage = (name: string) => engine.catalog.view.quotas.usage('owner', name)
    assert.deepEqual(await usage(owner), { assets: 1, bytes: 3 })
    assert.deepEqual(await usage(other), { assets: 1, bytes: 3 })
    const taken = refused('ASSET_EXISTS', { existing_asset_id: second.asset.id })
    await assert.rejects(restoreAsset(engine, call, first.asset.id), taken)
    await removeAsset(engine, call, second.asset.id, { hard: true })
    const restored = await restoreAsset(engine, call, first.asset.id)
    assert.deepEqual([restored.ownerId, restored.trashed, restored.deletedAt], [owner, false, null])
    const all = { markers: true, includeDeleted: true }
    const { items } = await listVersions(engine, call, first.asset.id, all)
    assert.deepEqual(items, [first.version])
  })

  it('needs the bucket in create mode, whatever access list the deleted asset has', async () => {
    await using opened = await openTestStore()
    const { engine, call } = opened
    const { asset } = await put(opened, 'k', 'one', { acl: { read: [], write: ['other'] } })
    await removeAsset(engine, call, asset.id)
    const named = { engine, call: callOf({ id: 'other' }) }
    await assert.rejects(put(named, 'k', 'x', { mode: 'create' }), refused('FORBIDDEN'))
  })

  it('is refused to who may not write that asset', async () => {
    await using opened = await openTestStore()
    const { engine, call } = opened
    const acl = { read: [], write: ['other'] }
    const { asset } = await put(opened, 'k', 'one', { acl })
    await removeAsset(engine, call, asset.id)
    const writer = { engine, call: callOf({ permissions: ['assets:*'] }) }
    await assert.rejects(put(writer, 'k', 'x'), refused('FORBIDDEN'))
    await assert.rejects(put(writer, 'k', 'x', { mode: 'create' }), refused('ASSET_EXISTS'))
    const named = { engine, call: callOf({ id: 'other' }) }
    const revived = await put(named, 'k', 'x')
    assert.deepEqual(revived.asset.acl, acl)
  })

  it('counts against the quotas', async () => {
    await using opened = await openTestStore()
    const { engine, call } = opened
    const { asset } = await put(opened, 'k', 'one')
    await removeAsset(engine, call, asset.id)
    await setQuota(engine, call, { scope: 'bucket', name: 'photos' }, { bytesMax: 5 })
    await assert.rejects(put(opened, 'k', 'two'), refused('QUOTA_EXCEEDED'))
    await put(opened, 'k', '22')
  })

  it('makes a new asset where the deleted one lies in the trash', async () => {
    await using opened = await openTestStore()
    const { engine, call } = opened
    await updateBucket(engine, call, 'photos', { versioning: 'disabled' })
    const first = await put(opened, 'k', 'one')
    await removeAsset(engine, call, first.asset.id)
    const second = await put(opened, 'k', 'one', { mode: 'create' })
    assert.notEqual(second.asset.id, first.asset.id)
  })

  it('leaves neither marker nor old content where versioning was switched off', async () => {
    await using opened = await openTestStore()
    const { engine, call } = opened
    const { asset } = await put(opened, 'k', 'one')
    await removeAsset(engine, call, asset.id)
    await updateBucket(engine, call, 'photos', { versioning: 'disabled' })
    const revived = await put(opened, 'k', 'two')
    const all = { markers: true, includeDeleted: true }
    const { items } = await listVersions(engine, call, asset.id, all)
    assert.deepEqual(items, [revived.version])
  })
})
