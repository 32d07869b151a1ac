import assert from 'node:assert/strict'
import { it } from 'node:test'
import fc from 'fast-check'
import { createBucket, updateBucket } from '../buckets/buckets.ts'
import { removeBucket } from '../buckets/remove-bucket.ts'
import { bytesOf, openTestStore, type TestStore } from '../test-store.test.ts'
import { listObjectVersions } from './list-objects.ts'
import { putObject } from './put-object.ts'
import { removeObject } from './remove-object.ts'

const write = fc.record({
  key: fc.constantFrom('a', 'a/b', 'b'),
  what: fc.constantFrom('put', 'put', 'put', 'mark', 'suspend', 'enable'),
  /** Of the same millisecond as the one before, where 0. */
  after: fc.constantFrom(0, 1, 1, 5),
})

const reading = fc.record({
  limit: fc.integer({ min: 1, max: 4 }),
  /** Of each listed version, whether it goes before the next page is asked for. */
  goes: fc.array(fc.boolean(), { minLength: 1, maxLength: 7 }),
})

type Write = typeof write extends fc.Arbitrary<infer Value> ? Value : never
type Reading = typeof reading extends fc.Arbitrary<infer Value> ? Value : never

async function apply({ engine, call, clock }: TestStore, bucket: string, step: Write) {
  const { key, what, after } = step
  await clock.advance(after)
  if (what === 'put') {
    await putObject(engine, call, { bucket, key, source: bytesOf('x'), facets: {} })
  } else if (what === 'mark') {
    await removeObject(engine, call, { bucket, key })
  } else {
    const versioning = what === 'enable' ? 'enabled' : 'suspended'
    await updateBucket(engine, call, bucket, { versioning })
  }
}

/** Lists page by page and removes as told. How often each version was listed. */
async function readPages({ engine, call }: TestStore, bucket: string, { limit, goes }: Reading) {
  const told = new Map<string, number>()
  let next: { key: string; versionId?: string } | undefined
  for (let page = 0, seen = 0; page < 1000; page += 1) {
    const marker = next && { keyMarker: next.key, versionIdMarker: next.versionId }
    const list = await listObjectVersions(engine, call, { bucket, limit, ...marker })
    for (const { asset, version, versionId } of list.versions) {
      told.set(version.id, (told.get(version.id) ?? 0) + 1)
      seen += 1
      if (goes[seen % goes.length] !== true) continue
      await removeObject(engine, call, { bucket, key: asset.key, versionId })
    }
    next = list.next
    if (next === undefined) return told
  }
  throw new Error('the pages do not end')
}

it('of what is removed page by page each version is listed, and once', async () => {
  await using opened = await openTestStore()
  const { engine, call } = opened
  let number = 0
  const property = async (steps: readonly Write[], how: Reading) => {
    number += 1
    const bucket = `bucket-${number}`
    await createBucket(engine, call, { name: bucket, settings: { versioning: 'suspended' } })
    for (const step of steps) await apply(opened, bucket, step)
    const { versions } = await listObjectVersions(engine, call, { bucket, limit: 1000 })
    const told = await readPages(opened, bucket, how)
    const there = versions.map(({ version }) => version.id)
    assert.deepEqual([...told.keys()].toSorted(), there.toSorted())
    // What is of one millisecond cannot be told apart once its place is gone.
    const isApart = steps.every(({ after }) => after > 0)
    if (isApart) assert.deepEqual([...new Set(told.values())], there.length === 0 ? [] : [1])
    await readPages(opened, bucket, { ...how, goes: [true] })
    await removeBucket(engine, call, bucket)
  }
  const steps = fc.array(write, { maxLength: 24 })
  await fc.assert(fc.asyncProperty(steps, reading, property), { numRuns: 80 })
})
