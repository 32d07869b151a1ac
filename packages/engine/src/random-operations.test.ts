import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { isHoldfastError } from '@holdfast/core/errors.ts'
import { type Dump, dump } from '@holdfast/testkit/catalog/dump.ts'
import { SeededRandom } from '@holdfast/testkit/seeded-random.ts'
import { addLink } from './assets/links.ts'
import { copyAsset, moveAsset } from './assets/move.ts'
import { removeAsset, restoreAsset } from './assets/remove.ts'
import { mergeMetadata, updateAsset } from './assets/update.ts'
import { createBucket, updateBucket } from './buckets/buckets.ts'
import { collectGarbage } from './integrity/collect.ts'
import { verifyStore } from './integrity/verify.ts'
import { removeQuota, setQuota } from './quotas/quotas.ts'
import { openTestStore, put, type TestStore } from './test-store.test.ts'
import { pruneVersions } from './versions/prune.ts'
import { removeVersion } from './versions/remove.ts'
import { rollbackVersion } from './versions/rollback.ts'
import { tagVersion } from './versions/update.ts'

/**
 * Random operations from a seed, checked against what holds in every state: records agree with each
 * other, counters with recounting, and the catalog made again from the log with the one it lost.
 */

const BUCKETS = ['photos', 'plain', 'limited']
const BODIES = ['', 'one', 'two', 'three '.repeat(10), 'four '.repeat(80_000)]

async function openBuckets(): Promise<TestStore> {
  const opened = await openTestStore()
  const { engine, call } = opened
  await createBucket(engine, call, { name: 'plain', settings: { versioning: 'disabled' } })
  await createBucket(engine, call, { name: 'limited' })
  await setQuota(
    engine,
    call,
    { scope: 'bucket', name: 'limited' },
    { assetsMax: 3, bytesMax: 200 },
  )
  return opened
}

type Operation = (opened: TestStore, random: SeededRandom, id: string) => Promise<unknown>

const body = (random: SeededRandom) => random.pick(BODIES)
const key = (random: SeededRandom) => `k${random.below(5)}`
const number = (random: SeededRandom) => 1 + random.below(4)

const operations: Record<string, Operation> = {
  put: (opened, random) =>
    put(opened, key(random), body(random), {
      bucket: random.pick(BUCKETS),
      service: random.pick(['a', 'b']),
      mode: random.pick(['create', 'replace']),
      tags: random.chance(0.5) ? [random.pick(['x', 'y'])] : undefined,
    }),
  again: (opened, random) =>
    put(opened, key(random), body(random), { bucket: random.pick(BUCKETS) }),
  update: ({ engine, call }, random, id) =>
    updateAsset(engine, call, id, { tags: ['x', 'z'].slice(random.below(3)) }),
  merge: ({ engine, call }, random, id) =>
    mergeMetadata(engine, call, id, { [key(random)]: random.pick([1, null, 'text']) }),
  move: ({ engine, call }, random, id) =>
    moveAsset(engine, call, id, { bucket: random.pick(BUCKETS), key: key(random) }),
  copy: ({ engine, call }, random, id) =>
    copyAsset(engine, call, id, { bucket: random.pick(BUCKETS), key: key(random) }),
  remove: ({ engine, call }, random, id) =>
    removeAsset(engine, call, id, { hard: random.chance(0.3) }),
  restore: ({ engine, call }, _random, id) => restoreAsset(engine, call, id),
  link: async ({ engine, call }, random, id) => {
    const [other] = await engine.catalog.view.assets.list({
      deleted: 'without',
      limit: 1,
      offset: random.below(5),
    })
    await addLink(engine, call, id, { type: 'to', to: other?.id ?? id })
  },
  dropVersion: ({ engine, call }, random, assetId) =>
    removeVersion(engine, call, { assetId, version: number(random) }),
  rollback: ({ engine, call }, random, assetId) =>
    rollbackVersion(engine, call, { assetId, version: number(random) }),
  tag: ({ engine, call }, random, assetId) =>
    tagVersion(engine, call, { assetId, version: number(random) }, { name: key(random) }),
  prune: ({ engine, call }, random, assetId) =>
    pruneVersions(engine, call, assetId, { keep: number(random) }),
  collect: async ({ engine, clock }, random) => {
    await clock.advance(random.below(30) * 60 * 60 * 1000)
    await collectGarbage(engine)
  },
  setting: ({ engine, call }, random) => {
    const versioning = random.pick(['enabled', 'disabled'] as const)
    return updateBucket(engine, call, random.pick(BUCKETS), { versioning })
  },
  quota: async ({ engine, call }, random) => {
    const target = { scope: 'service', name: random.pick(['a', 'b']) } as const
    if (random.chance(0.5)) await setQuota(engine, call, target, { assetsMax: random.below(8) })
    else await removeQuota(engine, call, target)
  },
}

/** Runs the operations; refusals are answers too, anything else is a failure. */
async function run(opened: TestStore, random: SeededRandom, steps: number) {
  const done: Record<string, number> = {}
  for (let step = 0; step < steps; step += 1) {
    const name = random.chance(0.4) ? 'put' : random.pick(Object.keys(operations))
    const assets = await opened.engine.catalog.view.assets.list({ deleted: 'with', limit: 20 })
    const id = assets.length === 0 ? 'none' : random.pick(assets).id
    try {
      await operations[name]?.(opened, random, id)
      done[name] = (done[name] ?? 0) + 1
    } catch (error) {
      if (!isHoldfastError(error) || error.kind === 'internal') throw error
    }
    await opened.clock.advance(1)
  }
  return done
}

function checkRecords({ assets, versions, blobs }: Dump): void {
  for (const asset of assets) {
    const own = versions.filter(version => version.assetId === asset.id)
    const numbers = own.map(version => version.number)
    assert.equal(new Set(numbers).size, numbers.length, 'a number is used once')
    assert.ok(asset.lastNumber >= Math.max(...numbers))
    const kept = own.filter(one => one.kind === 'content' && one.deletedAt === null)
    const shown = kept.reduce((one, other) => (one.number > other.number ? one : other))
    assert.deepEqual(
      [asset.versionId, asset.versionNumber, asset.sha256, asset.size],
      [shown.id, shown.number, shown.sha256, shown.size],
      'the asset shows its newest content',
    )
    const newest = own.find(one => one.number === Math.max(...numbers))
    if (asset.deletedAt !== null && !asset.trashed) assert.equal(newest?.kind, 'marker')
    if (asset.deletedAt === null) assert.equal(asset.trashed, false)
  }
  const places = assets.filter(one => !one.trashed).map(one => `${one.bucketId}/${one.key}`)
  assert.equal(new Set(places).size, places.length, 'one asset holds a key')
  for (const blob of blobs) {
    const references = versions.filter(version => version.sha256 === blob.sha256).length
    assert.equal(blob.references, references, 'references equal a recount')
    assert.equal(blob.deadSince === null, references > 0)
  }
  for (const version of versions) {
    if (version.kind === 'marker') continue
    assert.ok(
      blobs.some(blob => blob.sha256 === version.sha256),
      'every version has its blob',
    )
  }
}

function checkUsage({ assets, versions, buckets, usage }: Dump): void {
  for (const bucket of buckets) {
    const own = assets.filter(asset => asset.bucketId === bucket.id)
    const ids = new Set(own.map(asset => asset.id))
    const bytes = versions
      .filter(version => ids.has(version.assetId))
      .reduce((sum, version) => sum + version.size, 0)
    assert.deepEqual(usage[`bucket ${bucket.name}`], { assets: own.length, bytes }, bucket.name)
  }
}

describe('random operations', () => {
  const total: Record<string, number> = {}
  for (const seed of [1, 2, 3, 4]) {
    it(`of seed ${seed} leave records, counters and log in agreement`, async () => {
      let opened = await openBuckets()
      try {
        const random = new SeededRandom(seed)
        for (let round = 0; round < 3; round += 1) {
          const done = await run(opened, random, 120)
          for (const [name, count] of Object.entries(done)) total[name] = (total[name] ?? 0) + count
          const before = await dump(opened.engine.catalog.view)
          checkRecords(before)
          checkUsage(before)
          opened = await opened.reopen('rebuild')
          assert.deepEqual(await dump(opened.engine.catalog.view), before)
        }
        const report = await verifyStore(opened.engine)
        assert.deepEqual([report.missing, report.damaged], [[], []])
      } finally {
        await opened[Symbol.asyncDispose]()
      }
    })
  }

  it('succeeded at least once, each of them', () => {
    const never = Object.keys(operations).filter(name => total[name] === undefined)
    assert.deepEqual(never, [])
  })
})
