import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import type { BucketDocumentName } from '@holdfast/core/objects.ts'
import type { JsonObject } from '@holdfast/core/records.ts'
import { listAssets } from '../assets/list.ts'
import { removeAsset } from '../assets/remove.ts'
import type { Engine } from '../engine.ts'
import { createUpload } from '../multipart/uploads.ts'
import { getObject } from '../objects/find-object.ts'
import { anonymousCall, callOf, openTestStore, put, refusedWith } from '../test-store.test.ts'
import { createBucket, getBucket, updateBucket } from './buckets.ts'
import { setBucketDocument } from './documents.ts'
import { removeBucket } from './remove-bucket.ts'

const bucket = 'photos'
const open = {
  Version: '2012-10-17',
  Statement: [
    { Effect: 'Allow', Principal: '*', Action: 's3:GetObject', Resource: 'arn:aws:s3:::photos/*' },
  ],
}

describe('documents of a bucket', () => {
  it('are set, replaced, removed and kept in the log', async () => {
    await using opened = await openTestStore()
    const { engine, call } = opened
    const set = (name: BucketDocumentName, document: JsonObject | null) =>
      setBucketDocument(engine, call, { bucket, name, document })
    await set('cors', { rules: [] })
    await set('tagging', { team: 'a' })
    await set('tagging', { team: 'b' })
    await set('cors', null)
    await set('cors', null)
    await using again = await opened.reopen('rebuild')
    const { bucket: kept } = await getBucket(again.engine, again.call, bucket)
    assert.deepEqual(kept.documents, { tagging: { team: 'b' } })
    await refusedWith(
      setBucketDocument(again.engine, callOf({}), { bucket, name: 'cors', document: {} }),
      'FORBIDDEN',
    )
    const large = { bucket, name: 'lifecycle', document: { text: 'x'.repeat(70_000) } } as const
    await refusedWith(setBucketDocument(again.engine, again.call, large), 'VALIDATION_ERROR')
  })

  it('open and close a bucket at once, for every door', async () => {
    await using opened = await openTestStore()
    const { engine, call } = opened
    await put(opened, 'k', 'x')
    const wanted = { bucket, key: 'k' }
    await refusedWith(getObject(engine, anonymousCall, wanted), 'UNAUTHENTICATED')
    await setBucketDocument(engine, call, { bucket, name: 'policy', document: open })
    assert.ok(await getObject(engine, anonymousCall, wanted))
    const [statement] = open.Statement
    const closed = {
      Version: '2012-10-17',
      Statement: [
        { ...statement, Effect: 'Deny', Action: 's3:*' },
        { ...statement, Effect: 'Deny', Action: 's3:*', Resource: 'arn:aws:s3:::photos' },
      ],
    }
    const reader = callOf({ permissions: ['assets:*', 'buckets:*'] })
    assert.equal((await listAssets(engine, reader, {})).total, 1)
    await setBucketDocument(engine, call, { bucket, name: 'policy', document: closed })
    // The answer is that for a free key.
    await refusedWith(getObject(engine, call, wanted), 'FORBIDDEN')
    await refusedWith(getObject(engine, call, { ...wanted, key: 'free' }), 'FORBIDDEN')
    await createBucket(engine, call, { name: 'other' })
    assert.equal((await listAssets(engine, reader, {})).total, 0)
    await refusedWith(listAssets(engine, reader, { bucket }), 'FORBIDDEN')
    await setBucketDocument(engine, call, { bucket, name: 'policy', document: null })
    assert.ok(await getObject(engine, call, wanted))
  })

  it('refuse public policies and lists under a public access block', async () => {
    await using opened = await openTestStore()
    const { engine, call } = opened
    const set = (name: BucketDocumentName, document: JsonObject | null) =>
      setBucketDocument(engine, call, { bucket, name, document })
    const blocks = { blockPublicPolicy: true, blockPublicAcls: true }
    await set('publicAccessBlock', blocks)
    await refusedWith(set('policy', open), 'PUBLIC_ACCESS_BLOCKED')
    const acl = { owner: 'o', grants: [{ permission: 'READ', grantee: 'all' }] }
    await refusedWith(set('acl', acl), 'PUBLIC_ACCESS_BLOCKED')
    await refusedWith(set('acl', { grants: [] }), 'VALIDATION_ERROR')
    await refusedWith(set('policy', { Statement: [] }), 'POLICY_UNSUPPORTED')
    await set('publicAccessBlock', null)
    await set('ownership', { rule: 'BucketOwnerEnforced' })
    await refusedWith(set('acl', acl), 'ACL_NOT_SUPPORTED')
  })
})

describe('the public access block of a bucket', () => {
  const acl = { read: ['anonymous'], write: [] }
  const reads = async ({ engine }: { engine: Engine }, key: string) =>
    await getObject(engine, anonymousCall, { bucket, key }).then(
      () => true,
      () => false,
    )

  it('is above what other doors open to everybody', async () => {
    await using opened = await openTestStore()
    const { engine, call } = opened
    await put(opened, 'plain', 'x')
    await put(opened, 'listed', 'x', { acl })
    await updateBucket(engine, call, bucket, { publicRead: true })
    const both = async () => [await reads(opened, 'plain'), await reads(opened, 'listed')]
    assert.deepEqual(await both(), [true, true])
    for (const name of ['ignorePublicAcls', 'restrictPublicBuckets']) {
      const block = { bucket, name: 'publicAccessBlock' } as const
      await setBucketDocument(engine, call, { ...block, document: { [name]: true } })
      assert.deepEqual(await both(), [false, false], name)
      await setBucketDocument(engine, call, { ...block, document: null })
      assert.deepEqual(await both(), [true, true])
    }
  })

  it('refuses to open it to everybody by another door', async () => {
    await using opened = await openTestStore()
    const { engine, call } = opened
    const document = { blockPublicAcls: true }
    await setBucketDocument(engine, call, { bucket, name: 'publicAccessBlock', document })
    const opening = updateBucket(engine, call, bucket, { publicRead: true })
    await refusedWith(opening, 'PUBLIC_ACCESS_BLOCKED')
    await refusedWith(put(opened, 'listed', 'x', { acl }), 'PUBLIC_ACCESS_BLOCKED')
    await put(opened, 'listed', 'x', { acl: { read: ['somebody'], write: [] } })
  })
})

describe('removing a bucket for S3', () => {
  it('takes trash and open uploads along, and nothing that is listed', async () => {
    await using opened = await openTestStore()
    const { engine, call } = opened
    await createBucket(engine, call, { name: 'plain', settings: { versioning: 'disabled' } })
    const { asset } = await put(opened, 'a', 'x', { bucket: 'plain' })
    await put(opened, 'b', 'x', { bucket: 'plain' })
    await createUpload(engine, call, { bucket: 'plain', key: 'c', facets: {} })
    await removeAsset(engine, call, asset.id)
    const remove = () => removeBucket(engine, call, 'plain', { trash: 'remove' })
    await refusedWith(remove(), 'BUCKET_NOT_EMPTY')
    const trash = { bucket: 'plain', deleted: 'only' } as const
    assert.equal((await listAssets(engine, call, trash)).total, 1)
    const left = await listAssets(engine, call, { bucket: 'plain' })
    await removeAsset(engine, call, left.items[0]?.id ?? '')
    await refusedWith(removeBucket(engine, call, 'plain'), 'BUCKET_NOT_EMPTY')
    await remove()
    await refusedWith(getBucket(engine, call, 'plain'), 'BUCKET_NOT_FOUND')
    assert.equal(await engine.catalog.view.uploads.count(), 0)
  })
})
