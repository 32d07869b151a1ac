import assert from 'node:assert/strict'
import type { AssetFilter, Ownership, Reach } from '@holdfast/core/ports/asset-questions.ts'
import { type Acl, type Asset, assetTypes } from '@holdfast/core/records.ts'
import { runSeed, SeededRandom } from '../seeded-random.ts'
import { catalogTest, type Desk, keysOf } from './catalog-test.ts'
import type { OpenCatalog } from './under-test.ts'

/** The filter as a plain function over records: what list and count must agree with. */
export function matches(asset: Asset, filter: AssetFilter): boolean {
  const { bucketIds, tagsAny, deleted, visibleTo } = filter
  if (filter.bucketId !== undefined && asset.bucketId !== filter.bucketId) return false
  if (bucketIds !== undefined && !bucketIds.includes(asset.bucketId)) return false
  if (filter.service !== undefined && asset.service !== filter.service) return false
  if (filter.ownerId !== undefined && asset.ownerId !== filter.ownerId) return false
  if (filter.type !== undefined && asset.type !== filter.type) return false
  if (filter.name !== undefined && asset.name !== filter.name) return false
  if (tagsAny !== undefined && !tagsAny.some(tag => asset.tags.includes(tag))) return false
  if (filter.keyPrefix !== undefined && !asset.key.startsWith(filter.keyPrefix)) return false
  if (deleted === 'without' && asset.deletedAt !== null) return false
  if (deleted === 'only' && asset.deletedAt === null) return false
  if (filter.reach !== undefined && !isReached(asset, filter.reach)) return false
  if (visibleTo === undefined || asset.acl === null) return true
  return isOwned(asset, filter.visibleOwner) || namesOneOf(asset, [visibleTo].flat())
}

function isOwned(asset: Asset, ownership: Ownership | undefined): boolean {
  if (asset.ownerId !== ownership?.ownerId) return false
  return ownership.bucketIds?.includes(asset.bucketId) !== false
}

function isReached({ acl, ...asset }: Asset, reach: Reach): boolean {
  if (isOwned({ acl, ...asset }, reach.owner)) return true
  if (acl !== null) return namesOneOf({ ...asset, acl }, reach.ids)
  if (reach.bucketIds.includes(asset.bucketId)) return true
  return reach.prefixes.some(
    ({ bucketId, prefix }) => bucketId === asset.bucketId && asset.key.startsWith(prefix),
  )
}

function namesOneOf(
  { acl, deletedAt }: Pick<Asset, 'acl' | 'deletedAt'>,
  ids: readonly string[],
): boolean {
  const isIn = (list: readonly string[] = []) => ids.some(id => list.includes(id))
  return isIn(acl?.read) && (deletedAt === null || isIn(acl?.write))
}

export function filterTests(open: OpenCatalog): void {
  catalogTest(open, 'every mix of filters lists and counts what it names', async desk => {
    const seed = runSeed()
    const random = new SeededRandom(seed)
    const world = await fill(desk, random)
    for (let i = 0; i < 400; i += 1) {
      const filter = randomFilter(random, world)
      const expected = world.assets.filter(asset => matches(asset, filter)).reverse()
      const label = `seed ${seed}: ${JSON.stringify(filter)}`
      const list = await desk.view.assets.list({ ...filter, limit: 1000 })
      assert.deepEqual(keysOf(list), keysOf(expected), label)
      assert.equal(await desk.view.assets.count(filter), expected.length, label)
      const middle = expected[Math.floor(expected.length / 2)]
      if (middle === undefined) continue
      const query = { ...filter, limit: 3, beforeSeq: middle.createdSeq }
      const after = expected.filter(({ createdSeq }) => createdSeq < middle.createdSeq)
      assert.deepEqual(keysOf(await desk.view.assets.list(query)), keysOf(after.slice(0, 3)), label)
    }
  })
  catalogTest(open, 'an asset with an ACL is listed only to whom it names', async desk => {
    const bucket = await desk.bucket({ name: 'private' })
    await desk.asset({ bucketId: bucket.id, key: 'open' })
    await desk.asset({ bucketId: bucket.id, key: 'nobody', acl: { read: [], write: ['p1'] } })
    await desk.asset({ bucketId: bucket.id, key: 'mine', acl: { read: ['p1', 'p"2'], write: [] } })
    const seen = async (visibleTo: string) =>
      keysOf(await desk.view.assets.list({ deleted: 'without', visibleTo, limit: 9 })).sort()
    assert.deepEqual(await seen('p1'), ['mine', 'open'])
    assert.deepEqual(await seen('p"2'), ['mine', 'open'])
    assert.deepEqual(await seen('p'), ['open'])
    assert.equal(await desk.view.assets.count({ deleted: 'without', visibleTo: 'p' }), 1)
    const inBucket = { deleted: 'without', visibleTo: 'p', bucketId: bucket.id } as const
    assert.equal(await desk.view.assets.count(inBucket), 1)
    const acl = { read: ['p1'], write: [] }
    await desk.asset({ bucketId: bucket.id, key: 'own', ownerId: 'p', acl })
    const elsewhere = await desk.bucket({ name: 'elsewhere' })
    for (const [visibleOwner, assets] of [
      [{ ownerId: 'p' }, 2],
      [{ ownerId: 'p', bucketIds: [elsewhere.id, bucket.id] }, 2],
      [{ ownerId: 'p', bucketIds: [elsewhere.id] }, 1],
      [{ ownerId: 'p', bucketIds: [] }, 1],
      [{ ownerId: 'nobody' }, 1],
    ] as const) {
      const owned = { ...inBucket, visibleOwner }
      const keys = keysOf(await desk.view.assets.list({ ...owned, limit: 9 })).sort()
      assert.deepEqual(keys, assets === 2 ? ['open', 'own'] : ['open'])
      assert.equal(await desk.view.assets.count(owned), assets)
      const stats = await desk.view.assets.stats({ visibleTo: 'p', visibleOwner })
      assert.equal(stats.assets, assets)
    }
  })
}

interface World {
  readonly assets: readonly Asset[]
  readonly bucketIds: readonly string[]
}

const services = ['mail', 'mail%', 'Mail', 'photos']
const owners = ['owner-1', 'owner-2', 'owner-3']
const tags = ['red', 'Red', 'blue', '%', "it's"]
const names = ['report.pdf', 'REPORT.pdf', 'a_b', 'a%b', 'axb']

async function fill(desk: Desk, random: SeededRandom): Promise<World> {
  const bucketIds: string[] = []
  for (const name of ['bucket-1', 'bucket-2', 'bucket-3']) {
    bucketIds.push((await desk.bucket({ name })).id)
  }
  const assets: Asset[] = []
  for (let i = 0; i < 120; i += 1) {
    const deleted = random.chance(0.25)
    const { asset } = await desk.asset(
      {
        bucketId: random.pick(bucketIds),
        key: `${random.pick(['a_', 'a%', 'ax', 'A_', 'b/'])}${i}`,
        name: random.pick(names),
        type: random.pick(assetTypes),
        service: random.pick(services),
        ownerId: random.pick(owners),
        tags: tags.filter(() => random.chance(0.3)),
        acl: random.chance(0.3) ? aclOf(random) : null,
        deletedAt: deleted ? '2026-01-01T00:00:00.000Z' : null,
        trashed: deleted && random.chance(0.5),
      },
      `content ${i % 10}`,
    )
    assets.push(asset)
  }
  return { assets, bucketIds }
}

function aclOf(random: SeededRandom): Acl {
  return { read: [random.pick(['p1', 'p2'])], write: [random.pick(['p1', 'p2', 'p3'])] }
}

function randomFilter(random: SeededRandom, { bucketIds }: World): AssetFilter {
  const often = random.chance(0.5) ? 0.15 : 0.4
  const maybe = <T>(make: () => T): T | undefined => (random.chance(often) ? make() : undefined)
  const ownership = (): Ownership => ({
    ownerId: random.pick([...owners, 'none']),
    ...(random.chance(0.5) ? { bucketIds: bucketIds.filter(() => random.chance(0.5)) } : {}),
  })
  const given = {
    bucketId: maybe(() => random.pick([...bucketIds, 'no-such-bucket'])),
    bucketIds: maybe(() => [...bucketIds, 'no-such'].filter(() => random.chance(0.5))),
    service: maybe(() => random.pick([...services, 'none'])),
    ownerId: maybe(() => random.pick([...owners, 'none'])),
    type: maybe(() => random.pick(assetTypes)),
    tagsAny: maybe(() => [random.pick(tags), random.pick(tags)]),
    keyPrefix: maybe(() => random.pick(['a', 'a_', 'a%', 'A', 'b/', 'zz', '%', ''])),
    name: maybe(() => random.pick(names)),
    visibleTo: maybe(() => random.pick(['p1', 'p2', 'p3', ['p1', 'p3'], ['p1', 'p2']])),
    visibleOwner: maybe(() => ownership()),
    reach: maybe(() => ({
      ids: [random.pick(['p1', 'p2', 'p3']), 'p9'],
      ...(random.chance(0.5) ? { owner: ownership() } : {}),
      bucketIds: bucketIds.filter(() => random.chance(0.3)),
      prefixes: ['a_', 'a%', 'A', ''].flatMap(prefix =>
        random.chance(0.2) ? [{ bucketId: random.pick([...bucketIds, 'none']), prefix }] : [],
      ),
    })),
  }
  const kept = Object.entries(given).filter(([, value]) => value !== undefined)
  const deleted = random.pick(['without', 'without', 'only', 'with'] as const)
  return { ...Object.fromEntries(kept), deleted }
}
