import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { removeAsset } from '../assets/remove.ts'
import { createBucket } from '../buckets/buckets.ts'
import { callOf, openTestStore, owner, put, refused } from '../test-store.test.ts'
import { getQuota, listQuotas, removeQuota, scopeUsage, setQuota } from './quotas.ts'

describe('quotas', () => {
  it('are set, told with the usage, changed and removed', async () => {
    await using opened = await openTestStore()
    const { engine, call } = opened
    await put(opened, 'k', '12345')
    const target = { scope: 'owner', name: owner.toUpperCase() } as const
    const set = await setQuota(engine, call, target, { bytesMax: 10 })
    assert.deepEqual([set.quota.name, set.quota.bytesMax, set.quota.assetsMax], [owner, 10, null])
    assert.deepEqual(set.usage, { assets: 1, bytes: 5 })
    assert.deepEqual(await getQuota(engine, call, target), set)
    assert.deepEqual(await listQuotas(engine, call), [set])
    const changed = await setQuota(engine, call, target, { assetsMax: 3 })
    assert.deepEqual([changed.quota.bytesMax, changed.quota.assetsMax], [null, 3])
    await removeQuota(engine, call, target)
    await assert.rejects(getQuota(engine, call, target), refused('QUOTA_NOT_FOUND'))
    await assert.rejects(removeQuota(engine, call, target), refused('QUOTA_NOT_FOUND'))
    assert.deepEqual(await scopeUsage(engine, call, target), { assets: 1, bytes: 5 })
  })

  it('count kept versions and deleted assets until they are gone for good', async () => {
    await using opened = await openTestStore()
    const { engine, call } = opened
    const target = { scope: 'service', name: 'test' } as const
    await setQuota(engine, call, target, { bytesMax: 6, assetsMax: 2 })
    const { asset } = await put(opened, 'a', '123')
    await put(opened, 'a', '456')
    await removeAsset(engine, call, asset.id)
    const details = {
      scope: 'service',
      service: 'test',
      measure: 'bytes',
      current_usage: 6,
      limit: 6,
    }
    await assert.rejects(put(opened, 'b', '7'), refused('QUOTA_EXCEEDED', details))
    await put(opened, 'b', '')
    const count = { measure: 'assets', current_usage: 2, limit: 2 }
    await assert.rejects(put(opened, 'c', ''), refused('QUOTA_EXCEEDED', count))
    await removeAsset(engine, call, asset.id, { hard: true })
    await put(opened, 'c', '123456')
  })

  it('below the usage stop growth, not shrinking or what costs nothing', async () => {
    await using opened = await openTestStore()
    const { engine, call } = opened
    const { asset } = await put(opened, 'a', '12345')
    const target = { scope: 'bucket', name: 'photos' } as const
    await setQuota(engine, call, target, { bytesMax: 1, assetsMax: 0 })
    assert.equal((await put(opened, 'a', '12345')).outcome, 'unchanged')
    await put(opened, 'a', '')
    await assert.rejects(put(opened, 'a', '1'), refused('QUOTA_EXCEEDED'))
    await setQuota(engine, call, target, { bytesMax: 1 })
    await put(opened, 'empty', '')
    await removeAsset(engine, call, asset.id)
  })

  it('count all of an owner, in whatever bucket and for whatever service', async () => {
    await using opened = await openTestStore()
    const { engine, call } = opened
    await createBucket(engine, call, { name: 'papers' })
    await setQuota(engine, call, { scope: 'owner', name: owner }, { bytesMax: 5 })
    await put(opened, 'a', '123')
    const elsewhere = { bucket: 'papers', service: 'other' }
    const details = { scope: 'owner', owner, measure: 'bytes', current_usage: 3, limit: 5 }
    const more = put(opened, 'a', '123', elsewhere)
    await assert.rejects(more, refused('QUOTA_EXCEEDED', { ...details, service: 'other' }))
    await put(opened, 'a', '12', elsewhere)
  })

  it('are for their administrators, and have proper names', async () => {
    await using opened = await openTestStore()
    const { engine, call } = opened
    const target = { scope: 'service', name: 'test' } as const
    const reader = callOf({ permissions: ['assets:*', '*:read'] })
    await assert.rejects(setQuota(engine, reader, target, {}), refused('FORBIDDEN'))
    await assert.rejects(getQuota(engine, reader, target), refused('FORBIDDEN'))
    await assert.rejects(listQuotas(engine, reader), refused('FORBIDDEN'))
    const confined = callOf({ permissions: ['*'], buckets: ['photos'] })
    await assert.rejects(removeQuota(engine, confined, target), refused('FORBIDDEN'))
    for (const [scope, name] of [
      ['owner', 'x'],
      ['service', ''],
      ['service', 'a\n'],
    ] as const) {
      const wrong = setQuota(engine, call, { scope, name }, {})
      await assert.rejects(wrong, refused('VALIDATION_ERROR'))
    }
    for (const bytesMax of [-1, 0.5, Number.NaN, 2 ** 53]) {
      const wrong = setQuota(engine, call, target, { bytesMax })
      await assert.rejects(wrong, refused('VALIDATION_ERROR'))
    }
    const absent = { scope: 'bucket', name: 'absent' } as const
    await assert.rejects(setQuota(engine, call, absent, {}), refused('BUCKET_NOT_FOUND'))
  })
})
