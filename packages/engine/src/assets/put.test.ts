import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { describe, it } from 'node:test'
import type { HoldfastError } from '@holdfast/core/errors.ts'
import { createBucket, updateBucket } from '../buckets/buckets.ts'
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
import { assetHistory, listVersions } from '../versions/list.ts'
import { getAssetByKey, openContent } from './get.ts'
import type { PutFields } from './intake/put-fields.ts'
import { putAsset } from './put.ts'
import { removeAsset } from './remove.ts'

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
    for (const mode of ['create', 'replace'] as const) {
      const ifNoneMatch = '*' as const
      const revived = await put(opened, 'k', 'one', { mode, ifNoneMatch })
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

describe('a key that changes hands while the body arrives', () => {
  type Meanwhile = () => Promise<unknown>

  /** A put by `principal` during which something else happens. */
  async function putDuring(
    { engine }: { engine: TestStore['engine'] },
    meanwhile: Meanwhile,
    fields: Partial<PutFields>,
  ) {
    const source = async function* () {
      yield Buffer.from('la')
      await meanwhile()
      yield Buffer.from('te')
    }
    return putAsset(engine, callOf({ permissions: ['assets:*'] }), {
      ...{ bucket: 'photos', service: 's', ownerId: owner, key: 'k', mode: 'replace' as const },
      ...fields,
      source: source(),
    })
  }

  it('is authorised anew: a guarded asset there is not overwritten', async () => {
    await using opened = await openTestStore()
    const acl = { read: [], write: [] }
    const create = () => put(opened, 'k', 'mine', { acl })
    await assert.rejects(putDuring(opened, create, {}), refused('FORBIDDEN'))
    const asset = await getAssetByKey(opened.engine, opened.call, 'photos', 'k')
    assert.equal(asset.sha256, sha256('mine'))
  })

  it('is replaced when the caller may write what is there now', async () => {
    await using opened = await openTestStore()
    const { outcome, version } = await putDuring(opened, () => put(opened, 'k', 'mine'), {})
    assert.deepEqual([outcome, version.number], ['replaced', 2])
  })

  it('is taken for a put that wants to create, also by a revival', async () => {
    await using opened = await openTestStore()
    const { engine, call } = opened
    const create = { mode: 'create' } as const
    const taken = putDuring(opened, () => put(opened, 'k', 'mine'), create)
    const { id } = await assert
      .rejects(taken, refused('ASSET_EXISTS'))
      .then(() => getAssetByKey(engine, call, 'photos', 'k'))
    await removeAsset(engine, call, id)
    const revived = putDuring(opened, () => put(opened, 'k', 'again'), create)
    await assert.rejects(revived, refused('ASSET_EXISTS', { existing_asset_id: id }))
    assert.equal((await getAssetByKey(engine, call, 'photos', 'k')).sha256, sha256('again'))
  })

  it('is free for a put whose asset went for good', async () => {
    await using opened = await openTestStore()
    const { engine, call } = opened
    const { asset } = await put(opened, 'k', 'mine')
    const remove = () => removeAsset(engine, call, asset.id, { hard: true })
    const result = await putDuring(opened, remove, {})
    assert.equal(result.outcome, 'created')
    assert.notEqual(result.asset.id, asset.id)
  })
})

describe('preconditions of a put', () => {
  it('hold against the content shown', async () => {
    await using opened = await openTestStore()
    const { asset } = await put(opened, 'k', 'one')
    const other = sha256('other')
    const failed = refused('PRECONDITION_FAILED')
    await assert.rejects(put(opened, 'k', 'x', { ifNoneMatch: '*' }), failed)
    await assert.rejects(put(opened, 'k', 'x', { ifNoneMatch: [other, asset.sha256] }), failed)
    await assert.rejects(put(opened, 'k', 'x', { ifMatch: [other] }), failed)
    await assert.rejects(put(opened, 'k', 'x', { ifMatch: [] }), failed)
    await assert.rejects(put(opened, 'absent', 'x', { ifMatch: ['*'] }), failed)
    await assert.rejects(put(opened, 'absent', 'x', { ifMatch: [other] }), failed)
    assert.equal((await getAssetByKey(opened.engine, opened.call, 'photos', 'k')).lastNumber, 1)
    await put(opened, 'k', 'two', { ifMatch: [other, asset.sha256] })
    await put(opened, 'k', 'three', { ifMatch: ['*'], ifNoneMatch: [other] })
    await put(opened, 'new', 'x', { ifNoneMatch: '*' })
  })

  it('do not see a deleted asset', async () => {
    await using opened = await openTestStore()
    const { asset } = await put(opened, 'k', 'one')
    await removeAsset(opened.engine, opened.call, asset.id)
    const match = put(opened, 'k', 'x', { ifMatch: [asset.sha256] })
    await assert.rejects(match, refused('PRECONDITION_FAILED'))
    await put(opened, 'k', 'x', { ifNoneMatch: [asset.sha256] })
  })

  it('are asked before the body is read', async () => {
    await using opened = await openTestStore()
    await put(opened, 'k', 'one')
    const unread = putAsset(opened.engine, opened.call, {
      ...{ bucket: 'photos', service: 's', ownerId: owner, key: 'k', mode: 'replace' as const },
      ifNoneMatch: '*',
      // biome-ignore lint/correctness/useYield: reading it is the failure
      source: (async function* () {
        assert.fail('the body was read')
      })(),
    })
    await assert.rejects(unread, refused('PRECONDITION_FAILED'))
  })
})

describe('equal content', () => {
  it('is kept once, while every asset has its own records', async () => {
    await using opened = await openTestStore()
    const { engine, call } = opened
    const one = await put(opened, 'one', 'same', { metadata: { from: 'one' } })
    const two = await put(opened, 'two', 'same', { metadata: { from: 'two' } })
    const totals = await engine.catalog.view.blobs.totals()
    assert.deepEqual([totals.blobs, totals.bytes], [1, 4])
    assert.equal((await engine.catalog.view.blobs.get(one.asset.sha256))?.references, 2)
    assert.notEqual(one.version.id, two.version.id)
    await removeAsset(engine, call, one.asset.id, { hard: true })
    assert.equal((await engine.catalog.view.blobs.get(one.asset.sha256))?.references, 1)
    const content = await openContent(engine, call, { asset: two.asset })
    assert.equal(await textOf(await content.read()), 'same')
    assert.deepEqual(two.asset.metadata, { from: 'two' })
  })
})

describe('a put is refused', () => {
  it('with every wrong field at once', async () => {
    await using opened = await openTestStore()
    const wrong = put(opened, 'nul\0', 'x', {
      name: 'bell\u0007',
      service: '',
      ownerId: 'nobody',
      contentType: 'image',
      tags: ['', 'ok'],
      metadata: { constructor: 1 },
      acl: { read: [''], write: [] },
      createdBy: '',
      description: '\0',
    })
    await assert.rejects(wrong, (error: HoldfastError) => {
      assert.equal(error.code, 'VALIDATION_ERROR')
      const errors = error.details.errors as { path: string }[]
      const paths = errors.map(one => one.path)
      assert.deepEqual(paths, [
        'key',
        'name',
        'service',
        'owner_id',
        'content_type',
        'created_by',
        'description',
        'tags[0]',
        'metadata.constructor',
        'acl.read[0]',
      ])
      return true
    })
  })

  it('when bytes or size are not what was announced, leaving nothing', async () => {
    await using opened = await openTestStore()
    const { engine } = opened
    const latest = await engine.catalog.view.changes.latest()
    const expected = { sha256: sha256('other') }
    await assert.rejects(put(opened, 'k', 'x', { expected }), refused('DIGEST_MISMATCH'))
    await assert.rejects(put(opened, 'k', 'xx', { sizeMax: 1 }), refused('BODY_TOO_LARGE'))
    await assert.rejects(put(opened, 'k', 'x', { length: 2 }), refused('BODY_INCOMPLETE'))
    await assert.rejects(
      put(opened, 'k', 'x', { sizeMax: 5, length: 6 }),
      refused('BODY_TOO_LARGE'),
    )
    assert.equal(await engine.catalog.view.changes.latest(), latest)
    assert.equal((await engine.catalog.view.blobs.totals()).blobs, 0)
  })

  it('when bucket rules forbid size or type, declared or recognised', async () => {
    await using opened = await openTestStore()
    const { engine, call } = opened
    const settings = { contentTypes: ['image/*', 'text/plain'], assetBytesMax: 20 }
    await createBucket(engine, call, { name: 'strict', settings })
    const bucket = 'strict'
    const png = '\x89PNG\r\n\x1a\n'
    await put(opened, 'a', 'x', { bucket, contentType: 'text/plain' })
    const html = put(opened, 'b', 'x', { bucket, contentType: 'text/html' })
    await assert.rejects(html, refused('CONTENT_TYPE_REFUSED', { content_type: 'text/html' }))
    await assert.rejects(put(opened, 'b', 'x', { bucket }), refused('CONTENT_TYPE_REFUSED'))
    const { asset } = await putAsset(engine, call, {
      ...{ bucket, key: 'c', service: 's', ownerId: owner, mode: 'replace' as const },
      source: bytesOf(Buffer.from(png, 'latin1')),
    })
    assert.equal(asset.contentType, 'image/png')
    assert.equal(asset.type, 'image')
    const fake = put(opened, 'b', 'text', { bucket, contentType: 'image/png' })
    await assert.rejects(fake, refused('CONTENT_TYPE_MISMATCH'))
    const large = put(opened, 'b', 'x'.repeat(21), { bucket, contentType: 'text/plain' })
    await assert.rejects(large, refused('BODY_TOO_LARGE', { limit: 20 }))
  })

  it('to callers without the permission, who learn nothing', async () => {
    await using opened = await openTestStore()
    const { engine } = opened
    await put(opened, 'k', 'x')
    const cases = [
      [anonymousCall, 'photos', 'UNAUTHENTICATED'],
      [anonymousCall, 'absent', 'UNAUTHENTICATED'],
      [callOf({ permissions: ['assets:read'] }), 'photos', 'FORBIDDEN'],
      [callOf({ permissions: ['assets:read'] }), 'absent', 'FORBIDDEN'],
      [callOf({ permissions: ['assets:*'] }), 'absent', 'BUCKET_NOT_FOUND'],
      [callOf({ permissions: ['*'], buckets: ['other'] }), 'photos', 'BUCKET_NOT_FOUND'],
    ] as const
    for (const [call, bucket, code] of cases) {
      for (const key of ['k', 'new']) {
        for (const mode of ['create', 'replace'] as const) {
          await assert.rejects(put({ engine, call }, key, 'y', { bucket, mode }), refused(code))
        }
      }
    }
  })

  it('early, when a large body would not fit the quota', async () => {
    await using opened = await openTestStore({ limits: { packedBlobBytesMax: 10 } })
    const { engine, call } = opened
    await setQuota(engine, call, { scope: 'owner', name: owner }, { bytesMax: 100 })
    const large = putAsset(engine, call, {
      ...{ bucket: 'photos', service: 's', ownerId: owner, key: 'k', mode: 'create' as const },
      length: 101,
      // biome-ignore lint/correctness/useYield: reading it is the failure
      source: (async function* () {
        assert.fail('the body was read')
      })(),
    })
    const details = { scope: 'owner', owner, measure: 'bytes', current_usage: 0, limit: 100 }
    await assert.rejects(large, refused('QUOTA_EXCEEDED', details))
  })
})
