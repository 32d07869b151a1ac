import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import type { Call } from '@holdfast/core/call.ts'
import type { Principal } from '@holdfast/core/principal.ts'
import { rightsOf } from '@holdfast/core/roles.ts'
import { narrow } from '../access/narrow.ts'
import { rightsMoment } from '../access/rights-now.ts'
import { getAssetByKey } from '../assets/get.ts'
import { listAssets } from '../assets/list.ts'
import { removeAsset } from '../assets/remove.ts'
import { listObjects } from '../objects/list-objects.ts'
import { callOf, openTestStore, put, refused, type TestStore } from '../test-store.test.ts'
import { createBucket, getBucket, listBuckets, updateBucket } from './buckets.ts'
import { setBucketDocument } from './documents.ts'
import { removeBucket } from './remove-bucket.ts'

const idOf = (digit: string) => `0199d0c0-0000-7000-8000-00000000000${digit}`
const annId = idOf('a')
const ann = callOf({ kind: 'user', id: annId, name: 'ann', ...rightsOf(['USER']) })
const bob = callOf({ kind: 'user', id: idOf('b'), name: 'bob', ...rightsOf(['USER']) })
/** A key with the right alone. */
const eve = callOf({ id: idOf('e'), permissions: ['buckets:create'] })

const noUse = { assets: 0, bytes: 0 }

const namesOf = async ({ engine }: TestStore, call: Call) => {
  const { items, total } = await listBuckets(engine, call)
  assert.equal(items.length, total)
  return items.map(one => one.bucket.name)
}

describe('buckets that somebody owns', () => {
  it('are made by who may, ruled by their maker, and closed to others', async () => {
    await using opened = await openTestStore({ thread: true })
    const { engine } = opened
    const settings = { versioning: 'disabled' as const }
    const { bucket } = await createBucket(engine, ann, { name: 'anns', settings })
    assert.equal(bucket.ownerId, annId)
    const { asset } = await put({ engine, call: ann }, 'k', 'hers', {
      bucket: 'anns',
      ownerId: annId,
    })
    await updateBucket(engine, ann, 'anns', { versionsMax: 3 })
    for (const stranger of [bob, eve]) {
      const no = refused('FORBIDDEN')
      await assert.rejects(getBucket(engine, stranger, 'anns'), no)
      await assert.rejects(updateBucket(engine, stranger, 'anns', { publicRead: true }), no)
      await assert.rejects(removeBucket(engine, stranger, 'anns'), no)
      const { id } = stranger.principal
      const fields = { bucket: 'anns', ownerId: id }
      await assert.rejects(put({ engine, call: stranger }, 'new', 'x', fields), no)
      await assert.rejects(put({ engine, call: stranger }, 'k', 'x', fields))
      const read = getAssetByKey(engine, stranger, 'anns', 'k')
      await assert.rejects(read, no)
      await assert.rejects(listObjects(engine, stranger, { bucket: 'anns', limit: 10 }), no)
    }
    assert.equal((await listAssets(engine, bob, { bucket: 'anns' })).total, 0)
    assert.equal((await listAssets(engine, ann, {})).total, 1)
    await assert.rejects(removeBucket(engine, ann, 'anns'), refused('BUCKET_NOT_EMPTY'))
    await removeAsset(engine, ann, asset.id)
    const now = { ...ann, moment: rightsMoment(engine) }
    await removeBucket(engine, now, 'anns', { trash: 'remove' })
  })

  it('are listed for their owner and for who may see all', async () => {
    await using opened = await openTestStore()
    const { engine, call } = opened
    await createBucket(engine, ann, { name: 'anns' })
    await createBucket(engine, eve, { name: 'eves' })
    assert.deepEqual(await namesOf(opened, ann), ['anns', 'photos'])
    assert.deepEqual(await namesOf(opened, bob), ['photos'])
    assert.deepEqual(await namesOf(opened, eve), ['eves'])
    assert.deepEqual(await namesOf(opened, call), ['anns', 'eves', 'photos'])
    const auditor = callOf({ id: 'audit', ...rightsOf(['AUDITOR']) })
    assert.deepEqual(await namesOf(opened, auditor), ['anns', 'eves', 'photos'])
    const readonly = callOf({ id: 'ro', ...rightsOf(['READONLY']) })
    assert.deepEqual(await namesOf(opened, readonly), ['photos'])
    const grants = [{ bucket: 'anns', prefix: 'a/', permissions: ['assets:read'] }]
    const shown = callOf({ ...bob.principal, grants })
    assert.deepEqual(await namesOf(opened, shown), ['anns', 'photos'])
    const statement = { Effect: 'Allow', Principal: '*', Action: 's3:GetBucketLocation' }
    const policy = {
      Version: '2012-10-17',
      Statement: [{ ...statement, Resource: 'arn:aws:s3:::anns' }],
    }
    await setBucketDocument(engine, ann, { bucket: 'anns', name: 'policy', document: policy })
    assert.deepEqual(await namesOf(opened, eve), ['anns', 'eves'])
    const first = await listBuckets(engine, ann, { limit: 1 })
    assert.deepEqual([first.items.length, first.total, first.after], [1, 2, 'anns'])
    const rest = await listBuckets(engine, ann, { limit: 1, after: first.after })
    assert.deepEqual(
      rest.items.map(one => one.bucket.name),
      ['photos'],
    )
  })

  it('tell how much is there to who may list it all, or rules them', async () => {
    await using opened = await openTestStore()
    const { engine, call } = opened
    await put(opened, 'k', 'hidden')
    const byQuota = callOf({ permissions: ['quotas:admin', 'buckets:read'] })
    const byRule = callOf({ permissions: ['buckets:admin', 'buckets:read'] })
    const usage = { assets: 1, bytes: 6 }
    for (const [who, expected] of [
      ...[call, byQuota, byRule].map(one => [one, usage] as const),
      [callOf({ id: 'audit', ...rightsOf(['AUDITOR']) }), usage],
      ...[ann, callOf({ id: 'ro', ...rightsOf(['READONLY']) })].map(one => [one, null] as const),
    ] as const) {
      assert.deepEqual((await getBucket(engine, who, 'photos')).usage, expected)
      assert.deepEqual((await listBuckets(engine, who)).items[0]?.usage, expected)
    }
    assert.deepEqual((await createBucket(engine, ann, { name: 'anns' })).usage, noUse)
    assert.deepEqual((await getBucket(engine, ann, 'anns')).usage, noUse)
    // What was replaced or deleted in a public bucket is not open to who reads the rest.
    await updateBucket(engine, call, 'photos', { publicRead: true })
    for (const who of [ann, callOf({ permissions: ['assets:read', 'buckets:read'] })]) {
      assert.equal((await getBucket(engine, who, 'photos')).usage, null)
    }
  })

  it('are not made by roles that only read, nor more of them than the limit', async () => {
    await using opened = await openTestStore({ limits: { ownedBucketsMax: 2 } })
    const { engine, call } = opened
    for (const role of ['READONLY', 'AUDITOR']) {
      const made = createBucket(engine, callOf({ id: 'r', ...rightsOf([role]) }), { name: 'mine' })
      await assert.rejects(made, refused('FORBIDDEN', { permission: 'buckets:create' }))
    }
    const few: Principal = narrow(ann.principal, { by: 'the key', permissions: ['assets:*'] })
    await assert.rejects(createBucket(engine, callOf(few), { name: 'mine' }), refused('FORBIDDEN'))
    const names = ['one', 'two', 'three', 'four']
    const settled = await Promise.allSettled(names.map(name => createBucket(engine, ann, { name })))
    assert.equal(settled.filter(({ status }) => status === 'fulfilled').length, 2)
    const more = createBucket(engine, ann, { name: 'five' })
    await assert.rejects(more, refused('TOO_MANY_BUCKETS', { limit: 2 }))
    await createBucket(engine, bob, { name: 'bobs' })
    for (const name of ['six', 'seven', 'eight']) {
      assert.equal((await createBucket(engine, call, { name })).bucket.ownerId, null)
    }
  })

  it('keep their owner in the packs, who rules them only while holding the right', async () => {
    await using opened = await openTestStore()
    await createBucket(opened.engine, ann, { name: 'anns' })
    await using again = await opened.reopen('rebuild')
    const { engine, call } = again
    assert.equal((await getBucket(engine, call, 'anns')).bucket.ownerId, annId)
    assert.equal(await engine.catalog.view.buckets.countOwnedBy(annId), 1)
    const demoted = callOf({ ...ann.principal, ...rightsOf(['READONLY']) })
    await getBucket(engine, demoted, 'anns')
    for (const patch of [{ versionsMax: 3 }, { publicRead: true }]) {
      await assert.rejects(updateBucket(engine, demoted, 'anns', patch), refused('FORBIDDEN'))
    }
    const { asset } = await put({ engine, call }, 'k', 'x', { bucket: 'anns' })
    const read = getAssetByKey(engine, demoted, 'anns', asset.key)
    await assert.rejects(read, refused('ASSET_NOT_FOUND'))
    assert.deepEqual(await namesOf(again, demoted), ['anns', 'photos'])
  })
})
