import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import type { Call } from '@holdfast/core/call.ts'
import { createBucket, updateBucket } from '../buckets/buckets.ts'
import { setBucketDocument } from '../buckets/documents.ts'
import { commit } from '../commit.ts'
import { listObjectVersions } from '../objects/list-objects.ts'
import { setObjectTags } from '../objects/object-settings.ts'
import { putObject } from '../objects/put-object.ts'
import { removeObject } from '../objects/remove-object.ts'
import type { FacetsPatch } from '../objects/writes/settings-transaction.ts'
import {
  bytesOf,
  callOf,
  openTestStore,
  refused,
  type TestStore,
  textOf,
} from '../test-store.test.ts'
import { toldOfDeleted } from '../versions/open.ts'
import { removeVersion } from '../versions/remove.ts'
import { getAsset, getAssetByKey, openContent } from './get.ts'
import { removeAsset, removeBatch, restoreAsset } from './remove.ts'

const bucket = 'bin'
const key = 'k'
const writer = callOf({ id: 'writer', permissions: ['assets:write'] })
const forbidden = refused('FORBIDDEN')

async function withBucket(versioning: 'enabled' | 'suspended'): Promise<TestStore> {
  const opened = await openTestStore()
  await createBucket(opened.engine, opened.call, {
    name: bucket,
    settings: { versioning: 'enabled' },
  })
  await putText(opened, 'old')
  await updateBucket(opened.engine, opened.call, bucket, { versioning })
  return opened
}

async function putText({ engine, call }: TestStore, text: string): Promise<string> {
  const object = await putObject(engine, call, { bucket, key, source: bytesOf(text), facets: {} })
  return object.versionId
}

async function hide({ engine }: TestStore, versionId?: string): Promise<void> {
  const by = versionId === undefined ? writer : callOf({ permissions: ['versions:write'] })
  await removeObject(engine, by, { bucket, key, versionId })
}

async function idOf({ engine }: TestStore): Promise<string> {
  const found = await engine.catalog.view.buckets.byName(bucket)
  const asset = await engine.catalog.view.assets.byKey(found?.id ?? '', key)
  return asset?.id ?? ''
}

async function told({ engine }: TestStore, by: Call, id: string) {
  const asset = await getAsset(engine, by, id, { includeDeleted: true })
  const { size, sha256, contentType } = await toldOfDeleted(engine, by, asset)
  return [size, sha256, contentType]
}

async function shown({ engine, call }: TestStore): Promise<string> {
  const asset = await getAssetByKey(engine, call, bucket, key)
  const content = await openContent(engine, call, { asset })
  return textOf(await content.read())
}

async function listed({ engine, call }: TestStore): Promise<string[]> {
  const { versions } = await listObjectVersions(engine, call, { bucket, limit: 100 })
  return versions.map(({ versionId, isMarker, isLatest }) =>
    [versionId === 'null' ? 'null' : 'id', isMarker && 'marker', isLatest && 'latest']
      .filter(Boolean)
      .join(' '),
  )
}

/** The newest marker as former releases made it. */
async function forgetHidden(opened: TestStore): Promise<void> {
  const { engine, call } = opened
  const assetId = await idOf(opened)
  const query = { assetId, kinds: ['marker'], deleted: 'with', limit: 1 } as const
  const [marker] = await engine.catalog.view.versions.list(query)
  assert.ok(marker?.object?.hides)
  const patch = { hides: null } as object as FacetsPatch
  const args = {
    assetId,
    versionId: marker.id,
    isShown: false,
    patch,
    bypassGovernance: false,
    seen: [],
  }
  await commit(engine, call, { name: 'objects.set', args })
}

/** How older content comes to be what a deleted asset would show. */
const falls: Readonly<Record<string, (opened: TestStore) => Promise<unknown>>> = {
  'a null marker took the place of what was shown': async opened => {
    await updateBucket(opened.engine, opened.call, bucket, { versioning: 'suspended' })
    await putText(opened, 'new')
    await hide(opened)
  },
  'what a marker hid was removed for good': async opened => {
    const newest = await putText(opened, 'new')
    await hide(opened)
    await hide(opened, newest)
  },
  'what a marker hid was removed for good, and the asset hidden again': async opened => {
    const newest = await putText(opened, 'new')
    await hide(opened)
    await hide(opened, newest)
    await hide(opened)
  },
  'what covered an older marker was removed for good': async opened => {
    await hide(opened)
    await hide(opened, await putText(opened, 'new'))
  },
  'what covered an older marker was removed for good, and the asset hidden again': async opened => {
    await hide(opened)
    await hide(opened, await putText(opened, 'new'))
    await hide(opened)
  },
}

describe('restoring what was not shown when the asset was deleted', () => {
  for (const [why, fall] of Object.entries(falls)) {
    it(`is for who may read old versions: ${why}`, async () => {
      await using opened = await withBucket('enabled')
      const { engine, call } = opened
      await updateBucket(engine, call, bucket, { publicRead: true })
      await fall(opened)
      const id = await idOf(opened)
      await assert.rejects(restoreAsset(engine, writer, id), forbidden)
      const sighted = callOf({ permissions: ['assets:write', 'versions:read'] })
      assert.deepEqual(await told(opened, writer, id), [0, '', 'application/octet-stream'])
      const [size, sha256] = await told(opened, sighted, id)
      assert.equal(size, 3)
      assert.notEqual(sha256, '')
      assert.equal((await restoreAsset(engine, sighted, id)).deletedAt, null)
      assert.equal(await shown(opened), 'old')
    })
  }

  it('counts what is right below a marker as hidden by it, where that does not tell', async () => {
    await using opened = await withBucket('enabled')
    const { engine } = opened
    await putText(opened, 'new')
    await hide(opened)
    await forgetHidden(opened)
    assert.equal((await restoreAsset(engine, writer, await idOf(opened))).deletedAt, null)
    assert.equal(await shown(opened), 'new')
    const newest = (await engine.catalog.view.assets.byId(await idOf(opened)))?.versionId
    await hide(opened)
    await forgetHidden(opened)
    await hide(opened, newest)
    await assert.rejects(restoreAsset(engine, writer, await idOf(opened)), forbidden)
  })

  it('is not asked of what was shown: its record is told to who may write it', async () => {
    await using opened = await withBucket('enabled')
    await updateBucket(opened.engine, opened.call, bucket, { publicRead: true })
    await hide(opened)
    assert.equal((await told(opened, writer, await idOf(opened)))[0], 3)
  })

  it('is asked again where it is written', async () => {
    await using opened = await withBucket('enabled')
    const { engine, call } = opened
    const newest = await putText(opened, 'new')
    await hide(opened)
    const assetId = await idOf(opened)
    const { versionId } = (await engine.catalog.view.assets.byId(assetId)) ?? assert.fail()
    await hide(opened, newest)
    const after = (await engine.catalog.view.assets.byId(assetId)) ?? assert.fail()
    for (const judged of [versionId, after.versionId]) {
      const args = { assetId, versionId: judged, isSeen: false, isUntagged: false, seen: [] }
      const stale = commit(engine, call, { name: 'assets.restore', args })
      await assert.rejects(stale, refused('CHANGED_MEANWHILE'))
    }
  })

  it('is judged by what policies say of the old version and of its tags', async () => {
    await using opened = await withBucket('enabled')
    const { engine, call } = opened
    const asset = await getAssetByKey(engine, call, bucket, key)
    await setObjectTags(engine, call, { bucket, key, tags: [{ key: 'a', value: 'b' }] })
    await hide(opened)
    await hide(opened, await putText(opened, 'new'))
    const user = callOf({ id: 'user', permissions: ['assets:read', 'assets:write'] })
    for (const action of [
      's3:GetObjectVersion',
      's3:GetObjectVersionTagging',
      's3:PutObjectTagging',
    ]) {
      const Resource = `arn:aws:s3:::${bucket}/*`
      const statement = { Effect: 'Deny', Principal: '*', Action: action, Resource }
      const document = { Version: '2012-10-17', Statement: [statement] }
      await setBucketDocument(engine, call, { bucket, name: 'policy', document })
      await assert.rejects(restoreAsset(engine, user, asset.id), forbidden, action)
    }
    await setBucketDocument(engine, call, { bucket, name: 'policy', document: null })
    await restoreAsset(engine, user, asset.id)
    assert.equal(await shown(opened), 'old')
  })
})

describe('restoring', () => {
  it('of what was shown takes no more than writing, however often it was hidden', async () => {
    await using opened = await withBucket('enabled')
    const { engine } = opened
    await putText(opened, 'new')
    for (let n = 0; n < 3; n += 1) {
      for (let markers = 0; markers <= n; markers += 1) await hide(opened)
      await restoreAsset(engine, writer, await idOf(opened))
      assert.equal(await shown(opened), 'new')
      assert.deepEqual(await listed(opened), ['id latest', 'id'])
    }
  })

  it('leaves no marker that would hide the asset again', async () => {
    await using opened = await withBucket('enabled')
    const { engine } = opened
    const { versionId: first } = await getAssetByKey(engine, opened.call, bucket, key)
    await putText(opened, 'new')
    await hide(opened)
    await hide(opened)
    await restoreAsset(engine, writer, await idOf(opened))
    await hide(opened, first)
    assert.equal(await shown(opened), 'new')
  })

  it('brings back a version that was hidden, where all others were removed for good', async () => {
    await using opened = await withBucket('enabled')
    const { engine, call } = opened
    const { id, versionId: first } = await getAssetByKey(engine, call, bucket, key)
    const newest = await putText(opened, 'new')
    await removeVersion(engine, call, { assetId: id, version: first })
    await hide(opened, newest)
    await assert.rejects(restoreAsset(engine, writer, id), forbidden)
    await restoreAsset(engine, call, id)
    assert.equal(await shown(opened), 'old')
    assert.deepEqual(await listed(opened), ['id latest'])
  })
})

describe('a soft delete where versioning is suspended', () => {
  it('keeps what was shown, to be restored', async () => {
    await using opened = await withBucket('suspended')
    const { engine } = opened
    for (const remove of [
      (id: string) => removeAsset(engine, writer, id),
      (id: string) => removeBatch(engine, writer, [id]),
    ]) {
      await putText(opened, 'only copy')
      const id = await idOf(opened)
      await remove(id)
      assert.deepEqual(await listed(opened), ['id marker latest', 'null', 'id'])
      await restoreAsset(engine, writer, id)
      assert.equal(await shown(opened), 'only copy')
      assert.deepEqual(await listed(opened), ['null latest', 'id'])
    }
  })

  it('gives way by S3 alone', async () => {
    await using opened = await withBucket('suspended')
    await putText(opened, 'only copy')
    await hide(opened)
    assert.deepEqual(await listed(opened), ['null marker latest', 'id'])
  })
})
