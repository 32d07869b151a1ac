import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { getAsset, openContent } from '../assets/get.ts'
import { removeAsset } from '../assets/remove.ts'
import { mergeMetadata } from '../assets/update.ts'
import { updateBucket } from '../buckets/buckets.ts'
import { setQuota } from '../quotas/quotas.ts'
import { callOf, openVersions, put, refused, textOf, versionNumbers } from '../test-store.test.ts'
import { compareVersions } from './compare.ts'
import { assetHistory, getVersion, listVersions } from './list.ts'
import { openVersion } from './open.ts'
import { pruneVersions } from './prune.ts'
import { removeVersion } from './remove.ts'
import { rollbackVersion } from './rollback.ts'
import { tagVersion, updateVersion } from './update.ts'

describe('versions', () => {
  it('are listed newest first, in pages with a true total', async () => {
    await using set = await openVersions(5)
    const { engine, call, assetId } = set
    const page = await listVersions(engine, call, assetId, { limit: 2, offset: 1 })
    assert.deepEqual(
      page.items.map(version => version.number),
      [4, 3],
    )
    assert.equal(page.total, 5)
  })

  it('are found by id, number and name', async () => {
    await using set = await openVersions(2)
    const { engine, call, assetId } = set
    const first = await getVersion(engine, call, assetId, 1)
    assert.deepEqual(await getVersion(engine, call, assetId, first.id), first)
    assert.deepEqual(await getVersion(engine, call, assetId, first.id.toUpperCase()), first)
    assert.deepEqual(await getVersion(engine, call, assetId, '1'), first)
    assert.equal((await getVersion(engine, call, assetId, 'latest')).number, 2)
    const other = await put(set, 'other', 'x')
    for (const name of [0, 3, -1, 1.5, '01', 'x', '', other.version.id, '9'.repeat(30)]) {
      const wrong = getVersion(engine, call, assetId, name)
      await assert.rejects(wrong, refused('VERSION_NOT_FOUND'), String(name))
    }
  })

  it('are deleted softly, and their number is not used again', async () => {
    await using set = await openVersions(3)
    const { engine, call, assetId } = set
    const { version } = await put(set, 'k', 'body 4')
    await put(set, 'k', 'body 5')
    await removeVersion(engine, call, { assetId, version: 4 })
    assert.deepEqual(await versionNumbers(set, assetId), [5, 3, 2, 1])
    const again = removeVersion(engine, call, { assetId, version: version.id })
    await assert.rejects(again, refused('VERSION_NOT_FOUND'))
    const { items } = await listVersions(engine, call, assetId, { includeDeleted: true })
    assert.ok(items.find(one => one.number === 4)?.deletedAt)
    assert.equal((await engine.catalog.view.blobs.get(version.sha256))?.references, 1)
    assert.equal((await put(set, 'k', 'body 6')).version.number, 6)
  })

  it('can be deleted but for the current one', async () => {
    await using set = await openVersions(2)
    const { engine, call, assetId } = set
    for (const version of [2, 'latest']) {
      const wrong = removeVersion(engine, call, { assetId, version })
      await assert.rejects(wrong, refused('VERSION_CURRENT'))
    }
    assert.deepEqual(await versionNumbers(set, assetId), [2, 1])
  })

  it('take descriptions and metadata, never content', async () => {
    await using set = await openVersions(2)
    const { engine, call, assetId } = set
    const before = await getVersion(engine, call, assetId, 1)
    const target = { assetId, version: 1 }
    const patch = { description: 'the first', metadata: { number: null, seen: true } }
    const after = await updateVersion(engine, call, target, patch)
    const { description, metadata, seq } = after
    assert.deepEqual(after, { ...before, description, metadata, seq })
    assert.deepEqual([description, metadata], ['the first', { seen: true }])
    assert.equal((await getAsset(engine, call, assetId)).metadata.number, 2)
    const wrong = updateVersion(engine, call, target, { tag: { name: '' }, description: '\0' })
    await assert.rejects(wrong, refused('VALIDATION_ERROR'))
  })

  it('need their own permissions', async () => {
    await using set = await openVersions(2)
    const { engine, assetId } = set
    const reader = callOf({ permissions: ['versions:read'] })
    await listVersions(engine, reader, assetId)
    await assetHistory(engine, reader, assetId)
    const target = { assetId, version: 1 }
    for (const work of [
      removeVersion(engine, reader, target),
      rollbackVersion(engine, reader, target),
      pruneVersions(engine, reader, assetId),
      tagVersion(engine, reader, target, { name: 't' }),
    ]) {
      await assert.rejects(work, refused('FORBIDDEN', { permission: 'versions:write' }))
    }
    const assets = callOf({ permissions: ['assets:*'] })
    await assert.rejects(listVersions(engine, assets, assetId), refused('FORBIDDEN'))
  })
})

describe('the content of a version', () => {
  it('is for who may read the asset, by any of its names', async () => {
    await using set = await openVersions(2)
    const { engine, call, assetId } = set
    const reader = callOf({ permissions: ['assets:read'] })
    const asset = await getAsset(engine, reader, assetId.toUpperCase())
    const { id } = await getVersion(engine, call, assetId, 1)
    for (const version of [1, '1', id]) {
      const content = await openVersion(engine, reader, { asset, version })
      assert.equal(await textOf(await content.read()), 'body 1')
    }
    const missing = openVersion(engine, reader, { asset, version: 3 })
    await assert.rejects(missing, refused('VERSION_NOT_FOUND'))
    const other = openVersion(engine, callOf({}), { asset, version: 1 })
    await assert.rejects(other, refused('FORBIDDEN', { permission: 'assets:read' }))
  })
})

describe('tags', () => {
  it('name one version of an asset, with their time', async () => {
    await using set = await openVersions(2)
    const { engine, call, assetId } = set
    const tag = { name: 'print', description: 'sent to the printer' }
    const tagged = await tagVersion(engine, call, { assetId, version: 1 }, tag)
    assert.deepEqual(tagged.tags, [{ ...tag, taggedAt: '2026-01-02T00:00:00.000Z' }])
    for (const version of [1, 2]) {
      const taken = tagVersion(engine, call, { assetId, version }, { name: 'print' })
      await assert.rejects(taken, refused('VERSION_TAG_EXISTS', { tag: 'print', version: 1 }))
    }
    const two = await tagVersion(engine, call, { assetId, version: 1 }, { name: 'web' })
    assert.deepEqual(
      two.tags.map(one => one.name),
      ['print', 'web'],
    )
    const other = await put(set, 'other', 'x')
    await tagVersion(engine, call, { assetId: other.asset.id, version: 1 }, tag)
  })
})

describe('rolling back', () => {
  it('makes old content a new version, and the history only grows', async () => {
    await using set = await openVersions(3)
    const { engine, call, assetId } = set
    const target = { assetId, version: 1 }
    const { asset, version } = await rollbackVersion(engine, call, target, { createdBy: 'ann' })
    assert.deepEqual([version.number, version.change, version.createdBy], [4, 'rollback', 'ann'])
    assert.deepEqual(version.metadata, {
      number: 3,
      rollback_from: 1,
      rollback_at: '2026-01-03T00:00:00.000Z',
    })
    assert.deepEqual(asset.metadata, { number: 3 })
    assert.equal(asset.versionId, version.id)
    const content = await openContent(engine, call, { asset })
    assert.equal(await textOf(await content.read()), 'body 1')
    assert.deepEqual(await versionNumbers(set, assetId), [4, 3, 2, 1])
    assert.equal((await engine.catalog.view.blobs.get(asset.sha256))?.references, 2)
  })

  it('to the current content is a version too: it was wished for', async () => {
    await using set = await openVersions(1)
    const { engine, call, assetId } = set
    const { version } = await rollbackVersion(engine, call, { assetId, version: 1 })
    assert.equal(version.number, 2)
  })

  it('obeys If-Match, quotas and deletion', async () => {
    await using set = await openVersions(2)
    const { engine, call, assetId } = set
    const target = { assetId, version: 1 }
    const stale = rollbackVersion(engine, call, target, { ifMatch: ['0'.repeat(64)] })
    await assert.rejects(stale, refused('PRECONDITION_FAILED'))
    await setQuota(engine, call, { scope: 'bucket', name: 'photos' }, { bytesMax: 12 })
    await assert.rejects(rollbackVersion(engine, call, target), refused('QUOTA_EXCEEDED'))
    await setQuota(engine, call, { scope: 'bucket', name: 'photos' }, {})
    await put(set, 'k', 'body 3')
    await removeVersion(engine, call, { assetId, version: 2 })
    const gone = rollbackVersion(engine, call, { assetId, version: 2 })
    await assert.rejects(gone, refused('VERSION_NOT_FOUND'))
    await removeAsset(engine, call, assetId)
    await assert.rejects(rollbackVersion(engine, call, target), refused('ASSET_DELETED'))
  })

  it('obeys the rules that the bucket has now', async () => {
    await using opened = await openVersions(2)
    const { engine, call, assetId } = opened
    const target = { assetId, version: 1 }
    await updateBucket(engine, call, 'photos', { assetBytesMax: 5 })
    await assert.rejects(rollbackVersion(engine, call, target), refused('BODY_TOO_LARGE'))
    const contentTypes = ['image/*']
    await updateBucket(engine, call, 'photos', { assetBytesMax: 6, contentTypes })
    await assert.rejects(rollbackVersion(engine, call, target), refused('CONTENT_TYPE_REFUSED'))
    await updateBucket(engine, call, 'photos', { contentTypes: [] })
    assert.equal((await rollbackVersion(engine, call, target)).version.number, 3)
  })

  it('without versioning leaves the content rolled back to, under a new number', async () => {
    await using set = await openVersions(3)
    const { engine, call, assetId } = set
    await updateBucket(engine, call, 'photos', { versioning: 'disabled' })
    const { asset } = await rollbackVersion(engine, call, { assetId, version: 1 })
    assert.equal(asset.versionNumber, 4)
    assert.deepEqual(await versionNumbers(set, assetId), [4, 2, 1])
    const content = await openContent(engine, call, { asset })
    assert.equal(await textOf(await content.read()), 'body 1')
  })
})

describe('comparing', () => {
  it('tells size, checksum and metadata apart', async () => {
    await using set = await openVersions(1)
    const { engine, call, assetId } = set
    await mergeMetadata(engine, call, assetId, { number: 9, added: { a: [1] } })
    await put(set, 'k', 'a longer body')
    const result = await compareVersions(engine, call, assetId, { from: 1, to: 'latest' })
    assert.deepEqual([result.from.number, result.to.number], [1, 2])
    assert.deepEqual([result.sizeDiff, result.checksumChanged], [7, true])
    assert.deepEqual(result.metadataChanges, {
      added: { added: { a: [1] } },
      removed: {},
      changed: { number: { old: 1, new: 9 } },
    })
    const same = await compareVersions(engine, call, assetId, { from: 1, to: 1 })
    assert.deepEqual([same.sizeDiff, same.checksumChanged], [0, false])
    const back = await compareVersions(engine, call, assetId, { from: 2, to: 1 })
    assert.deepEqual(back.metadataChanges.removed, { added: { a: [1] } })
  })
})

describe('the history of an asset', () => {
  it('tells who did what when, newest first, to the end', async () => {
    await using set = await openVersions(2)
    const { engine, call, assetId } = set
    await mergeMetadata(engine, call, assetId, { a: 1 })
    await rollbackVersion(engine, call, { assetId, version: 1 })
    await removeAsset(engine, call, assetId)
    const { items, total } = await assetHistory(engine, call, assetId)
    assert.equal(total, 5)
    assert.deepEqual(
      items.map(change => change.what),
      ['asset.deleted', 'version.created', 'asset.updated', 'version.created', 'asset.created'],
    )
    assert.ok(items.every(change => change.actor === 'system' && change.requestId === 'test'))
    assert.deepEqual(items[1]?.detail.rollback_from, 1)
    const page = await assetHistory(engine, call, assetId, { limit: 2, offset: 3 })
    assert.deepEqual(page.items, items.slice(3))
  })
})
