import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import type { Call } from '@holdfast/core/call.ts'
import { rightsOf } from '@holdfast/core/roles.ts'
import { explainAccess } from '../access/explain.ts'
import { presignUpload } from '../access/links/presign.ts'
import { createBucket, updateBucket } from '../buckets/buckets.ts'
import { setBucketDocument } from '../buckets/documents.ts'
import { completeUpload } from '../multipart/complete-upload.ts'
import { uploadPart } from '../multipart/upload-part.ts'
import { abortUpload, createUpload } from '../multipart/uploads.ts'
import { copyObject, renameObject } from '../objects/copy-object.ts'
import { getObject } from '../objects/find-object.ts'
import { listObjectVersions } from '../objects/list-objects.ts'
import { putObject } from '../objects/put-object.ts'
import { removeObject } from '../objects/remove-object.ts'
import { setQuota } from '../quotas/quotas.ts'
import { listShared, openShare } from '../sharing/open-share.ts'
import { createShare } from '../sharing/shares.ts'
import {
  bytesOf,
  callOf,
  interrupted,
  openTestStore,
  refused,
  type TestStore,
} from '../test-store.test.ts'
import { assetHistory } from '../versions/list.ts'
import { removeVersion } from '../versions/remove.ts'
import { getAsset } from './get.ts'
import { copyAsset, moveAsset } from './move.ts'
import { putAsset } from './put.ts'
import { removeAssetByKey, restoreAsset } from './remove.ts'
import { updateAsset } from './update.ts'

const bucket = 'anns'
const key = 'report'
const idOf = (digit: string) => `0199d0c0-0000-7000-8000-00000000000${digit}`
const ann = callOf({ kind: 'user', id: idOf('a'), name: 'ann', ...rightsOf(['USER']) })
const bob = callOf({ kind: 'user', id: idOf('b'), name: 'bob', ...rightsOf(['USER']) })
const forbidden = refused('FORBIDDEN', { permission: 'assets:write' })

/** A bucket of ann's, in which bob may do all with objects. */
async function openAnns() {
  const opened = await openTestStore()
  const { engine } = opened
  await createBucket(engine, ann, { name: bucket, settings: { versioning: 'enabled' } })
  await letBob(opened, true)
  return opened
}

async function letBob({ engine }: TestStore, isLet: boolean) {
  const statement = {
    Effect: 'Allow',
    Principal: { AWS: bob.principal.id },
    Action: 's3:*',
    Resource: `arn:aws:s3:::${bucket}/*`,
  }
  const document = isLet ? { Version: '2012-10-17', Statement: [statement] } : null
  await setBucketDocument(engine, ann, { bucket, name: 'policy', document })
}

function putText({ engine }: Pick<TestStore, 'engine'>, call: Call, text = 'x') {
  return putObject(engine, call, { bucket, key, facets: {}, source: bytesOf(text) })
}

const fieldsOf = ({ principal: { id: ownerId } }: Call) => {
  return { bucket, key, service: 'test', ownerId, mode: 'replace' } as const
}

/** What bob leaves: a marker, a list that names him and nobody else, and a past. */
async function leaveMarker(opened: TestStore) {
  const { engine } = opened
  const { asset, versionId } = await putText(opened, bob)
  const both = [bob.principal.id]
  await updateAsset(engine, bob, asset.id, { acl: { read: both, write: both } })
  await updateAsset(engine, bob, asset.id, { metadata: { pin: '1234' }, name: 'bobs' })
  await removeObject(engine, bob, { bucket, key })
  await removeObject(engine, bob, { bucket, key, versionId })
  await letBob(opened, false)
  return asset.id
}

/** Every way of ann's to the key. */
const ways: Readonly<Record<string, (opened: TestStore) => Promise<unknown>>> = {
  put: ({ engine }) => putAsset(engine, ann, { ...fieldsOf(ann), source: bytesOf('y') }),
  form: ({ engine }) => {
    const fields = { ...fieldsOf(ann), mode: 'create' } as const
    return putAsset(engine, ann, { ...fields, source: bytesOf('y') })
  },
  'put of S3': opened => putText(opened, ann, 'y'),
  'copy of S3': async ({ engine }) => {
    await putAsset(engine, ann, { ...fieldsOf(ann), key: 'source', source: bytesOf('y') })
    const ends = { from: { bucket, key: 'source' }, to: { bucket, key } }
    await copyObject(engine, ann, { ...ends, replaceMetadata: false, facets: {} })
  },
  copy: async ({ engine }) => {
    const source = { ...fieldsOf(ann), key: 'source', source: bytesOf('y') }
    const { asset } = await putAsset(engine, ann, source)
    await copyAsset(engine, ann, asset.id, { key })
  },
  'parts of S3': async ({ engine }) => {
    const { id: uploadId } = await createUpload(engine, ann, { bucket, key, facets: {} })
    const part = { bucket, key, uploadId, number: 1, source: bytesOf('y') }
    const { md5: etag } = await uploadPart(engine, ann, part)
    const own = refused('FORBIDDEN')
    await assert.rejects(uploadPart(engine, bob, { ...part, source: bytesOf('z') }), own)
    await assert.rejects(abortUpload(engine, bob, { bucket, key, uploadId }), own)
    await completeUpload(engine, ann, { bucket, key, uploadId, parts: [{ number: 1, etag }] })
  },
}

/** What ann put has nothing of what was there but the marker, which S3 lists. */
async function noPast({ engine }: TestStore, id: string) {
  await assert.rejects(getAsset(engine, ann, id), refused('ASSET_NOT_FOUND'))
  const { asset } = await getObject(engine, ann, { bucket, key })
  const { items, total } = await assetHistory(engine, ann, asset.id)
  assert.deepEqual([total, ...items.map(({ what }) => what)], [1, 'asset.created'])
  const { versions } = await listObjectVersions(engine, ann, { bucket, prefix: key, limit: 9 })
  assert.deepEqual(
    versions.map(({ isMarker, isLatest }) => [isMarker, isLatest]),
    [
      [false, true],
      [true, false],
    ],
  )
  const query = { assetId: asset.id, deleted: 'with', limit: 9 } as const
  assert.doesNotMatch(JSON.stringify(await engine.catalog.view.versions.list(query)), /1234/)
}

describe('the list of a mere marker says nothing of what comes to its key', () => {
  for (const [name, way] of Object.entries(ways)) {
    it(`by ${name}`, async () => {
      await using opened = await openAnns()
      const { engine } = opened
      const id = await leaveMarker(opened)
      await assert.rejects(putText(opened, bob), forbidden)
      await way(opened)
      const { asset } = await getObject(engine, ann, { bucket, key })
      assert.deepEqual([asset.ownerId, asset.acl], [ann.principal.id, null])
      assert.notEqual(asset.createdBy, 'bob')
      await noPast(opened, id)
      await assert.rejects(getObject(engine, bob, { bucket, key }), refused('FORBIDDEN'))
      await assert.rejects(putText(opened, bob), forbidden)
    })
  }

  it('nor of deletes, links and explanations', async () => {
    await using opened = await openAnns()
    const { engine } = opened
    await leaveMarker(opened)
    await assert.rejects(removeObject(engine, bob, { bucket, key }), forbidden)
    const { versionId } = await removeObject(engine, ann, { bucket, key })
    await removeObject(engine, ann, { bucket, key, versionId: versionId ?? '' })
    await presignUpload(engine, ann, { ...fieldsOf(ann), sizeMax: 9 })
    await assert.rejects(presignUpload(engine, bob, { ...fieldsOf(bob), sizeMax: 9 }), forbidden)
    const question = { permission: 'assets:write', bucket, key } as const
    assert.equal((await explainAccess(engine, bob, question)).allowed, false)
    assert.equal((await explainAccess(engine, ann, question)).allowed, true)
  })
})

describe('a key of nothing but the markers of another is free', () => {
  const putAt = async ({ engine }: TestStore, at: string) => {
    return (await putAsset(engine, ann, { ...fieldsOf(ann), key: at, source: bytesOf('y') })).asset
  }

  it('for a move', async () => {
    await using opened = await openAnns()
    const { engine } = opened
    const marked = await leaveMarker(opened)
    const { id } = await putAt(opened, 'source')
    await moveAsset(engine, ann, id, { key })
    assert.equal((await getObject(engine, ann, { bucket, key })).asset.id, id)
    assert.equal((await engine.catalog.view.assets.byId(marked))?.trashed, true)
  })

  it('for what comes back from the trash', async () => {
    await using opened = await openAnns()
    const { engine } = opened
    const { id } = await putAt(opened, key)
    const { id: other } = await putAt(opened, 'other')
    await renameObject(engine, ann, { bucket, from: 'other', to: key })
    await moveAsset(engine, ann, other, { key: 'elsewhere' })
    await leaveMarker(opened)
    await restoreAsset(engine, ann, id)
    assert.equal((await getObject(engine, ann, { bucket, key })).asset.id, id)
  })

  it('but not what a marker hides', async () => {
    await using opened = await openAnns()
    const { engine } = opened
    await putText(opened, bob)
    await removeObject(engine, bob, { bucket, key })
    const { id } = await putAt(opened, 'source')
    await assert.rejects(moveAsset(engine, ann, id, { key }), refused('ASSET_EXISTS'))
    await assert.rejects(copyAsset(engine, ann, id, { key }), refused('ASSET_EXISTS'))
  })
})

it('a share of what was there opens nothing of what comes', async () => {
  await using opened = await openAnns()
  const { engine, call } = opened
  const { asset, versionId } = await putText(opened, bob)
  const { token } = await createShare(engine, call, { target: { assetId: asset.id } })
  await removeObject(engine, bob, { bucket, key })
  await removeObject(engine, bob, { bucket, key, versionId })
  await putText(opened, ann)
  const share = await openShare(engine, call, { token, password: undefined })
  await assert.rejects(listShared(engine, share, {}), refused('SHARE_NOT_FOUND'))
})

it('who puts over the own marker goes on with the asset', async () => {
  await using opened = await openAnns()
  const id = await leaveMarker(opened)
  await letBob(opened, true)
  assert.equal((await putText(opened, bob)).asset.id, id)
})

it('very many markers do not hold up a put: the newest go to the trash', async () => {
  await using opened = await openAnns()
  const { engine } = opened
  const id = await leaveMarker(opened)
  await letBob(opened, true)
  for (let more = 0; more < 260; more++) await removeObject(engine, bob, { bucket, key })
  const { asset } = await putText(opened, ann)
  const count = (assetId: string) => {
    return engine.catalog.view.versions.count({ assetId, deleted: 'with' })
  }
  assert.deepEqual([await count(asset.id), await count(id)], [251, 11])
  const trashed = await engine.catalog.view.assets.byId(id)
  assert.equal(trashed?.trashed, true)
  const named = await engine.catalog.view.versions.briefById(trashed?.versionId ?? '')
  assert.equal(named?.assetId, id)
  const { versions } = await listObjectVersions(engine, ann, { bucket, limit: 1000 })
  for (const { versionId } of versions) await removeObject(engine, ann, { bucket, key, versionId })
  assert.equal(await engine.catalog.view.assets.byId(asset.id), undefined)
  await assert.rejects(restoreAsset(engine, bob, id), refused('VERSION_NOT_FOUND'))
})

for (const versioning of ['suspended', 'disabled'] as const) {
  it(`no null marker stays beside what is put where versioning is ${versioning}`, async () => {
    await using opened = await openTestStore()
    const { engine, call } = opened
    await createBucket(engine, call, { name: bucket, settings: { versioning: 'enabled' } })
    await removeObject(engine, bob, { bucket, key })
    await updateBucket(engine, call, bucket, { versioning: 'suspended' })
    await removeObject(engine, bob, { bucket, key })
    if (versioning === 'disabled') {
      await updateBucket(engine, call, bucket, { versioning })
    }
    const { asset } = await putText(opened, ann)
    const query = { assetId: asset.id, deleted: 'with', limit: 9 } as const
    const kinds = (await engine.catalog.view.versions.list(query)).map(({ kind }) => kind)
    const expected = versioning === 'disabled' ? ['content'] : ['content', 'marker']
    assert.deepEqual(kinds, expected)
  })
}

it('content that was deleted, but is kept, still holds its key', async () => {
  await using opened = await openAnns()
  const { engine } = opened
  const { asset } = await putText(opened, bob)
  const { versionId } = await putText(opened, bob, 'y')
  await removeVersion(engine, bob, { assetId: asset.id, version: 1 })
  await removeObject(engine, bob, { bucket, key })
  await removeObject(engine, bob, { bucket, key, versionId })
  assert.equal((await engine.catalog.view.assets.byId(asset.id))?.sha256, '')
  const next = await putText(opened, ann)
  assert.deepEqual([next.asset.id, next.asset.ownerId], [asset.id, bob.principal.id])
})

it('a key that lost its content while a put was on its way is asked for anew', async () => {
  await using opened = await openAnns()
  const { engine } = opened
  await letBob(opened, false)
  const { asset, versionId } = await putText(opened, ann)
  const both = [bob.principal.id]
  await updateAsset(engine, ann, asset.id, { acl: { read: both, write: both } })
  const empties = async () => {
    await removeObject(engine, ann, { bucket, key })
    await removeObject(engine, ann, { bucket, key, versionId })
  }
  const racing = interrupted(opened, empties)
  // One that is asked for anew as it is, since no record has it.
  const unknown = callOf({ ...bob.principal, kind: 'api_key' })
  await assert.rejects(putText({ engine: racing }, unknown), forbidden)
  assert.equal((await engine.catalog.view.assets.byId(asset.id))?.ownerId, ann.principal.id)
})

describe('who puts over a mere marker of another pays', () => {
  const MiB = 1024 * 1024
  const owner = (call: Call) => ({ scope: 'owner', name: call.principal.id }) as const
  const putLarge = ({ engine }: TestStore) => {
    const chunks = Array.from({ length: 4 }, () => Buffer.alloc(MiB))
    return putAsset(engine, ann, { ...fieldsOf(ann), source: bytesOf(...chunks) })
  }

  it('for the bytes, also while they come', async () => {
    await using opened = await openAnns()
    const { engine, call } = opened
    await leaveMarker(opened)
    await setQuota(engine, call, owner(bob), { bytesMax: 0 })
    await setQuota(engine, call, owner(ann), { bytesMax: 2 * MiB })
    const details = { owner: ann.principal.id, limit: 2 * MiB }
    await assert.rejects(putLarge(opened), refused('QUOTA_EXCEEDED', details))
    await setQuota(engine, call, owner(ann), { bytesMax: 4 * MiB })
    await putLarge(opened)
  })

  it('for one asset more, unless it was the own marker', async () => {
    await using opened = await openAnns()
    const { engine, call } = opened
    await leaveMarker(opened)
    await setQuota(engine, call, owner(ann), { assetsMax: 0 })
    const details = { scope: 'owner', measure: 'assets', limit: 0 }
    await assert.rejects(putText(opened, ann), refused('QUOTA_EXCEEDED', details))
    await removeAssetByKey(engine, call, { bucket, key }, { hard: true })
    await removeObject(engine, ann, { bucket, key })
    await setQuota(engine, call, owner(ann), { assetsMax: 1 })
    await putText(opened, ann)
    const usage = await engine.catalog.view.quotas.usage('owner', ann.principal.id)
    assert.deepEqual(usage, { assets: 1, bytes: 1 })
  })
})
