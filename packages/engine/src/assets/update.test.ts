import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import type { HoldfastError } from '@holdfast/core/errors.ts'
import type { JsonObject } from '@holdfast/core/records.ts'
import { updateBucket } from '../buckets/buckets.ts'
import { setQuota } from '../quotas/quotas.ts'
import { bytesOf, callOf, openTestStore, put, refused, type TestStore } from '../test-store.test.ts'
import { createVersion } from '../versions/create.ts'
import { assetHistory, listVersions } from '../versions/list.ts'
import { getAsset } from './get.ts'
import { removeAsset } from './remove.ts'
import { stageUpload } from './stage.ts'
import { mergeMetadata, type UpdateInput, updateAsset } from './update.ts'

async function updateWith(
  { engine, call }: TestStore,
  id: string,
  body: string | Buffer,
  input: UpdateInput = {},
) {
  const upload = await stageUpload(engine, call, bytesOf(body))
  try {
    return await updateAsset(engine, call, id, { ...input, upload })
  } finally {
    await upload.discard()
  }
}

describe('updating an asset', () => {
  it('merges metadata, replaces tags, and makes no version', async () => {
    await using opened = await openTestStore()
    const { engine, call } = opened
    const metadata = { keep: 1, change: { a: 1 }, drop: true }
    const { asset } = await put(opened, 'k', 'one', { metadata, tags: ['a', 'b'] })
    await opened.clock.advance(1000)
    const input = { metadata: { change: { b: 2 }, drop: null, add: [] }, tags: ['c'], name: 'n' }
    const { asset: next, version, outcome } = await updateAsset(engine, call, asset.id, input)
    assert.equal(outcome, 'unchanged')
    assert.deepEqual(next.metadata, { keep: 1, change: { b: 2 }, add: [] })
    assert.deepEqual(next.tags, ['c'])
    assert.equal(next.name, 'n')
    assert.equal(next.updatedAt, '2026-01-01T00:00:01.000Z')
    assert.equal(next.contentAt, asset.contentAt)
    assert.ok(next.seq > asset.seq)
    assert.equal(version.id, asset.versionId)
    assert.deepEqual(version.metadata, metadata, 'a version keeps what was said at its time')
    const [change] = (await assetHistory(engine, call, asset.id)).items
    assert.deepEqual(change?.detail, {
      name: { was: 'k', is: 'n' },
      tags: { was: ['a', 'b'], is: ['c'] },
      metadata: {
        added: { add: [] },
        removed: { drop: true },
        changed: { change: { old: { a: 1 }, new: { b: 2 } } },
      },
    })
  })

  it('to what it is already changes nothing', async () => {
    await using opened = await openTestStore()
    const { engine, call } = opened
    const { asset } = await put(opened, 'k', 'one', { metadata: { a: 1 }, tags: ['t'] })
    const latest = await engine.catalog.view.changes.latest()
    const same = { metadata: { a: 1, none: null }, tags: ['t'], name: 'k', acl: null }
    assert.deepEqual((await updateAsset(engine, call, asset.id, same)).asset, asset)
    assert.deepEqual((await updateWith(opened, asset.id, 'one', same)).outcome, 'unchanged')
    assert.equal(await engine.catalog.view.changes.latest(), latest)
  })

  it('with other bytes makes a version', async () => {
    await using opened = await openTestStore()
    const { engine, call } = opened
    const { asset } = await put(opened, 'k', 'one', { metadata: { a: 1 }, contentType: 'text/csv' })
    const input = { metadata: { b: 2 }, createdBy: 'ann', description: 'why' }
    const { asset: next, version, outcome } = await updateWith(opened, asset.id, 'two', input)
    assert.equal(outcome, 'replaced')
    assert.deepEqual([next.versionNumber, next.size, next.contentType], [2, 3, 'text/csv'])
    assert.deepEqual([version.createdBy, version.description], ['ann', 'why'])
    assert.deepEqual(version.metadata, { a: 1, b: 2 })
    const png = Buffer.from('\x89PNG\r\n\x1a\n', 'latin1')
    const image = await updateWith(opened, asset.id, png)
    assert.deepEqual([image.asset.contentType, image.asset.type], ['image/png', 'image'])
    const text = await updateWith(opened, asset.id, 'not an image')
    assert.equal(text.asset.contentType, 'application/octet-stream')
    const chosen = await updateWith(opened, asset.id, 'x', { type: 'audio' })
    assert.equal(chosen.asset.type, 'audio')
    assert.equal((await updateWith(opened, asset.id, png)).asset.type, 'audio')
    assert.equal((await listVersions(engine, call, asset.id)).total, 6)
  })

  it('obeys If-Match', async () => {
    await using opened = await openTestStore()
    const { engine, call } = opened
    const first = await put(opened, 'k', 'one')
    const { asset } = await put(opened, 'k', 'two')
    const stale = { ifMatch: [first.asset.sha256] }
    const failed = refused('PRECONDITION_FAILED')
    await assert.rejects(updateAsset(engine, call, asset.id, { ...stale, name: 'n' }), failed)
    await assert.rejects(updateWith(opened, asset.id, 'three', stale), failed)
    await assert.rejects(mergeMetadata(engine, call, asset.id, { a: 1 }, stale), failed)
    await updateWith(opened, asset.id, 'three', { ifMatch: [asset.sha256] })
  })

  it('by If-Match lets one of many writers win', async () => {
    await using opened = await openTestStore({ thread: true })
    const { asset } = await put(opened, 'k', 'one')
    const ifMatch = [asset.sha256]
    const bodies = Array.from({ length: 20 }, (_, i) => `body ${i}`)
    const writes = bodies.map(body => updateWith(opened, asset.id, body, { ifMatch }))
    const settled = await Promise.allSettled(writes)
    const codes = settled.map(one => (one.status === 'fulfilled' ? 'ok' : one.reason.code))
    assert.equal(codes.filter(code => code === 'ok').length, 1)
    assert.equal(codes.filter(code => code === 'PRECONDITION_FAILED').length, 19)
  })

  it('loses no key of metadata under concurrency', async () => {
    await using opened = await openTestStore({ thread: true })
    const { engine, call } = opened
    const { asset } = await put(opened, 'k', 'one')
    const keys = Array.from({ length: 50 }, (_, i) => `key-${i}`)
    await Promise.all(keys.map(key => mergeMetadata(engine, call, asset.id, { [key]: true })))
    const next = await getAsset(engine, call, asset.id)
    assert.deepEqual(Object.keys(next.metadata).sort(), keys.sort())
  })

  it('bounds what metadata grow to, piece by piece', async () => {
    await using opened = await openTestStore()
    const { engine, call } = opened
    const { asset } = await put(opened, 'k', 'one')
    const piece = 'x'.repeat(20_000)
    await mergeMetadata(engine, call, asset.id, { a: piece })
    const wrong = mergeMetadata(engine, call, asset.id, { b: piece })
    await assert.rejects(wrong, refused('VALIDATION_ERROR'))
    await mergeMetadata(engine, call, asset.id, { a: null, b: piece })
  })

  it('pollutes no prototype', async () => {
    await using opened = await openTestStore()
    const { engine, call } = opened
    const { asset } = await put(opened, 'k', 'one')
    for (const text of ['{"__proto__": {"x": 1}}', '{"a": {"constructor": {"prototype": 1}}}']) {
      const metadata: JsonObject = JSON.parse(text)
      const wrong = mergeMetadata(engine, call, asset.id, metadata)
      await assert.rejects(wrong, refused('VALIDATION_ERROR'))
    }
    assert.equal(({} as { x?: number }).x, undefined)
    await mergeMetadata(engine, call, asset.id, { toString: 1, hasOwnProperty: 2 })
    await mergeMetadata(engine, call, asset.id, { toString: null })
    assert.deepEqual((await getAsset(engine, call, asset.id)).metadata, { hasOwnProperty: 2 })
  })

  it('of a deleted asset asks to restore it first', async () => {
    await using opened = await openTestStore()
    const { engine, call } = opened
    const { asset } = await put(opened, 'k', 'one')
    await removeAsset(engine, call, asset.id)
    const deleted = refused('ASSET_DELETED', { asset_id: asset.id })
    await assert.rejects(updateAsset(engine, call, asset.id, { name: 'n' }), deleted)
    await assert.rejects(updateWith(opened, asset.id, 'x'), deleted)
  })

  it('tells every wrong field at once', async () => {
    await using opened = await openTestStore()
    const { engine, call } = opened
    const { asset } = await put(opened, 'k', 'one')
    const input = { name: '', tags: ['\n'], metadata: { '': 1 }, createdBy: '' }
    await assert.rejects(updateAsset(engine, call, asset.id, input), (error: HoldfastError) => {
      assert.equal((error.details.errors as unknown[]).length, 4)
      return true
    })
  })

  it('needs the permission of what it changes', async () => {
    await using opened = await openTestStore()
    const { engine, call } = opened
    const { asset } = await put(opened, 'k', 'one')
    const metadata = callOf({ permissions: ['metadata:write', 'assets:read'] })
    await mergeMetadata(engine, metadata, asset.id, { a: 1 })
    const name = updateAsset(engine, metadata, asset.id, { name: 'n' })
    await assert.rejects(name, refused('FORBIDDEN', { permission: 'assets:write' }))
    const upload = await stageUpload(engine, metadata, bytesOf('two'))
    const version = createVersion(engine, metadata, asset.id, { upload })
    await assert.rejects(version, refused('FORBIDDEN', { permission: 'versions:write' }))
    const versions = callOf({ permissions: ['versions:write'] })
    const made = await createVersion(engine, versions, asset.id, { upload })
    assert.equal(made.outcome, 'replaced')
    const again = await createVersion(engine, call, asset.id, { upload })
    assert.equal(again.outcome, 'unchanged')
    await upload.discard()
  })

  it('is held to bucket rules and quotas', async () => {
    await using opened = await openTestStore()
    const { engine, call } = opened
    const { asset } = await put(opened, 'k', 'one', { contentType: 'text/plain' })
    await updateBucket(engine, call, 'photos', { contentTypes: ['text/*'], assetBytesMax: 10 })
    const html = updateWith(opened, asset.id, 'x', { contentType: 'application/json' })
    await assert.rejects(html, refused('CONTENT_TYPE_REFUSED'))
    const large = updateWith(opened, asset.id, 'x'.repeat(11))
    await assert.rejects(large, refused('BODY_TOO_LARGE', { limit: 10, size: 11 }))
    await setQuota(engine, call, { scope: 'bucket', name: 'photos' }, { bytesMax: 5 })
    const full = updateWith(opened, asset.id, 'two')
    await assert.rejects(full, refused('QUOTA_EXCEEDED', { current_usage: 3, limit: 5 }))
    await updateWith(opened, asset.id, 'ok')
  })
})
