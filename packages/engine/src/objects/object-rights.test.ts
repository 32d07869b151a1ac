import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import type { Call } from '@holdfast/core/call.ts'
import type { ErrorCode } from '@holdfast/core/errors.ts'
import type { JsonObject } from '@holdfast/core/records.ts'
import { listAssets } from '../assets/list.ts'
import { moveAsset } from '../assets/move.ts'
import { setBucketDocument } from '../buckets/documents.ts'
import { commit } from '../commit.ts'
import { completeUpload } from '../multipart/complete-upload.ts'
import { uploadPart } from '../multipart/upload-part.ts'
import { abortUpload, createUpload, listParts } from '../multipart/uploads.ts'
import { bytesOf, callOf, openTestStore, put, refusedWith } from '../test-store.test.ts'
import { copyObject, renameObject } from './copy-object.ts'
import { getObject } from './find-object.ts'
import { listObjects, listObjectVersions } from './list-objects.ts'
import { setObjectTags } from './object-settings.ts'
import { putObject } from './put-object.ts'
import { removeObject } from './remove-object.ts'

const ownPermissions = ['assets:*', 'metadata:*', 'versions:*']
const annId = '0199d0c0-0000-7000-8000-0000000000a1'
const bobId = '0199d0c0-0000-7000-8000-0000000000b2'
const ann = callOf({ kind: 'user', id: annId, name: 'ann', ownPermissions })
const bob = callOf({ kind: 'user', id: bobId, name: 'bob', ownPermissions })
const grants = [{ bucket: 'photos', prefix: 'shared/', permissions: ['assets:*'] }]
const guest = callOf({ kind: 'user', id: 'guest', name: 'guest', grants })
const bucket = 'photos'

async function openStore() {
  const opened = await openTestStore()
  const { engine } = opened
  return {
    ...opened,
    putAs: (call: Call, key: string) =>
      putObject(engine, call, { bucket, key, source: bytesOf(`of ${key}`), facets: {} }),
    policy: (...statements: JsonObject[]) => {
      const document = { Version: '2012-10-17', Statement: statements }
      return setBucketDocument(engine, opened.call, { bucket, name: 'policy', document })
    },
    [Symbol.asyncDispose]: () => opened[Symbol.asyncDispose](),
  }
}

describe('rights on own objects', () => {
  it('open what the caller makes, and nothing of others', async () => {
    await using opened = await openStore()
    const { engine, putAs } = opened
    const { asset } = await putAs(ann, 'k')
    assert.equal(asset.ownerId, annId)
    await putAs(ann, 'k')
    await setObjectTags(engine, ann, { bucket, key: 'k', tags: [{ key: 'a', value: 'b' }] })
    const mine = { bucket, key: 'k' }
    assert.ok(await getObject(engine, ann, mine))
    await refusedWith(getObject(engine, bob, mine), 'ASSET_NOT_FOUND')
    await refusedWith(putAs(bob, 'k'), 'FORBIDDEN')
    await refusedWith(removeObject(engine, bob, mine), 'ASSET_NOT_FOUND')
    const from = { from: mine, to: { bucket, key: 'x' }, replaceMetadata: false, facets: {} }
    await refusedWith(copyObject(engine, bob, from), 'ASSET_NOT_FOUND')
    const { object } = await copyObject(engine, ann, from)
    assert.equal(object.asset.ownerId, annId)
    await renameObject(engine, ann, { bucket, from: 'x', to: 'y' })
    await removeObject(engine, ann, { bucket, key: 'y' })
    await putAs(bob, 'of bob')
    const seen = async (who: Call) =>
      (await listObjects(engine, who, { bucket, limit: 9 })).objects.map(one => one.asset.key)
    assert.deepEqual([await seen(ann), await seen(bob)], [['k'], ['of bob']])
    const stranger = callOf({ kind: 'user', id: 'stranger', name: 'stranger' })
    await refusedWith(listObjects(engine, stranger, { bucket, limit: 9 }), 'FORBIDDEN')
    const versions = await listObjectVersions(engine, ann, { bucket, limit: 9 })
    assert.deepEqual(new Set(versions.versions.map(one => one.asset.key)), new Set(['k', 'y']))
  })

  it('answer for an object of others as for a free key', async () => {
    await using opened = await openStore()
    const { engine, putAs } = opened
    await putAs(ann, 'taken')
    await putAs(ann, 'shared/no')
    const readers: [Call, ErrorCode][] = [
      [bob, 'ASSET_NOT_FOUND'],
      [guest, 'FORBIDDEN'],
      [callOf({}), 'FORBIDDEN'],
    ]
    for (const [who, code] of readers) {
      await refusedWith(getObject(engine, who, { bucket, key: 'taken' }), code)
      await refusedWith(getObject(engine, who, { bucket, key: 'free' }), code)
    }
  })

  it('open uploads of the caller only, even at a free key', async () => {
    await using opened = await openStore()
    const { engine, call } = opened
    const { id: uploadId } = await createUpload(engine, ann, { bucket, key: 'big', facets: {} })
    const place = { bucket, key: 'big', uploadId }
    const part = () => ({ ...place, number: 1, source: bytesOf('bytes'), length: 5 })
    const { md5: etag } = await uploadPart(engine, ann, part())
    const complete = { ...place, parts: [{ number: 1, etag }] }
    await refusedWith(uploadPart(engine, bob, part()), 'UPLOAD_NOT_FOUND')
    await refusedWith(listParts(engine, bob, { ...place, limit: 9 }), 'UPLOAD_NOT_FOUND')
    await refusedWith(completeUpload(engine, bob, complete), 'UPLOAD_NOT_FOUND')
    await refusedWith(abortUpload(engine, bob, place), 'UPLOAD_NOT_FOUND')
    assert.equal((await listParts(engine, call, { ...place, limit: 9 })).parts.length, 1)
    const done = await completeUpload(engine, ann, complete)
    assert.equal(done.asset.ownerId, annId)
    await refusedWith(completeUpload(engine, bob, complete), 'ASSET_NOT_FOUND')
  })

  it('do not open an upload of another at a key that has become the callers own', async () => {
    await using opened = await openStore()
    const { engine, putAs } = opened
    const { id: uploadId } = await createUpload(engine, ann, { bucket, key: 'k', facets: {} })
    await putAs(bob, 'k')
    const place = { bucket, key: 'k', uploadId }
    await refusedWith(listParts(engine, bob, { ...place, limit: 9 }), 'UPLOAD_NOT_FOUND')
    await refusedWith(abortUpload(engine, bob, place), 'UPLOAD_NOT_FOUND')
    // Whoever began it may still end it.
    await abortUpload(engine, ann, place)
    await refusedWith(abortUpload(engine, ann, place), 'ASSET_NOT_FOUND')
  })

  it('do not delete what another made at the key a moment ago', async () => {
    await using opened = await openStore()
    const { engine, putAs } = opened
    const { asset } = await putAs(ann, 'k')
    // As bob was authorised while the key was free.
    const args = {
      bucketId: asset.bucketId,
      key: 'k',
      authorisedId: null,
      seen: { bucketId: asset.bucketId, bucketSeq: 0, asset: null },
      versionId: null,
      bypassGovernance: false,
      conditions: {},
      createdBy: 'bob',
      ownerId: bobId,
      name: 'k',
    }
    await refusedWith(commit(engine, bob, { name: 'objects.remove', args }), 'CHANGED_MEANWHILE')
    assert.ok(await getObject(engine, ann, { bucket, key: 'k' }))
  })
})

describe('grants for a prefix', () => {
  it('open objects at its keys, and let none of others be taken out of it', async () => {
    await using opened = await openStore()
    const { engine, call, putAs } = opened
    await putAs(ann, 'shared/a')
    assert.ok(await getObject(engine, guest, { bucket, key: 'shared/a' }))
    await refusedWith(putAs(guest, 'b'), 'FORBIDDEN')
    await putAs(guest, 'shared/b')
    await putAs(ann, 'elsewhere')
    const listed = await listObjects(engine, guest, { bucket, prefix: 'shared/', limit: 9 })
    assert.deepEqual(
      listed.objects.map(one => one.asset.key),
      ['shared/a', 'shared/b'],
    )
    const folded = await listObjects(engine, guest, { bucket, delimiter: '/', limit: 9 })
    assert.deepEqual([folded.objects.length, folded.prefixes], [0, ['shared/']])
    const both = callOf({ ...guest.principal, ownPermissions })
    const out = { bucket, from: 'shared/a', to: 'out' }
    await refusedWith(renameObject(engine, both, out), 'FORBIDDEN')
    const { asset } = await getObject(engine, call, { bucket, key: 'shared/a' })
    await refusedWith(moveAsset(engine, both, asset.id, { key: 'out' }), 'FORBIDDEN')
    await renameObject(engine, both, { bucket, from: 'shared/a', to: 'shared/c' })
  })
})

describe('the policy of a bucket', () => {
  it('closes to owners and holders of grants what it denies', async () => {
    await using opened = await openStore()
    const { engine, policy, putAs } = opened
    const { asset } = await putAs(ann, 'locked/k')
    const free = await putAs(ann, 'free')
    await putAs(ann, 'shared/k')
    const everything = { Effect: 'Deny', Principal: '*', Action: 's3:*' }
    await policy(
      { ...everything, Resource: 'arn:aws:s3:::photos/locked/*' },
      { ...everything, Resource: 'arn:aws:s3:::photos/shared/*' },
    )
    await refusedWith(getObject(engine, ann, { bucket, key: 'locked/k' }), 'FORBIDDEN')
    await refusedWith(putAs(ann, 'locked/new'), 'FORBIDDEN')
    await refusedWith(moveAsset(engine, ann, asset.id, { key: 'out' }), 'ASSET_NOT_FOUND')
    await refusedWith(moveAsset(engine, ann, free.asset.id, { key: 'locked/in' }), 'FORBIDDEN')
    await refusedWith(
      renameObject(engine, ann, { bucket, from: 'free', to: 'locked/in' }),
      'FORBIDDEN',
    )
    await refusedWith(getObject(engine, guest, { bucket, key: 'shared/k' }), 'FORBIDDEN')
    assert.equal((await listAssets(engine, ann)).total, 1)
    await policy({ ...everything, Resource: 'arn:aws:s3:::photos' })
    assert.ok(await getObject(engine, ann, { bucket, key: 'free' }))
    await refusedWith(listAssets(engine, ann, { bucket }), 'FORBIDDEN')
    await refusedWith(listAssets(engine, guest), 'FORBIDDEN')
  })
})

describe('access lists that name a group', () => {
  it('show its members the object in listings, as they may read it', async () => {
    await using opened = await openStore()
    const { engine } = opened
    await put(opened, 'guarded', 'x', { acl: { read: ['team'], write: [] } })
    const permissions = ['assets:read']
    const member = callOf({ permissions, groups: ['team'] })
    assert.ok(await getObject(engine, member, { bucket, key: 'guarded' }))
    assert.equal((await listObjects(engine, member, { bucket, limit: 9 })).objects.length, 1)
    const stranger = callOf({ permissions, groups: ['others'] })
    assert.equal((await listObjects(engine, stranger, { bucket, limit: 9 })).objects.length, 0)
  })
})
