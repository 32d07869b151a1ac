import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import type { ObjectFacets } from '@holdfast/core/objects.ts'
import { authenticateKey, createKey, revokeKey } from '../access/keys/keys.ts'
import { removeAsset } from '../assets/remove.ts'
import { updateBucket } from '../buckets/buckets.ts'
import { commit } from '../commit.ts'
import type { ObjectInput } from '../objects/object-facets.ts'
import { putObject } from '../objects/put-object.ts'
import {
  bytesOf,
  openTestStore,
  openVersions,
  put,
  refused,
  versionNumbers,
} from '../test-store.test.ts'
import { listVersions } from './list.ts'
import { pruneVersions } from './prune.ts'
import { tagVersion } from './update.ts'

describe('pruning', () => {
  it('keeps the newest, the current and the tagged ones', async () => {
    await using set = await openVersions(8)
    const { engine, call, assetId } = set
    await tagVersion(engine, call, { assetId, version: 2 }, { name: 'keep me' })
    const plan = await pruneVersions(engine, call, assetId, { keep: 3, dryRun: true })
    assert.deepEqual(
      plan.pruned.map(one => one.number),
      [5, 4, 3, 1],
    )
    assert.deepEqual((await versionNumbers(set, assetId)).length, 8, 'a dry run changes nothing')
    const latest = await engine.catalog.view.changes.latest()
    const { pruned } = await pruneVersions(engine, call, assetId, { keep: 3 })
    assert.deepEqual(
      pruned.map(one => one.number),
      [5, 4, 3, 1],
    )
    assert.ok(pruned.every(one => one.deletedAt !== null))
    assert.deepEqual(await versionNumbers(set, assetId), [8, 7, 6, 2])
    assert.equal(await engine.catalog.view.changes.latest(), latest + 4)
    const again = await pruneVersions(engine, call, assetId, { keep: 3 })
    assert.deepEqual(again.pruned, [])
  })

  it('by age takes what is older, and with a count never the newest of these', async () => {
    await using set = await openVersions(8)
    const { engine, call, assetId } = set
    const dryRun = true
    const numbersOf = async (options: Parameters<typeof pruneVersions>[3]) => {
      const { pruned } = await pruneVersions(engine, call, assetId, { ...options, dryRun })
      return pruned.map(one => one.number)
    }
    assert.deepEqual(await numbersOf({ olderThanDays: 4.5 }), [3, 2, 1])
    assert.deepEqual(await numbersOf({ olderThanDays: 100 }), [])
    assert.deepEqual(await numbersOf({ olderThanDays: 0 }), [7, 6, 5, 4, 3, 2, 1])
    assert.deepEqual(await numbersOf({ olderThanDays: 4.5, keep: 7 }), [1])
    assert.deepEqual(await numbersOf({ keep: 1 }), [7, 6, 5, 4, 3, 2, 1])
  })

  it('goes on below the last one, and counts what it keeps from the newest', async () => {
    await using set = await openVersions(8)
    const { engine, call, assetId } = set
    const numbersOf = async (options: Parameters<typeof pruneVersions>[3]) => {
      const { pruned } = await pruneVersions(engine, call, assetId, { ...options, dryRun: true })
      return pruned.map(one => one.number)
    }
    assert.deepEqual(await numbersOf({ keep: 3, below: 4 }), [3, 2, 1])
    assert.deepEqual(await numbersOf({ keep: 3, below: 8 }), [5, 4, 3, 2, 1])
    assert.deepEqual(await numbersOf({ keep: 3, below: 1 }), [])
    assert.deepEqual(await numbersOf({ keep: 9, below: 4 }), [])
    assert.deepEqual(await numbersOf({ olderThanDays: 5.5, below: 2 }), [1])
    for (const below of [0, 1.5, -1]) {
      await assert.rejects(numbersOf({ below }), refused('VALIDATION_ERROR'))
    }
  })

  it('takes a thousand at once, newest first, and tells that there are more', async () => {
    await using set = await openVersions(1003)
    const { engine, call, assetId } = set
    await tagVersion(engine, call, { assetId, version: 900 }, { name: 'keep me' })
    const { changes } = engine.catalog.view
    const seen = await changes.latest()
    const plan = await pruneVersions(engine, call, assetId, { keep: 1, dryRun: true })
    assert.deepEqual([plan.pruned.length, plan.more], [1000, true])
    assert.equal(await changes.latest(), seen)
    const below = plan.pruned.at(-1)?.number
    assert.equal(below, 2)
    const rest = await pruneVersions(engine, call, assetId, { keep: 1, dryRun: true, below })
    assert.deepEqual([rest.pruned.map(one => one.number), rest.more], [[1], false])
    const done = await pruneVersions(engine, call, assetId, { keep: 1 })
    assert.deepEqual(
      done.pruned.map(one => one.number),
      plan.pruned.map(one => one.number),
    )
    assert.deepEqual([done.more, await versionNumbers(set, assetId)], [true, [1003, 900, 1]])
    const last = await pruneVersions(engine, call, assetId, { keep: 1 })
    assert.deepEqual([last.pruned.map(one => one.number), last.more], [[1], false])
    assert.deepEqual(await versionNumbers(set, assetId), [1003, 900])
  })

  it('takes fewer where much is said of each, and at last all', async () => {
    await using opened = await openTestStore()
    const { engine, call } = opened
    let assetId = ''
    for (let at = 0; at < 140; at += 1) {
      const metadata = { text: 'é'.repeat(15_000) }
      assetId = (await put(opened, 'k', `body ${at}`, { metadata })).asset.id
    }
    const counts: number[] = []
    for (let more = true; more; ) {
      const plan = await pruneVersions(engine, call, assetId, { keep: 1, dryRun: true })
      const done = await pruneVersions(engine, call, assetId, { keep: 1 })
      assert.deepEqual([done.pruned.length, done.more], [plan.pruned.length, plan.more])
      counts.push(done.pruned.length)
      more = done.more
    }
    assert.ok(counts.length === 3 && Math.max(...counts) < 70, String(counts))
    assert.deepEqual(await versionNumbers(opened, assetId), [140])
  })

  it('counts the parts of objects, and takes at least one', async () => {
    await using opened = await openTestStore()
    const { engine, call } = opened
    await updateBucket(engine, call, 'photos', { versioning: 'enabled' })
    let assetId = ''
    for (const count of [10_000, 10_000, 30_000, 0]) {
      const part = { size: 5_000_000, checksum: 'c'.repeat(44) }
      const parts = Array.from({ length: count }, (_, at) => ({ number: at + 1, ...part }))
      const facets: ObjectInput & Pick<ObjectFacets, 'parts'> = count === 0 ? {} : { parts }
      const at = { bucket: 'photos', key: 'k', source: bytesOf('x') }
      assetId = (await putObject(engine, call, { ...at, facets })).asset.id
    }
    const rounds: (number[] | boolean)[] = []
    for (let more = true; more; ) {
      const done = await pruneVersions(engine, call, assetId, { keep: 1 })
      rounds.push(done.pruned.map(({ number }) => number))
      more = done.more
    }
    assert.deepEqual(rounds, [[3], [2, 1]])
  })

  it('says nothing of metadata and parts, which would be held for all of them', async () => {
    await using set = await openVersions(3)
    const { engine, call, assetId } = set
    for (const dryRun of [true, false]) {
      const { pruned } = await pruneVersions(engine, call, assetId, { keep: 1, dryRun })
      assert.deepEqual(
        pruned.map(one => ['metadata', 'object'].filter(name => name in one)),
        [[], []],
      )
    }
    const { items } = await listVersions(engine, call, assetId, { includeDeleted: true })
    assert.deepEqual(
      items.map(({ metadata }) => metadata),
      [{ number: 3 }, { number: 2 }, { number: 1 }],
      'it is kept',
    )
  })

  it('shows no plan to who was shut out while it waited for its moment', async () => {
    await using set = await openVersions(3)
    const { engine, call, assetId } = set
    const { key, secret } = await createKey(engine, call, { name: 'k', permissions: ['*'] })
    const own = { ...call, principal: await authenticateKey(engine, secret) }
    const { moments } = engine
    const read = moments.read.bind(moments)
    moments.read = async (...given) => {
      await revokeKey(engine, call, key.id)
      return await read(...given)
    }
    const plan = pruneVersions(engine, own, assetId, { keep: 1, dryRun: true })
    await assert.rejects(plan, refused('UNAUTHENTICATED'))
  })

  it('is not done by age while the wall clock is not to be trusted', async () => {
    await using opened = await openTestStore()
    const { engine, call, clock } = opened
    const { asset } = await put(opened, 'a', 'one')
    await put(opened, 'a', 'two')
    const hour = 60 * 60 * 1000
    clock.jump(400 * 24 * hour)
    const byAge = () => pruneVersions(engine, call, asset.id, { olderThanDays: 1 })
    await assert.rejects(byAge(), refused('STORAGE_UNAVAILABLE'))
    clock.jump(-400 * 24 * hour)
    assert.deepEqual((await byAge()).pruned, [])
    clock.jump(400 * 24 * hour)
    assert.equal((await pruneVersions(engine, call, asset.id, { keep: 1 })).pruned.length, 1)
  })

  it('takes its default from the bucket, then from the store', async () => {
    await using set = await openVersions(12)
    const { engine, call, assetId } = set
    const dryRun = { dryRun: true }
    assert.equal((await pruneVersions(engine, call, assetId, dryRun)).pruned.length, 2)
    await updateBucket(engine, call, 'photos', { versionsMax: 4 })
    assert.equal((await pruneVersions(engine, call, assetId, dryRun)).pruned.length, 8)
    for (const options of [{ keep: 0 }, { keep: 1.5 }, { olderThanDays: -1 }]) {
      const wrong = pruneVersions(engine, call, assetId, options)
      await assert.rejects(wrong, refused('VALIDATION_ERROR'))
    }
  })

  it('is refused for a deleted asset, planned or done', async () => {
    await using opened = await openVersions(3)
    const { engine, call, assetId } = opened
    await removeAsset(engine, call, assetId)
    for (const dryRun of [true, false]) {
      const pruning = pruneVersions(engine, call, assetId, { keep: 1, dryRun })
      await assert.rejects(pruning, refused('ASSET_DELETED', { asset_id: assetId }))
    }
    const rule = { keep: 1, before: null, below: null }
    const race = commit(engine, call, { name: 'versions.prune', args: { assetId, rule, seen: [] } })
    await assert.rejects(race, refused('ASSET_DELETED'))
  })
})
