import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { readdir } from 'node:fs/promises'
import { describe, it } from 'node:test'
import type { HoldfastError } from '@holdfast/core/errors.ts'
import { createBucket } from '../buckets/buckets.ts'
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
import { putAsset } from './put.ts'
import { removeAsset } from './remove.ts'

const sha256 = (text: string) => createHash('sha256').update(text).digest('hex')

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

  it('without leaving temp files, as a success does', async () => {
    await using opened = await openTestStore({ limits: { packedBlobBytesMax: 10 } })
    const large = 'x'.repeat(2_000_000)
    await put(opened, 'good', large)
    await put(opened, 'good', large)
    await assert.rejects(put(opened, 'good', `${large}y`, { mode: 'create' }))
    await assert.rejects(put(opened, 'b', large, { contentType: 'image/png' }))
    await assert.rejects(put(opened, 'b', large, { expected: { md5: '0'.repeat(32) } }))
    await assert.rejects(put(opened, 'b', large, { length: 2_000_001 }))
    assert.deepEqual(await readdir(`${opened.dir}/data/tmp`), [])
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
    const lying = put(opened, 'b', '\x7fELF\x02\x01\x01', { bucket, contentType: 'text/plain' })
    await assert.rejects(lying, refused('CONTENT_TYPE_MISMATCH', { declared: 'text/plain' }))
    const large = put(opened, 'b', 'x'.repeat(21), { bucket, contentType: 'text/plain' })
    await assert.rejects(large, refused('BODY_TOO_LARGE', { limit: 20 }))
  })

  it('before the body is read, where its length is told and too much', async () => {
    await using opened = await openTestStore()
    const { engine, call } = opened
    await createBucket(engine, call, { name: 'strict', settings: { assetBytesMax: 20 } })
    const most = engine.limits.assetBytesMax
    for (const [bucket, limit] of [['strict', 20] as const, ['photos', most] as const]) {
      const large = putAsset(engine, call, {
        ...{ bucket, service: 's', ownerId: owner, key: 'k', mode: 'create' as const },
        length: limit + 1,
        // biome-ignore lint/correctness/useYield: reading it is the failure
        source: (async function* () {
          assert.fail('the body was read')
        })(),
      })
      await assert.rejects(large, refused('BODY_TOO_LARGE', { limit, size: limit + 1 }))
    }
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
    const used = { measure: 'bytes', current_usage: 0, limit: 100 }
    const details = { scope: 'owner', owner, service: 's', ...used }
    await assert.rejects(large, refused('QUOTA_EXCEEDED', details))
  })
})
