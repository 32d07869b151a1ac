import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { isHoldfastError } from '@holdfast/core/errors.ts'
import { updateBucket } from '../buckets/buckets.ts'
import { setQuota } from '../quotas/quotas.ts'
import { openTestStore, owner, put, type TestStore, textOf } from '../test-store.test.ts'
import { getAssetByKey, openContent } from './get.ts'
import { removeAsset } from './remove.ts'
import type { PutResult } from './writes/put-transaction.ts'

/** How often each outcome or error code came. */
async function tally(work: readonly Promise<PutResult>[]): Promise<Record<string, number>> {
  const counts: Record<string, number> = {}
  for (const settled of await Promise.allSettled(work)) {
    const name =
      settled.status === 'fulfilled'
        ? settled.value.outcome
        : isHoldfastError(settled.reason)
          ? settled.reason.code
          : String(settled.reason)
    counts[name] = (counts[name] ?? 0) + 1
  }
  return counts
}

const times = (count: number) => Array.from({ length: count }, (_, index) => index)

async function shown({ engine, call }: TestStore, key: string): Promise<string> {
  const asset = await getAssetByKey(engine, call, 'photos', key)
  const content = await openContent(engine, call, { asset })
  return textOf(await content.read())
}

describe('puts at the same time, committed in another thread', () => {
  it('with If-None-Match: * create once and only once', async () => {
    await using opened = await openTestStore({ thread: true })
    for (const round of times(5)) {
      const puts = times(64).map(i =>
        put(opened, `key-${round}`, `body ${i}`, { ifNoneMatch: '*' }),
      )
      assert.deepEqual(await tally(puts), { created: 1, PRECONDITION_FAILED: 63 })
      const { asset } = (await Promise.allSettled(puts)).flatMap(one =>
        one.status === 'fulfilled' ? one.value : [],
      )[0]!
      assert.equal(asset.lastNumber, 1)
      const stored = await getAssetByKey(opened.engine, opened.call, 'photos', `key-${round}`)
      assert.deepEqual(stored, asset)
    }
  })

  it('in create mode make one asset and 63 conflicts that name it', async () => {
    await using opened = await openTestStore({ thread: true })
    const puts = times(64).map(i => put(opened, 'k', `body ${i}`, { mode: 'create' }))
    assert.deepEqual(await tally(puts), { created: 1, ASSET_EXISTS: 63 })
    const asset = await getAssetByKey(opened.engine, opened.call, 'photos', 'k')
    for (const settled of await Promise.allSettled(puts)) {
      if (settled.status === 'fulfilled') continue
      assert.equal(settled.reason.details.existing_asset_id, asset.id)
    }
  })

  it('without conditions all succeed, each with a number of its own', async () => {
    await using opened = await openTestStore({ thread: true })
    const results = await Promise.all(times(64).map(i => put(opened, 'k', `body ${i}`)))
    const numbers = results.map(one => one.version.number).sort((a, b) => a - b)
    assert.deepEqual(
      numbers,
      times(64).map(i => i + 1),
    )
    const last = results.find(one => one.version.number === 64)
    const asset = await getAssetByKey(opened.engine, opened.call, 'photos', 'k')
    assert.deepEqual(asset, last?.asset)
  })

  it('by compare-and-swap never lose an update', async () => {
    await using opened = await openTestStore({ thread: true })
    const first = await put(opened, 'counter', '0')
    const increment = async (): Promise<number> => {
      for (let attempts = 1; ; attempts += 1) {
        const asset = await getAssetByKey(opened.engine, opened.call, 'photos', 'counter')
        const content = await openContent(opened.engine, opened.call, { asset })
        const next = Number(await textOf(await content.read())) + 1
        try {
          await put(opened, 'counter', `${next}`, { ifMatch: [asset.sha256] })
          return attempts
        } catch (error) {
          if (!isHoldfastError(error) || error.code !== 'PRECONDITION_FAILED') throw error
        }
      }
    }
    const client = async () => {
      let attempts = 0
      for (const _ of times(10)) attempts += await increment()
      return attempts
    }
    const attempts = await Promise.all(times(8).map(client))
    assert.equal(await shown(opened, 'counter'), '80')
    const asset = await getAssetByKey(opened.engine, opened.call, 'photos', 'counter')
    assert.equal(asset.versionNumber, 81)
    assert.equal(asset.id, first.asset.id)
    const all = attempts.reduce((sum, one) => sum + one)
    assert.ok(all > 80, 'the clients never met, so nothing was shown')
  })

  it('of the same new content keep one blob with every reference', async () => {
    await using opened = await openTestStore({ thread: true })
    const body = 'shared '.repeat(100_000)
    const results = await Promise.all(times(16).map(i => put(opened, `k${i}`, body)))
    const sha256 = results[0]!.asset.sha256
    assert.equal((await opened.engine.catalog.view.blobs.totals()).blobs, 1)
    const blob = await opened.engine.catalog.view.blobs.get(sha256)
    assert.equal(blob?.references, 16)
    assert.equal(await shown(opened, 'k7'), body)
  })

  it('mixed with deletes leave the asset in one of the states written', async () => {
    await using opened = await openTestStore({ thread: true })
    const { engine, call } = opened
    const { asset } = await put(opened, 'k', 'start')
    await Promise.all([
      ...times(20).map(i => put(opened, 'k', `body ${i}`)),
      ...times(20).map(() => removeAsset(engine, call, asset.id)),
    ])
    const stored = await engine.catalog.view.assets.byId(asset.id)
    assert.ok(stored)
    const versions = await engine.catalog.view.versions.list({
      assetId: asset.id,
      deleted: 'with',
      limit: 1000,
    })
    assert.equal(versions.length, stored.lastNumber)
    assert.equal(new Set(versions.map(one => one.number)).size, versions.length)
    const [newest] = versions
    assert.equal(newest?.kind === 'marker', stored.deletedAt !== null)
    const newestContent = versions.find(one => one.kind === 'content')
    assert.equal(newestContent?.id, stored.versionId)
  })

  it('find new assets under the key when the old ones go to the trash', async () => {
    await using opened = await openTestStore({ thread: true })
    const { engine, call } = opened
    await updateBucket(engine, call, 'photos', { versioning: 'disabled' })
    const rounds = times(30).map(async i => {
      const { asset } = await put(opened, 'k', `body ${i}`)
      await removeAsset(engine, call, asset.id)
    })
    // Under such pressure a put may give up after its attempts; it may not do anything else.
    for (const settled of await Promise.allSettled(rounds)) {
      if (settled.status === 'fulfilled') continue
      assert.equal(settled.reason.code, 'CHANGED_MEANWHILE')
    }
    await put(opened, 'k', 'end')
    assert.equal(await shown(opened, 'k'), 'end')
  })
})

describe('quotas under concurrent puts', () => {
  it('of bytes are never passed and always used up', async () => {
    await using opened = await openTestStore({ thread: true })
    const { engine, call } = opened
    await setQuota(engine, call, { scope: 'bucket', name: 'photos' }, { bytesMax: 1000 })
    const puts = times(64).map(i => put(opened, `k${i}`, `${i}`.padStart(30, '.')))
    assert.deepEqual(await tally(puts), { created: 33, QUOTA_EXCEEDED: 31 })
    const usage = await engine.catalog.view.quotas.usage('bucket', 'photos')
    assert.deepEqual(usage, { assets: 33, bytes: 990 })
  })

  it('of assets are exact, and versions do not count as assets', async () => {
    await using opened = await openTestStore({ thread: true })
    const { engine, call } = opened
    await setQuota(engine, call, { scope: 'service', name: 'test' }, { assetsMax: 10 })
    const puts = times(40).map(i => put(opened, `k${i % 20}`, `body ${i}`))
    const counts = await tally(puts)
    assert.equal(counts.created, 10)
    assert.equal((counts.replaced ?? 0) + (counts.QUOTA_EXCEEDED ?? 0), 30)
    const usage = await engine.catalog.view.quotas.usage('service', 'test')
    assert.equal(usage.assets, 10)
  })

  it('count what replaced content frees where nothing is versioned', async () => {
    await using opened = await openTestStore({ thread: true })
    const { engine, call } = opened
    await updateBucket(engine, call, 'photos', { versioning: 'disabled' })
    await setQuota(engine, call, { scope: 'owner', name: owner }, { bytesMax: 100 })
    for (const i of times(10)) await put(opened, 'k', `${i}`.padStart(100, '.'))
    assert.deepEqual(await tally([put(opened, 'k', '.'.repeat(101))]), { QUOTA_EXCEEDED: 1 })
    const usage = await engine.catalog.view.quotas.usage('owner', owner)
    assert.deepEqual(usage, { assets: 1, bytes: 100 })
  })
})
