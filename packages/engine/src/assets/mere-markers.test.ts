import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import type { Call } from '@holdfast/core/call.ts'
import { rightsOf } from '@holdfast/core/roles.ts'
import { explainAccess } from '../access/explain.ts'
import { presignUpload } from '../access/links/presign.ts'
import { createBucket } from '../buckets/buckets.ts'
import { setBucketDocument } from '../buckets/documents.ts'
import { completeUpload } from '../multipart/complete-upload.ts'
import { uploadPart } from '../multipart/upload-part.ts'
import { abortUpload, createUpload } from '../multipart/uploads.ts'
import { copyObject } from '../objects/copy-object.ts'
import { getObject } from '../objects/find-object.ts'
import { putObject } from '../objects/put-object.ts'
import { removeObject } from '../objects/remove-object.ts'
import { setQuota } from '../quotas/quotas.ts'
import {
  bytesOf,
  callOf,
  interrupted,
  openTestStore,
  refused,
  type TestStore,
} from '../test-store.test.ts'
import { removeVersion } from '../versions/remove.ts'
import { putAsset } from './put.ts'
import { removeAssetByKey } from './remove.ts'
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

/** What bob leaves: a marker, and a list that names him and nobody else. */
async function leaveMarker(opened: TestStore) {
  const { engine } = opened
  const { asset, versionId } = await putText(opened, bob)
  const both = [bob.principal.id]
  await updateAsset(engine, bob, asset.id, { acl: { read: both, write: both } })
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

describe('the list of a mere marker says nothing of what comes to its key', () => {
  for (const [name, way] of Object.entries(ways)) {
    it(`by ${name}`, async () => {
      await using opened = await openAnns()
      const { engine } = opened
      const id = await leaveMarker(opened)
      await assert.rejects(putText(opened, bob), forbidden)
      await way(opened)
      const { asset } = await getObject(engine, ann, { bucket, key })
      assert.deepEqual([asset.id, asset.ownerId, asset.acl], [id, ann.principal.id, null])
      assert.notEqual(asset.createdBy, 'bob')
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
