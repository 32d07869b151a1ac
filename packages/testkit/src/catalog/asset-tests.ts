import assert from 'node:assert/strict'
import type { AssetQuery } from '@holdfast/core/ports/asset-questions.ts'
import type { Asset } from '@holdfast/core/records.ts'
import { runSeed, SeededRandom } from '../seeded-random.ts'
import { catalogTest, keysOf } from './catalog-test.ts'
import { newAsset } from './records.ts'
import type { OpenCatalog } from './under-test.ts'

export function assetTests(open: OpenCatalog): void {
  catalogTest(open, 'an asset is read as it was put', async desk => {
    const bucket = await desk.bucket({ name: 'exact' })
    const { asset } = await desk.asset({
      bucketId: bucket.id,
      key: 'a/ä/🗄/%_"\'\n end ',
      name: "näme 'quoted'",
      type: 'image',
      service: 'sér vice',
      ownerId: 'owner/with:odd',
      tags: ['β', 'a b', ''],
      metadata: { a: [1, null, { b: 'c' }], '': 0, ключ: true, n: 1.5e300 },
      acl: { read: ['p1'], write: [] },
      contentType: 'image/png; x=y',
      deletedAt: '2026-01-02T03:04:05.678Z',
    })
    assert.deepEqual(await desk.view.assets.byId(asset.id), asset)
    assert.deepEqual(await desk.view.assets.byKey(bucket.id, asset.key), asset)
    assert.equal(await desk.view.assets.byId('none'), undefined)
    assert.equal(await desk.view.assets.byKey(bucket.id, 'none'), undefined)
    assert.equal(await desk.view.assets.byKey('none', asset.key), undefined)
    const changed = await desk.update(asset, { tags: [], metadata: {}, acl: null, deletedAt: null })
    assert.deepEqual(await desk.view.assets.byId(asset.id), changed)
    assert.equal(changed.createdSeq, asset.createdSeq)
  })
  catalogTest(open, 'a key belongs to one asset that is not in the trash', async desk => {
    const bucket = await desk.bucket({ name: 'keys' })
    const other = await desk.bucket({ name: 'other' })
    const { asset } = await desk.asset({ bucketId: bucket.id, key: 'k' })
    await desk.asset({ bucketId: other.id, key: 'k' })
    await desk.asset({ bucketId: bucket.id, key: 'K' })
    const rival = newAsset({ bucketId: bucket.id, key: 'k' })
    await assert.rejects(desk.write([{ do: 'asset', record: rival }]))
    const deletedAt = '2026-01-01T00:00:00.000Z'
    const deleted = await desk.update(asset, { deletedAt })
    assert.equal((await desk.view.assets.byKey(bucket.id, 'k'))?.id, asset.id)
    await assert.rejects(desk.write([{ do: 'asset', record: rival }]))
    const trashed = await desk.update(deleted, { trashed: true })
    assert.equal(await desk.view.assets.byKey(bucket.id, 'k'), undefined)
    const next = await desk.asset({ bucketId: bucket.id, key: 'k' })
    assert.equal((await desk.view.assets.byKey(bucket.id, 'k'))?.id, next.asset.id)
    await assert.rejects(desk.update(trashed, { trashed: false }))
    assert.equal((await desk.view.assets.byId(asset.id))?.trashed, true)
  })
  pagingTests(open)
  statsTests(open)
}

function pagingTests(open: OpenCatalog): void {
  catalogTest(open, 'pages of any size give every asset once, newest first', async desk => {
    const bucket = await desk.bucket({ name: 'pages' })
    for (let i = 0; i < 23; i += 1) await desk.asset({ bucketId: bucket.id, key: `k${i}` }, 'same')
    const expected = Array.from({ length: 23 }, (_, i) => `k${22 - i}`)
    const query = { bucketId: bucket.id, deleted: 'without' } as const
    for (const limit of [1, 2, 7, 22, 23, 24]) {
      const byCursor: Asset[] = []
      for (;;) {
        const last = byCursor.at(-1)
        const more = last === undefined ? {} : { beforeSeq: last.createdSeq }
        const page = await desk.view.assets.list({ ...query, ...more, limit })
        if (page.length === 0) break
        byCursor.push(...page)
      }
      assert.deepEqual(keysOf(byCursor), expected)
      const byOffset: Asset[] = []
      for (let offset = 0; offset < 30; offset += limit) {
        byOffset.push(...(await desk.view.assets.list({ ...query, limit, offset })))
      }
      assert.deepEqual(keysOf(byOffset), expected)
    }
  })
  catalogTest(open, 'by key, assets come in the order of UTF-8 bytes', async desk => {
    const random = new SeededRandom(runSeed())
    const bucket = await desk.bucket({ name: 'ordered' })
    // U+FF61 sorts after U+1F5C4 in UTF-16 units, before it in bytes.
    const letters = ['a', 'B', '/', 'é', '\uff61', '🗄', '0', ' ', '%', '_', '~']
    const keys = new Set<string>()
    while (keys.size < 60) {
      keys.add(Array.from({ length: 1 + random.below(4) }, () => random.pick(letters)).join(''))
    }
    for (const key of keys) await desk.asset({ bucketId: bucket.id, key }, 'same')
    const sorted = [...keys].sort((a, b) => Buffer.compare(Buffer.from(a), Buffer.from(b)))
    for (const limit of [1, 7, 1000]) {
      const found: string[] = []
      for (;;) {
        const query: AssetQuery = {
          bucketId: bucket.id,
          deleted: 'without',
          afterKey: found.at(-1) ?? '',
          limit,
        }
        const page = await desk.view.assets.list(query)
        if (page.length === 0) break
        found.push(...keysOf(page))
      }
      assert.deepEqual(found, sorted)
    }
    for (const keyPrefix of letters) {
      const filter = { bucketId: bucket.id, deleted: 'without', keyPrefix } as const
      const expected = sorted.filter(key => key.startsWith(keyPrefix))
      const page = await desk.view.assets.list({ ...filter, afterKey: '', limit: 100 })
      assert.deepEqual(keysOf(page), expected)
      assert.equal(await desk.view.assets.count(filter), expected.length)
    }
  })
}

function statsTests(open: OpenCatalog): void {
  catalogTest(open, 'C8 stats count what is not deleted', async desk => {
    const one = await desk.bucket({ name: 'one' })
    const two = await desk.bucket({ name: 'two' })
    const put = (given: Partial<Asset> & { key: string }, text: string) =>
      desk.asset({ bucketId: one.id, ...given }, text)
    const deletedAt = '2026-01-01T00:00:00.000Z'
    await put({ key: 'a', type: 'image', service: 'mail' }, '12345')
    await put({ key: 'b', type: 'image', service: 'mail:x' }, '123')
    await put({ key: 'c', type: 'video', service: 'mail', bucketId: two.id }, '1234567')
    await put({ key: 'd', type: 'image', service: 'mail', deletedAt }, '123456789')
    const { asset } = await put({ key: 'e', type: 'audio', service: 'gone' }, 'xy')
    await desk.update(asset, { deletedAt })
    const { stats } = desk.view.assets
    const mail = { assets: 2, bytes: 12 }
    const other = { assets: 1, bytes: 3 }
    assert.deepEqual(await stats({}), {
      ...{ assets: 3, bytes: 15, types: { image: 2, video: 1 } },
      services: { mail, 'mail:x': other },
    })
    assert.deepEqual(await stats({ service: 'mail' }), {
      ...{ ...mail, types: { image: 1, video: 1 }, services: { mail } },
    })
    assert.deepEqual(await stats({ bucketIds: [two.id] }), {
      ...{ assets: 1, bytes: 7, types: { video: 1 }, services: { mail: { assets: 1, bytes: 7 } } },
    })
    const both = await stats({ service: 'mail', bucketIds: [one.id, two.id] })
    assert.deepEqual(both, { ...mail, types: { image: 1, video: 1 }, services: { mail } })
    const named = ['constructor', '__proto__', 'toString']
    const three = await desk.bucket({ name: 'three' })
    for (const service of named) await put({ key: service, service, bucketId: three.id }, 'x')
    const each = named.map(service => [service, { assets: 1, bytes: 1 }] as const)
    for (const bucketIds of [[three.id], undefined]) {
      const { services } = await stats(bucketIds === undefined ? {} : { bucketIds })
      for (const [service, usage] of each) {
        assert.deepEqual(Object.getOwnPropertyDescriptor(services, service)?.value, usage)
      }
    }
    const none = { assets: 0, bytes: 0, types: {}, services: {} }
    assert.deepEqual(await stats({ bucketIds: [] }), none)
    assert.deepEqual(await stats({ service: 'gone' }), none)
    assert.deepEqual(await stats({ service: 'never' }), none)
  })
}
