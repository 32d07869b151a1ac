import assert from 'node:assert/strict'
import type { Touched } from '@holdfast/core/ports/catalog.ts'
import { catalogTest, type Desk, keysOf, rejectsWith } from './catalog-test.ts'
import { checkTotals, dump } from './dump.ts'
import { newAsset, newBucket } from './records.ts'
import type { OpenCatalog } from './under-test.ts'

export function promiseTests(open: OpenCatalog): void {
  allOrNothingTests(open)
  durabilityTests(open)
  viewTests(open)
  catalogTest(open, 'C7 a transaction that ended throws at every use', async desk => {
    await desk.run('keepOpen', null)
    assert.deepEqual(await desk.run('useEscaped', null), [])
    assert.deepEqual((await dump(desk.view)).changes, [])
  })
  catalogTest(open, 'C9 watchers hear what a write touched before it resolves', watchers)
}

async function watchers(desk: Desk): Promise<void> {
  const heard: Touched[] = []
  const stop = desk.catalog.watch(touched => heard.push(touched))
  const bucket = await desk.bucket({ name: 'watched' })
  assert.deepEqual(heard.splice(0), [{ assets: [], records: { buckets: [bucket.id] } }])
  const { asset, version } = await desk.asset({ bucketId: bucket.id, key: 'a' })
  const { id, bucketId } = asset
  assert.deepEqual(heard.splice(0), [
    {
      assets: [{ id, bucketId, key: 'a' }],
      records: { blobs: [version.sha256], versions: [version.id] },
    },
  ])
  await desk.update(asset, { key: 'b' })
  const keys = heard.splice(0).flatMap(touched => touched.assets.map(({ key }) => key))
  assert.deepEqual(keys.sort(), ['a', 'b'])
  await rejectsWith(desk.write([{ do: 'refuse', code: 'QUOTA_EXCEEDED' }]), 'QUOTA_EXCEEDED')
  assert.deepEqual(heard, [])
  stop()
  await desk.bucket({ name: 'unwatched' })
  assert.deepEqual(heard, [])
}

function allOrNothingTests(open: OpenCatalog): void {
  catalogTest(open, 'C1 a write that fails at its end takes everything back', async desk => {
    const bucket = await desk.bucket({ name: 'first' })
    await desk.asset({ bucketId: bucket.id, key: 'kept' })
    const before = await dump(desk.view)
    const { steps, staged } = await desk.assetSteps({ bucketId: bucket.id, key: 'lost' }, 'new')
    const second = { do: 'bucket', record: newBucket({ name: 'second' }) } as const
    const failing = [second, ...steps, { do: 'refuse', code: 'QUOTA_EXCEEDED' } as const]
    await rejectsWith(desk.write(failing, staged), 'QUOTA_EXCEEDED')
    const breaking = [second, ...steps, { do: 'throw', message: 'broken' } as const]
    await rejectsWith(desk.write(breaking, staged), 'INTERNAL')
    assert.deepEqual(await dump(desk.view), before)
    await desk.write(steps, staged)
    checkTotals(await dump(desk.view))
  })
  catalogTest(open, 'C1 200 increments at once are all counted', async desk => {
    const bucket = await desk.bucket({ name: 'counted' })
    const { asset } = await desk.asset({ bucketId: bucket.id, key: 'counter' })
    const counts = await Promise.all(
      Array.from({ length: 200 }, () => desk.run('increment', asset.id)),
    )
    const found = await desk.view.assets.byId(asset.id)
    assert.equal(found?.metadata.count, 200)
    const sorted = counts.map(Number).sort((a, b) => a - b)
    assert.deepEqual(
      sorted,
      Array.from({ length: 200 }, (_, i) => i + 1),
    )
    checkTotals(await dump(desk.view))
  })
  catalogTest(open, 'C1 a transaction sees its own writes', async desk => {
    const bucket = newBucket({ name: 'inside' })
    const record = newAsset({ bucketId: bucket.id, key: 'k', service: 'inside' })
    const { answers, records } = await desk.write([
      { do: 'bucket', record: bucket },
      { do: 'asset', record },
      { do: 'ask', question: { of: 'asset', id: record.id } },
      { do: 'ask', question: { of: 'key', bucketId: bucket.id, key: 'k' } },
      { do: 'ask', question: { of: 'usage', scope: 'service', name: 'inside' } },
      { do: 'ask', question: { of: 'usage', scope: 'bucket', name: 'inside' } },
      { do: 'ask', question: { of: 'count', filter: { deleted: 'without' } } },
      { do: 'note', change: { what: 'asset.created', assetId: record.id } },
      { do: 'ask', question: { of: 'latest' } },
    ])
    const usage = { assets: 1, bytes: 0 }
    assert.deepEqual(answers, [records[1], records[1], usage, usage, 1, 1])
  })
  catalogTest(open, 'C3 unknown names and refusals leave nothing', async desk => {
    await rejectsWith(desk.run('no-such-transaction', {}), 'INTERNAL')
    await rejectsWith(desk.run('constructor', {}), 'INTERNAL')
    await rejectsWith(desk.run('increment', 'no-such-asset'), 'ASSET_NOT_FOUND')
    const { keep } = await desk.content('bytes that are not sent along')
    if (desk.catalog.traits.carriesBytes) await rejectsWith(desk.write([keep]), 'INTERNAL')
    const signal = AbortSignal.abort(new Error('too late'))
    const aborted = desk.catalog.write('script', [], { actor: 'a', requestId: 'r', signal })
    await assert.rejects(aborted, { message: 'too late' })
    assert.deepEqual((await dump(desk.view)).changes, [])
  })
  catalogTest(open, 'C3 details of a refusal reach the caller', async desk => {
    await assert.rejects(desk.write([{ do: 'refuse', code: 'ASSET_EXISTS' }]), {
      code: 'ASSET_EXISTS',
      details: { by: 'script' },
    })
  })
}

function durabilityTests(open: OpenCatalog): void {
  catalogTest(open, 'C2 what resolved is there after a reopening', async desk => {
    await fill(desk)
    const before = await dump(desk.view)
    if (desk.under.reopen === undefined) return
    desk.catalog = await desk.under.reopen()
    assert.deepEqual(await dump(desk.view), before)
    await checkSearch(desk)
    await fill(desk, 'more')
    checkTotals(await dump(desk.view))
  })
  catalogTest(open, 'C2 a catalog made again is the same', async desk => {
    await fill(desk)
    const before = await dump(desk.view)
    if (desk.under.rebuild === undefined) return
    desk.catalog = await desk.under.rebuild()
    assert.deepEqual(await dump(desk.view), before)
    await checkSearch(desk)
    await fill(desk, 'more')
    checkTotals(await dump(desk.view))
  })
  catalogTest(open, 'C2 staged bytes become readable with the transaction', async desk => {
    const { staging, readBlob } = desk.under
    const { carriesBytes } = desk.catalog.traits
    assert.equal(carriesBytes, staging !== undefined, 'traits.carriesBytes and staging')
    if (readBlob === undefined) return
    const bucket = await desk.bucket({ name: 'bytes' })
    for (const content of ['', 'small', 'large '.repeat(100_000)]) {
      const key = `of ${content.length}`
      const { version } = await desk.asset({ bucketId: bucket.id, key }, content)
      const blob = await desk.view.blobs.get(version.sha256)
      assert.ok(blob !== undefined)
      assert.equal(Buffer.from(await readBlob(blob)).toString(), content)
    }
  })
}

function viewTests(open: OpenCatalog): void {
  catalogTest(open, 'C4 a view sees every write that resolved', async desk => {
    const bucket = await desk.bucket({ name: 'seen' })
    const { assets, changes } = desk.view
    const lookWriteLook = async (i: number) => {
      const key = `key-${i}`
      const count = () => assets.count({ deleted: 'without', service: `service-${i}` })
      assert.equal(await assets.byKey(bucket.id, key), undefined)
      assert.equal(await count(), 0)
      const before = await changes.latest()
      const { asset } = await desk.asset({ bucketId: bucket.id, key, service: `service-${i}` })
      assert.deepEqual(await assets.byKey(bucket.id, key), asset)
      assert.deepEqual(await assets.byId(asset.id), asset)
      assert.equal(await count(), 1)
      assert.ok((await changes.latest()) > before)
    }
    for (let i = 0; i < 10; i += 1) await lookWriteLook(i)
    await Promise.all(Array.from({ length: 30 }, (_, i) => lookWriteLook(100 + i)))
  })
  catalogTest(open, 'C4 a total that was asked before follows every write', async desk => {
    const bucket = await desk.bucket({ name: 'totals' })
    const filter = { search: 'wanted', bucketId: bucket.id, deleted: 'without' } as const
    const { asset } = await desk.asset({ bucketId: bucket.id, key: 'wanted one' })
    for (let round = 0; round < 2; round += 1) {
      assert.equal(await desk.view.assets.count(filter), 1)
    }
    await desk.asset({ bucketId: bucket.id, key: 'wanted two' })
    assert.equal(await desk.view.assets.count(filter), 2)
    await desk.update(asset, { deletedAt: asset.updatedAt })
    assert.equal(await desk.view.assets.count(filter), 1)
    const other = await desk.bucket({ name: 'other' })
    await desk.asset({ bucketId: other.id, key: 'wanted elsewhere' })
    assert.equal(await desk.view.assets.count(filter), 1)
    assert.equal(await desk.view.assets.count({ search: 'wanted', deleted: 'with' }), 3)
  })
  catalogTest(open, 'C5 read sees one moment, however long it lasts', async desk => {
    const bucket = await desk.bucket({ name: 'moment' })
    await desk.asset({ bucketId: bucket.id, key: 'a' })
    await desk.catalog.read(async view => {
      const before = await dump(view)
      await desk.asset({ bucketId: bucket.id, key: 'b' })
      await desk.bucket({ name: 'later' })
      assert.deepEqual(await dump(view), before)
      await desk.catalog.read(async inner => {
        assert.equal((await dump(inner)).assets.length, 2)
        assert.deepEqual(await dump(view), before)
      })
    })
    assert.equal((await dump(desk.view)).buckets.length, 2)
    const value = await desk.catalog.read(view => view.buckets.count())
    assert.equal(value, 2)
  })
  catalogTest(open, 'C5 a failing reader spoils nothing for the next one', async desk => {
    const reason = new Error('reader failed')
    const reading = desk.catalog.read(() => {
      throw reason
    })
    await assert.rejects(reading, reason)
    await desk.bucket({ name: 'after' })
    assert.equal(await desk.catalog.read(view => view.buckets.count()), 1)
  })
  catalogTest(open, 'a probe says that it is up', async desk => {
    assert.equal((await desk.catalog.probe()).state, 'up')
  })
}

/** A bit of everything. */
async function fill(desk: Desk, prefix = 'fill'): Promise<void> {
  const bucket = await desk.bucket({ name: prefix })
  const big = 'x'.repeat(400_000)
  const one = await desk.asset({ bucketId: bucket.id, key: 'one', tags: ['a', 'b'] }, prefix + big)
  const two = await desk.asset({ bucketId: bucket.id, key: 'two', metadata: { n: 1 } }, prefix)
  const same = await desk.asset({ bucketId: bucket.id, key: 'same' }, prefix)
  const { asset } = await desk.asset({ bucketId: bucket.id, key: 'findable quince' }, prefix)
  await desk.update(asset, { tags: ['kept'], service: 'other' })
  await desk.update(two.asset, { deletedAt: '2026-05-05T05:05:05.005Z', metadata: { n: 2 } })
  await desk.write([
    { do: 'remove', what: 'version', id: same.version.id },
    { do: 'remove', what: 'asset', id: same.asset.id },
    { do: 'note', change: { what: 'asset.removed', detail: { key: 'same' } } },
  ])
  await desk.run('swapKeys', { one: one.asset.id, other: asset.id })
}

/** Keys and names are found; the two assets have swapped their keys. */
async function checkSearch(desk: Desk): Promise<void> {
  const found = await desk.view.assets.list({ search: 'quince', deleted: 'with', limit: 10 })
  assert.deepEqual(keysOf(found).sort(), ['findable quince', 'one'])
}
