import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import type { Call } from '@holdfast/core/call.ts'
import { createBucket, updateBucket } from '../buckets/buckets.ts'
import { anonymousCall, callOf, openTestStore, owner, put, refused } from '../test-store.test.ts'
import { assetStats, type ListQuery, listAssets } from './list.ts'
import { removeAsset } from './remove.ts'

const other = '0199d0c0-0000-7000-8000-00000000000f'

async function openMany() {
  const opened = await openTestStore()
  const { engine, call } = opened
  await createBucket(engine, call, { name: 'second' })
  await put(opened, 'a/1', '1', { tags: ['red'], contentType: 'text/plain' })
  await put(opened, 'a/2', '22', { tags: ['red', 'blue'], service: 'map', type: 'audio' })
  await put(opened, 'b/1', '333', { ownerId: other, metadata: { title: 'A green meadow' } })
  await put(opened, 'b/2', '4444', { bucket: 'second', name: 'meadow.txt' })
  const guarded = await put(opened, 'g', '5', { acl: { read: ['named'], write: [] } })
  const gone = await put(opened, 'gone', '6')
  await removeAsset(engine, call, gone.asset.id)
  const keys = async (query: ListQuery, by: Call = call) => {
    const page = await listAssets(engine, by, query)
    assert.equal(page.total, page.items.length, 'the total fits the page')
    return page.items.map(asset => asset.key)
  }
  return {
    ...opened,
    keys,
    guarded: guarded.asset,
    [Symbol.asyncDispose]: () => opened[Symbol.asyncDispose](),
  }
}

describe('listing', () => {
  it('filters by everything a query names', async () => {
    await using set = await openMany()
    const { keys } = set
    assert.deepEqual(await keys({}), ['g', 'b/2', 'b/1', 'a/2', 'a/1'])
    assert.deepEqual(await keys({ bucket: 'second' }), ['b/2'])
    assert.deepEqual(await keys({ service: 'map' }), ['a/2'])
    assert.deepEqual(await keys({ ownerId: other.toUpperCase() }), ['b/1'])
    assert.deepEqual(await keys({ type: 'audio' }), ['a/2'])
    assert.deepEqual(await keys({ tagsAny: ['blue', 'none'] }), ['a/2'])
    assert.deepEqual(await keys({ tagsAny: ['blue', 'red'] }), ['a/2', 'a/1'])
    assert.deepEqual(await keys({ bucket: 'photos', prefix: 'a/' }), ['a/2', 'a/1'])
    assert.deepEqual(await keys({ name: 'meadow.txt' }), ['b/2'])
    assert.deepEqual(await keys({ search: ' mead ' }), ['b/2', 'b/1'])
    assert.deepEqual(await keys({ search: '   ' }), ['g', 'b/2', 'b/1', 'a/2', 'a/1'])
    assert.deepEqual(await keys({ ownerId: owner, tagsAny: ['red'], service: 'test' }), ['a/1'])
    assert.deepEqual(await keys({ deleted: 'only' }), ['gone'])
    assert.equal((await keys({ deleted: 'with' })).length, 6)
  })

  it('shows each caller what they may read, and no more', async () => {
    await using set = await openMany()
    const { engine, call, keys } = set
    const reader = callOf({ permissions: ['assets:read'] })
    assert.deepEqual(await keys({}, reader), ['b/2', 'b/1', 'a/2', 'a/1'])
    const named = callOf({ id: 'named', permissions: ['assets:read'] })
    assert.deepEqual(await keys({ bucket: 'photos' }, named), ['g', 'b/1', 'a/2', 'a/1'])
    const confined = callOf({ permissions: ['*'], buckets: ['second', 'not-there'] })
    assert.deepEqual(await keys({}, confined), ['b/2'])
    const hidden = listAssets(engine, confined, { bucket: 'photos' })
    await assert.rejects(hidden, refused('BUCKET_NOT_FOUND'))
    const lost = callOf({ permissions: ['*'], buckets: ['not-there'] })
    assert.deepEqual(await keys({}, lost), [])
    for (const [by, code] of [
      [anonymousCall, 'UNAUTHENTICATED'],
      [callOf({ permissions: ['metrics:read'] }), 'FORBIDDEN'],
    ] as const) {
      for (const query of [{}, { bucket: 'photos' }, { bucket: 'not-there' }]) {
        await assert.rejects(listAssets(engine, by, query), refused(code))
      }
    }
    await updateBucket(engine, call, 'second', { publicRead: true })
    assert.deepEqual(await keys({}, anonymousCall), ['b/2'])
    assert.deepEqual(await keys({ bucket: 'second' }, anonymousCall), ['b/2'])
    const closed = listAssets(engine, anonymousCall, { bucket: 'photos' })
    await assert.rejects(closed, refused('UNAUTHENTICATED'))
  })

  it('shows deleted assets only to who may write', async () => {
    await using set = await openMany()
    const { engine, keys } = set
    const reader = callOf({ permissions: ['assets:read'] })
    for (const query of [{ deleted: 'only' }, { deleted: 'with', bucket: 'photos' }] as const) {
      await assert.rejects(listAssets(engine, reader, query), refused('FORBIDDEN'))
    }
    const writer = callOf({ permissions: ['assets:*'] })
    assert.deepEqual(await keys({ deleted: 'only' }, writer), ['gone'])
  })

  it('pages by cursor over each asset once, in both orders', async () => {
    await using set = await openMany()
    const { engine, call } = set
    for (let i = 0; i < 20; i += 1) await put(set, `page/${i}`, `${i}`)
    for (const order of ['newest', 'key'] as const) {
      for (const limit of [1, 2, 7, 1000]) {
        const seen: string[] = []
        let cursor: string | undefined
        do {
          const query = { bucket: 'photos', prefix: 'page/', order, limit, cursor }
          const page = await listAssets(engine, call, query)
          assert.equal(page.total, 20)
          seen.push(...page.items.map(asset => asset.key))
          cursor = page.nextCursor
        } while (cursor !== undefined)
        const expected = Array.from({ length: 20 }, (_, i) => `page/${i}`)
        if (order === 'newest') expected.reverse()
        else expected.sort()
        assert.deepEqual(seen, expected, `${order} ${limit}`)
      }
    }
  })

  it('refuses cursors, pages and searches that are none', async () => {
    await using set = await openMany()
    const { engine, call } = set
    const page = await listAssets(engine, call, { limit: 1 })
    const { nextCursor = '' } = page
    const keyed = { bucket: 'photos', order: 'key' } as const
    await assert.rejects(
      listAssets(engine, call, { ...keyed, cursor: nextCursor }),
      refused('INVALID_CURSOR'),
    )
    const wrong = ['', 'x', '!', `${nextCursor}=`, Buffer.from('s-1').toString('base64url'), 'zzzz']
    for (const cursor of [...wrong, 'A'.repeat(10_000)]) {
      await assert.rejects(listAssets(engine, call, { cursor }), refused('INVALID_CURSOR'))
    }
    for (const query of [{ limit: 0 }, { limit: 1001 }, { limit: 1.5 }, { offset: -1 }]) {
      await assert.rejects(listAssets(engine, call, query), refused('VALIDATION_ERROR'))
    }
    for (const search of ['x'.repeat(513), 'a\0b', '\ud800']) {
      await assert.rejects(listAssets(engine, call, { search }), refused('INVALID_SEARCH'))
    }
  })

  it('takes offsets too', async () => {
    await using set = await openMany()
    const page = await listAssets(set.engine, set.call, { limit: 2, offset: 3 })
    assert.deepEqual(
      page.items.map(asset => asset.key),
      ['a/2', 'a/1'],
    )
    assert.equal(page.total, 5)
    assert.equal(page.nextCursor, undefined)
  })
})

describe('statistics', () => {
  it('count what is shown', async () => {
    await using set = await openMany()
    const { engine, call } = set
    const stats = await assetStats(engine, call)
    assert.deepEqual([stats.assets, stats.bytes], [5, 11])
    assert.deepEqual(stats.services.map, { assets: 1, bytes: 2 })
    assert.equal(stats.types.audio, 1)
    const one = await assetStats(engine, call, { service: 'map' })
    assert.deepEqual([one.assets, one.bytes], [1, 2])
  })

  it('count a guarded asset only for who may read it', async () => {
    await using set = await openMany()
    const { engine } = set
    const writer = callOf({ permissions: ['assets:*'] })
    const stats = await assetStats(engine, writer)
    assert.deepEqual([stats.assets, stats.bytes], [4, 10])
    assert.equal(
      Object.values(stats.types).reduce((sum, count) => sum + count),
      4,
    )
    const byService = await assetStats(engine, writer, { service: 'test' })
    assert.deepEqual([byService.assets, byService.services.test?.assets], [3, 3])
    const named = await assetStats(engine, callOf({ id: 'named', permissions: ['assets:read'] }))
    assert.equal(named.assets, 5)
    const confined = callOf({ permissions: ['assets:read'], buckets: ['photos'] })
    assert.equal((await assetStats(engine, confined)).assets, 3)
  })

  it('keep to the buckets of a confined credential, and need a permission', async () => {
    await using set = await openMany()
    const confined = callOf({ permissions: ['assets:read'], buckets: ['second'] })
    const stats = await assetStats(set.engine, confined)
    assert.deepEqual([stats.assets, stats.bytes], [1, 4])
    await assert.rejects(assetStats(set.engine, anonymousCall), refused('UNAUTHENTICATED'))
    await assert.rejects(assetStats(set.engine, callOf({})), refused('FORBIDDEN'))
  })
})
