import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import type { HoldfastError } from '@holdfast/core/errors.ts'
import { defaultBucketSettings } from '@holdfast/core/records.ts'
import { removeAsset } from '../assets/remove.ts'
import { ensureBuckets } from '../engine.ts'
import { getQuota, setQuota } from '../quotas/quotas.ts'
import { anonymousCall, callOf, openTestStore, put, refused } from '../test-store.test.ts'
import { createBucket, getBucket, listBuckets, updateBucket } from './buckets.ts'
import { removeBucket } from './remove-bucket.ts'

describe('buckets', () => {
  it('are made once, with the settings given', async () => {
    await using opened = await openTestStore({ thread: true })
    const { engine, call } = opened
    const settings = { publicRead: true, contentTypes: ['image/*'], versionsMax: 3 }
    const { bucket, usage } = await createBucket(engine, call, { name: 'maps', settings })
    assert.deepEqual(bucket.settings, { ...defaultBucketSettings, ...settings })
    assert.deepEqual(usage, { assets: 0, bytes: 0 })
    assert.deepEqual((await getBucket(engine, call, 'maps')).bucket, bucket)
    const same = Array.from({ length: 10 }, () => createBucket(engine, call, { name: 'one' }))
    const settled = await Promise.allSettled(same)
    assert.equal(settled.filter(one => one.status === 'fulfilled').length, 1)
    const again = createBucket(engine, call, { name: 'maps' })
    await assert.rejects(again, refused('BUCKET_EXISTS', { bucket: 'maps' }))
  })

  it('at the start are kept as they are', async () => {
    await using opened = await openTestStore()
    const { engine, call } = opened
    await updateBucket(engine, call, 'photos', { versionsMax: 7 })
    const latest = await engine.catalog.view.changes.latest()
    await ensureBuckets(engine, ['photos', 'photos'])
    assert.equal(await engine.catalog.view.changes.latest(), latest)
    assert.equal((await getBucket(engine, call, 'photos')).bucket.settings.versionsMax, 7)
    await assert.rejects(ensureBuckets(engine, ['Bad']), refused('INVALID_NAME'))
  })

  it('have names that every door can say', async () => {
    await using opened = await openTestStore()
    const { engine, call } = opened
    for (const name of ['ab', 'Photos', 'a_b', '-ab', 'a..b', '1.2.3.4', 'x'.repeat(64), '../..']) {
      await assert.rejects(createBucket(engine, call, { name }), refused('INVALID_NAME'))
    }
  })

  it('change only in what is given; null hands a decision back', async () => {
    await using opened = await openTestStore()
    const { engine, call } = opened
    const patch = { assetBytesMax: 10, versionsMax: 5, corsOrigins: ['https://a.example'] }
    await updateBucket(engine, call, 'photos', patch)
    const { bucket } = await updateBucket(engine, call, 'photos', { versionsMax: null })
    const { settings } = bucket
    assert.deepEqual([settings.assetBytesMax, settings.versionsMax], [10, null])
    assert.deepEqual(settings.corsOrigins, ['https://a.example'])
    const latest = await engine.catalog.view.changes.latest()
    await updateBucket(engine, call, 'photos', { versionsMax: null, assetBytesMax: 10 })
    assert.equal(await engine.catalog.view.changes.latest(), latest)
  })

  it('refuse every wrong setting at once', async () => {
    await using opened = await openTestStore()
    const { engine, call } = opened
    const wrong = updateBucket(engine, call, 'photos', {
      contentTypes: ['image/*', 'IMAGE/PNG', 'nonsense', '*/*', '*'],
      corsOrigins: ['https://a.example', 'https://a.example/', 'a.example', '*', 'null'],
      assetBytesMax: 0,
      versionsMax: 1.5,
      versionRetentionDays: -1,
    })
    await assert.rejects(wrong, (error: HoldfastError) => {
      const errors = error.details.errors as { path: string }[]
      assert.deepEqual(
        errors.map(one => one.path),
        [
          'content_types[1]',
          'content_types[2]',
          'cors_origins[1]',
          'cors_origins[2]',
          'cors_origins[4]',
          'asset_bytes_max',
          'versions_max',
          'version_retention_days',
        ],
      )
      return true
    })
  })

  it('are listed by name, in pages, each with its usage', async () => {
    await using opened = await openTestStore()
    const { engine, call } = opened
    for (const name of ['ccc', 'aaa', 'bbb']) await createBucket(engine, call, { name })
    await put(opened, 'k', 'four')
    const all = await listBuckets(engine, call)
    assert.deepEqual(
      all.items.map(one => one.bucket.name),
      ['aaa', 'bbb', 'ccc', 'photos'],
    )
    assert.deepEqual(all.items[3]?.usage, { assets: 1, bytes: 4 })
    assert.equal(all.after, undefined)
    const first = await listBuckets(engine, call, { limit: 3 })
    assert.deepEqual([first.items.length, first.total, first.after], [3, 4, 'ccc'])
    const rest = await listBuckets(engine, call, { after: first.after, limit: 3 })
    assert.deepEqual(
      rest.items.map(one => one.bucket.name),
      ['photos'],
    )
    const confined = callOf({ permissions: ['buckets:read'], buckets: ['ccc', 'aaa', 'gone'] })
    const own = await listBuckets(engine, confined)
    assert.deepEqual(
      own.items.map(one => one.bucket.name),
      ['aaa', 'ccc'],
    )
    assert.equal(own.total, 2)
    await assert.rejects(listBuckets(engine, anonymousCall), refused('UNAUTHENTICATED'))
    await assert.rejects(listBuckets(engine, callOf({})), refused('FORBIDDEN'))
  })

  it('are judged some in each turn', async () => {
    await using opened = await openTestStore()
    const { engine, call } = opened
    const names = Array.from({ length: 11 }, (_, at) => `map-${at}`)
    for (const name of names) await createBucket(engine, call, { name })
    const next = engine.lists.next.bind(engine.lists)
    let turns = 0
    engine.lists.next = async caller => {
      turns += 1
      await next(caller)
    }
    const confined = callOf({ permissions: ['buckets:read'], buckets: names })
    assert.equal((await listBuckets(engine, confined)).total, 11)
    assert.equal(turns, 5)
  })

  it('go only when nothing is in them, trash included', async () => {
    await using opened = await openTestStore()
    const { engine, call } = opened
    await createBucket(engine, call, { name: 'temp', settings: { versioning: 'disabled' } })
    const { asset } = await put(opened, 'k', 'x', { bucket: 'temp' })
    const remove = () => removeBucket(engine, call, 'temp')
    await assert.rejects(remove(), refused('BUCKET_NOT_EMPTY', { assets: 1 }))
    await removeAsset(engine, call, asset.id)
    await assert.rejects(remove(), refused('BUCKET_NOT_EMPTY', { assets: 1 }))
    await removeAsset(engine, call, asset.id, { hard: true })
    const quota = { scope: 'bucket', name: 'temp' } as const
    await setQuota(engine, call, quota, { bytesMax: 1 })
    await remove()
    await assert.rejects(remove(), refused('BUCKET_NOT_FOUND'))
    await createBucket(engine, call, { name: 'temp' })
    await assert.rejects(getQuota(engine, call, quota), refused('QUOTA_NOT_FOUND'))
    await ensureBuckets(engine, [engine.settings.defaultBucket])
    const last = removeBucket(engine, call, engine.settings.defaultBucket)
    await assert.rejects(last, refused('BUCKET_NOT_EMPTY'))
  })

  it('are for administrators of buckets', async () => {
    await using opened = await openTestStore()
    const { engine } = opened
    const reader = callOf({ permissions: ['buckets:read'] })
    await getBucket(engine, reader, 'photos')
    const patch = updateBucket(engine, reader, 'photos', { publicRead: true })
    await assert.rejects(patch, refused('FORBIDDEN', { permission: 'buckets:admin' }))
    const create = createBucket(engine, reader, { name: 'mine' })
    await assert.rejects(create, refused('FORBIDDEN'))
    const confined = callOf({ permissions: ['buckets:*'], buckets: ['mine'] })
    await createBucket(engine, confined, { name: 'mine' })
    await updateBucket(engine, confined, 'mine', { versionsMax: 3 })
    const foreign = createBucket(engine, confined, { name: 'theirs' })
    await assert.rejects(foreign, refused('FORBIDDEN'))
    const hidden = updateBucket(engine, confined, 'photos', { publicRead: true })
    await assert.rejects(hidden, refused('BUCKET_NOT_FOUND'))
  })
})
