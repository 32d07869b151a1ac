import assert from 'node:assert/strict'
import { describe, it, test } from 'node:test'
import type { Call } from '@holdfast/core/call.ts'
import type { JsonObject } from '@holdfast/core/records.ts'
import { rightsOf } from '@holdfast/core/roles.ts'
import { createBucket, updateBucket } from '../buckets/buckets.ts'
import { setBucketDocument } from '../buckets/documents.ts'
import type { Engine } from '../engine.ts'
import { completeUpload } from '../multipart/complete-upload.ts'
import { uploadPart } from '../multipart/upload-part.ts'
import { createUpload } from '../multipart/uploads.ts'
import { copyObject, renameObject } from '../objects/copy-object.ts'
import { putObject } from '../objects/put-object.ts'
import { removeObject } from '../objects/remove-object.ts'
import { bytesOf, callOf, openTestStore, refused, type TestStore } from '../test-store.test.ts'
import { copyAsset, moveAsset } from './move.ts'
import { putAsset } from './put.ts'
import { removeAsset, restoreAsset } from './remove.ts'
import { putBatch, stageUpload } from './stage.ts'
import { updateAsset } from './update.ts'

const bucket = 'anns'
const idOf = (digit: string) => `0199d0c0-0000-7000-8000-00000000000${digit}`
const ann = callOf({ kind: 'user', id: idOf('a'), name: 'ann', ...rightsOf(['USER']) })
const bob = callOf({ kind: 'user', id: idOf('b'), name: 'bob', ...rightsOf(['USER']) })
const forbidden = refused('FORBIDDEN', { permission: 'assets:write' })
const INBOX = 'inbox/*'

/** A bucket of ann's, in which bob may put and delete what his keys are. */
async function openAnns(keys = INBOX) {
  const opened = await openTestStore()
  const settings = { versioning: 'disabled', publicRead: true } as const
  await createBucket(opened.engine, ann, { name: bucket, settings })
  await letBob(opened, keys)
  return opened
}

async function letBob({ engine }: TestStore, keys: string, more: JsonObject[] = []) {
  const statement = {
    Effect: 'Allow',
    Principal: { AWS: bob.principal.id },
    Action: ['s3:PutObject', 's3:PutObjectTagging', 's3:PutObjectAcl', 's3:DeleteObject'],
    Resource: `arn:aws:s3:::${bucket}/${keys}`,
  }
  const document = { Version: '2012-10-17', Statement: [statement, ...more] }
  await setBucketDocument(engine, ann, { bucket, name: 'policy', document })
}

const fieldsOf = (call: Call, key: string) => {
  const ownerId = call.principal.id
  return { bucket, key, service: 'test', ownerId, mode: 'replace' } as const
}

async function putBy({ engine }: TestStore, call: Call, key: string) {
  return (await putAsset(engine, call, { ...fieldsOf(call, key), source: bytesOf('x') })).asset
}

type Way = (engine: Engine, id: string, key: string) => Promise<unknown>

/** Every way to a key that nothing holds. The asset is bob's, at `inbox/mine`. */
const ways: Readonly<Record<string, Way>> = {
  move: (engine, id, key) => moveAsset(engine, bob, id, { key }),
  copy: (engine, id, key) => copyAsset(engine, bob, id, { key }),
  put: (engine, _, key) => putAsset(engine, bob, { ...fieldsOf(bob, key), source: bytesOf('x') }),
  'put of several': async (engine, _, key) => {
    const upload = await stageUpload(engine, bob, bytesOf('x'))
    try {
      const items = [{ upload, input: fieldsOf(bob, key) }]
      const [one] = await putBatch(engine, bob, items, { atomic: true })
      if (one?.ok === false) throw one.error
    } finally {
      await upload.discard()
    }
  },
  'rename of S3': (engine, _, key) =>
    renameObject(engine, bob, { bucket, from: 'inbox/mine', to: key }),
  'copy of S3': (engine, _, key) => {
    const ends = { from: { bucket, key: 'inbox/mine' }, to: { bucket, key } }
    return copyObject(engine, bob, { ...ends, replaceMetadata: false, facets: {} })
  },
  'put of S3': (engine, _, key) =>
    putObject(engine, bob, { bucket, key, facets: {}, source: bytesOf('x') }),
  'parts of S3': async (engine, _, key) => {
    const { id: uploadId } = await createUpload(engine, bob, { bucket, key, facets: {} })
    const part = { bucket, key, uploadId, number: 1, source: bytesOf('x') }
    const { md5: etag } = await uploadPart(engine, bob, part)
    const parts = [{ number: 1, etag }]
    return await completeUpload(engine, bob, { bucket, key, uploadId, parts })
  },
}

describe('who may write only under one prefix puts nothing elsewhere', () => {
  for (const [name, way] of Object.entries(ways)) {
    it(`by ${name}`, async () => {
      await using opened = await openAnns()
      const { engine } = opened
      const { id } = await putBy(opened, bob, 'inbox/mine')
      await assert.rejects(way(engine, id, 'index.html'), forbidden)
      const { id: bucketId = '' } = (await engine.catalog.view.buckets.byName(bucket)) ?? {}
      assert.equal(await engine.catalog.view.assets.byKey(bucketId, 'index.html'), undefined)
      assert.equal((await engine.catalog.view.assets.byId(id))?.key, 'inbox/mine')
      await way(engine, id, 'inbox/other')
    })
  }

  it('by its own right, which a grant on a prefix lets in', async () => {
    await using opened = await openAnns('nowhere')
    const { engine } = opened
    const grants = [{ bucket, prefix: 'pub/', permissions: ['assets:write'] }]
    const granted = callOf({ ...bob.principal, grants })
    const { id } = await putBy(opened, granted, 'pub/a')
    for (const key of ['zz', 'index.html']) {
      await assert.rejects(moveAsset(engine, granted, id, { key }), forbidden)
    }
    assert.equal((await moveAsset(engine, granted, id, { key: 'pub/b' })).key, 'pub/b')
  })

  it('by being named in the access list of an asset', async () => {
    await using opened = await openAnns('nowhere')
    const { engine } = opened
    const { id } = await putBy(opened, ann, 'shared')
    const both = [bob.principal.id]
    await updateAsset(engine, ann, id, { acl: { read: both, write: both } })
    await assert.rejects(moveAsset(engine, bob, id, { key: 'index.html' }), forbidden)
    await assert.rejects(moveAsset(engine, bob, id, { bucket: 'photos' }))
    // What it is called is no key.
    assert.equal((await moveAsset(engine, bob, id, { name: 'other' })).name, 'other')
    await moveAsset(engine, ann, id, { key: 'moved' })
  })
})

test('what lies in the trash comes back to its key only by who may put there', async () => {
  await using opened = await openAnns()
  const { engine } = opened
  const { id } = await putBy(opened, bob, 'inbox/mine')
  await removeAsset(engine, ann, id)
  await letBob(opened, 'nowhere')
  await assert.rejects(restoreAsset(engine, bob, id), forbidden)
  await letBob(opened, INBOX)
  await restoreAsset(engine, bob, id)
  await letBob(opened, 'nowhere')
  await removeAsset(engine, bob, id)
  await restoreAsset(engine, ann, id)
})

test('the marker that a delete of a free key leaves opens it to nobody', async () => {
  await using opened = await openAnns()
  const { engine } = opened
  await updateBucket(engine, ann, bucket, { versioning: 'enabled' })
  const statement = {
    Effect: 'Allow',
    Principal: { AWS: bob.principal.id },
    Action: 's3:DeleteObject',
    Resource: `arn:aws:s3:::${bucket}/*`,
  }
  await letBob(opened, INBOX, [statement])
  for (const key of ['index.html', 'inbox/free']) await removeObject(engine, bob, { bucket, key })
  await assert.rejects(putBy(opened, bob, 'index.html'), forbidden)
  const object = { bucket, key: 'index.html', facets: {}, source: bytesOf('x') }
  await assert.rejects(putObject(engine, bob, object), forbidden)
  await putBy(opened, bob, 'inbox/free')
  await putBy(opened, bob, 'inbox/mine')
  const rename = { bucket, from: 'inbox/mine', to: 'index.html' }
  await assert.rejects(renameObject(engine, bob, rename), forbidden)
  const { ownerId } = await putBy(opened, ann, 'index.html')
  assert.equal(ownerId, ann.principal.id)
  await removeObject(engine, bob, { bucket, key: 'secret' })
  const { asset } = await putObject(engine, ann, { ...object, key: 'secret', source: bytesOf('y') })
  assert.equal(asset.ownerId, ann.principal.id)
})
