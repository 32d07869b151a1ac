import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import type { Versioning } from '@holdfast/core/records.ts'
import { updateBucket } from '../buckets/buckets.ts'
import { removeObject } from '../objects/remove-object.ts'
import { callOf, interrupted, openTestStore, put, refused } from '../test-store.test.ts'
import { removeVersion } from '../versions/remove.ts'
import { removeAsset, restoreAsset } from './remove.ts'

const at = { bucket: 'photos', key: 'k' }
const writer = callOf({ kind: 'api_key', id: 'writer', permissions: ['assets:write'] })
const closed = refused('FORBIDDEN', { permission: 'assets:read' })

/** An asset of two versions, in a bucket that is public. */
async function openTwo(versioning: Versioning = 'enabled') {
  const opened = await openTestStore()
  const { engine, call } = opened
  await updateBucket(engine, call, 'photos', { versioning: 'enabled', publicRead: true })
  const { asset } = await put(opened, 'k', 'secret')
  await updateBucket(engine, call, 'photos', { versioning })
  const { version } = await put(opened, 'k', 'redacted')
  return { ...opened, id: asset.id, versionId: version.id }
}

describe('a restore that would show another version than when it was deleted', () => {
  it('is for who may read old ones: the marker took the place of what was shown', async () => {
    await using opened = await openTwo('suspended')
    const { engine, call, id } = opened
    await removeAsset(engine, writer, id)
    await assert.rejects(restoreAsset(engine, writer, id), closed)
    await removeObject(engine, writer, at)
    await assert.rejects(restoreAsset(engine, writer, id), closed)
    assert.equal((await restoreAsset(engine, call, id)).versionNumber, 1)
  })

  it('is for who may read old ones: somebody removed what was shown', async () => {
    await using opened = await openTwo()
    const { engine, call, id, versionId } = opened
    await removeAsset(engine, writer, id)
    const removes = () => removeObject(engine, call, { ...at, versionId })
    await assert.rejects(restoreAsset(interrupted(opened, removes), writer, id), closed)
    await assert.rejects(restoreAsset(engine, writer, id), closed)
    const reader = callOf({ permissions: ['assets:read', 'assets:write'] })
    assert.equal((await restoreAsset(engine, reader, id)).versionNumber, 1)
    await removeAsset(engine, writer, id)
    await restoreAsset(engine, writer, id)
  })

  it('is for who may read old ones: none is left but one that was deleted', async () => {
    await using opened = await openTwo()
    const { engine, call, id, versionId } = opened
    await removeVersion(engine, call, { assetId: id, version: 1 })
    await removeObject(engine, call, { ...at, versionId })
    assert.equal((await engine.catalog.view.assets.byId(id))?.trashed, true)
    await assert.rejects(restoreAsset(engine, writer, id), closed)
  })
})

it('a restore of what was shown takes the right to write alone', async () => {
  for (const versioning of ['enabled', 'disabled', 'suspended'] as const) {
    await using opened = await openTwo(versioning)
    const { engine, id } = opened
    if (versioning === 'suspended')
      await updateBucket(engine, opened.call, 'photos', { versioning: 'enabled' })
    for (let count = 0; count < 2; count += 1) {
      await removeAsset(engine, writer, id)
      if (versioning === 'enabled') await removeObject(engine, writer, at)
      assert.equal((await restoreAsset(engine, writer, id)).versionNumber, 2)
    }
  }
})
