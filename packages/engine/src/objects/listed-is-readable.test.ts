import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Call } from '@holdfast/core/call.ts'
import { isHoldfastError } from '@holdfast/core/errors.ts'
import { anonymous, type Permission, type Principal } from '@holdfast/core/principal.ts'
import type { Acl, Asset, Bucket, JsonObject } from '@holdfast/core/records.ts'
import { roleTable } from '@holdfast/core/roles.ts'
import { runSeed, SeededRandom } from '@holdfast/testkit/seeded-random.ts'
import { type Action, actionPermissions } from '../access/actions.ts'
import { decide, grantsOf, mayPartly, tagsAreTold } from '../access/decide.ts'
import { narrow, toScope } from '../access/narrow.ts'
import { getAsset } from '../assets/get.ts'
import { assetStats, type ListQuery, listAssets } from '../assets/list.ts'
import { removeAsset } from '../assets/remove.ts'
import { createBucket } from '../buckets/buckets.ts'
import { setBucketDocument } from '../buckets/documents.ts'
import { callOf, openTestStore, put, type TestStore } from '../test-store.test.ts'
import { getObject } from './find-object.ts'
import { listObjects, listObjectVersions } from './list-objects.ts'

/** What every list shows in random worlds, against what may be read there one by one. */
const idOf = (no: number) => `0199d0c0-0000-7000-8000-00000000010${no}`
const ids = [0, 1, 2, 3].map(idOf)
const team = idOf(9)
const everyone = [...ids, team, 'anonymous']
const keys = ['a/1', 'a/2', 'a/b/3', 'b/1', 'b/2', 'c']
const actions = ['s3:GetObject', 's3:ListBucket', 's3:ListBucketVersions', 's3:*', 's3:PutObject']
const seed = runSeed()
const ROUNDS = 12

interface World {
  readonly opened: TestStore
  readonly buckets: readonly Bucket[]
  readonly assets: readonly Asset[]
}

async function worldOf(opened: TestStore, random: SeededRandom): Promise<World> {
  const { engine, call } = opened
  const names = ['one', 'two', 'three']
  const [hasLists, hasPolicies] = [random.chance(0.8), random.chance(0.7)]
  for (const name of names) {
    const maker = callOf({ id: random.pick(ids), permissions: ['assets:*', 'buckets:create'] })
    const settings = { publicRead: random.chance(0.2) }
    await createBucket(engine, random.chance(0.5) ? maker : call, { name, settings })
    for (const key of keys) {
      if (random.chance(0.2)) continue
      const acl = hasLists && random.chance(0.5) ? aclOf(random) : null
      const fields = { bucket: name, ownerId: random.pick(ids), acl, tags: ['red'] }
      const { asset } = await put(opened, key, `${key} in ${name}`, fields)
      if (random.chance(0.3)) await put(opened, key, `${key} again`, { bucket: name })
      if (random.chance(0.15)) await removeAsset(engine, call, asset.id)
    }
    if (!hasPolicies || random.chance(0.3)) continue
    const Statement = [0, 1].map(() => statementOf(random, name))
    const document = { Version: '2012-10-17', Statement }
    await setBucketDocument(engine, call, { bucket: name, name: 'policy', document })
  }
  const { view } = engine.catalog
  const all = await view.assets.list({ deleted: 'with', limit: 1000 })
  const found = await view.buckets.list({ limit: 100 })
  return { opened, buckets: found, assets: all }
}

function aclOf(random: SeededRandom): Acl {
  const some = () => everyone.filter(() => random.chance(0.2))
  return { read: some(), write: some() }
}

function statementOf(random: SeededRandom, bucket: string): JsonObject {
  const Action = random.pick(actions)
  const ends = /List/.test(Action) ? [''] : ['/*', '/a/*', '/*1']
  const end = random.pick(ends)
  return {
    Effect: random.chance(0.6) ? 'Allow' : 'Deny',
    Principal: random.pick(['*', { AWS: random.pick(ids) }]),
    Action,
    Resource: (Action === 's3:*' ? ['', '/*'] : [end]).map(one => `arn:aws:s3:::${bucket}${one}`),
  }
}

function principalOf(random: SeededRandom): Principal {
  if (random.chance(0.1)) return anonymous
  const id = random.pick(ids)
  const buckets = random.chance(0.25) ? ['one', 'two'].filter(() => random.chance(0.7)) : null
  const groups = random.chance(0.4) ? { groups: [team] } : {}
  const grants = random.chance(0.3)
    ? {
        grants: [0, 1].map(() => ({
          bucket: random.pick(['one', 'two', 'three']),
          prefix: random.pick(['', 'a/', 'b/1']),
          permissions: random.pick([['assets:read'], ['assets:*', 'versions:*'], ['assets:write']]),
        })),
      }
    : {}
  const scopes = random.pick([
    [],
    ['assets:read'],
    ['assets:*', 'versions:*'],
    ['buckets:create'],
    ['assets:read', 'buckets:create'],
    ['*'],
  ])
  const rights = random.chance(0.3)
    ? { permissions: scopes }
    : random.pick(Object.values(roleTable))
  const whole: Principal = { kind: 'user', id, name: id, ...rights, buckets, ...groups, ...grants }
  if (random.chance(0.1)) return toScope(whole, ['assets:read'])
  if (random.chance(0.1)) {
    const bounds = { by: 'the key', permissions: ['*:read'], buckets: ['one', 'two'] }
    return narrow(whole, bounds)
  }
  return whole
}

const REFUSED: ReadonlySet<string> = new Set([
  ...['FORBIDDEN', 'UNAUTHENTICATED'],
  ...['ASSET_NOT_FOUND', 'BUCKET_NOT_FOUND', 'VERSION_NOT_FOUND'],
])

/** Undefined where it is refused. */
async function unlessRefused<T>(work: () => Promise<T>): Promise<T | undefined> {
  try {
    return await work()
  } catch (error) {
    if (isHoldfastError(error) && REFUSED.has(error.code)) return undefined
    throw error
  }
}

async function listed({ engine }: TestStore, call: Call, query: ListQuery) {
  const found: Asset[] = []
  let cursor: string | undefined
  let total = 0
  do {
    const page = await listAssets(engine, call, { ...query, cursor, limit: 4 })
    found.push(...page.items)
    total = page.total
    cursor = page.nextCursor
  } while (cursor !== undefined)
  assert.equal(found.length, total, 'the total')
  return idsOf(found)
}

const idsOf = (assets: readonly Asset[]) => assets.map(({ id }) => id).sort()
const plain = ({ documents: _, ...bucket }: Bucket): Bucket => bucket

/** What one principal meets in a world. */
class Looks {
  readonly #world
  readonly #call
  readonly #label

  constructor(world: World, call: Call, label: string) {
    this.#world = world
    this.#call = call
    this.#label = `${label}: ${JSON.stringify(call.principal)}`
  }

  get #engine() {
    return this.#world.opened.engine
  }

  #of({ id }: Bucket, deleted = false): readonly Asset[] {
    const here = this.#world.assets.filter(({ bucketId }) => bucketId === id)
    return here.filter(({ deletedAt }) => (deleted ? deletedAt !== null : deletedAt === null))
  }

  async #readable(bucket: Bucket, deleted = false): Promise<readonly Asset[]> {
    const found: Asset[] = []
    for (const asset of this.#of(bucket, deleted)) {
      const options = { includeDeleted: deleted }
      const work = () => getAsset(this.#engine, this.#call, asset.id, options)
      if ((await unlessRefused(work)) !== undefined) found.push(asset)
    }
    return found
  }

  /** Whether the rules that are not those of S3 open it: lists, ownership, grants, scopes. */
  #isOpenAside(permission: Permission, bucket: Bucket, asset: Asset): boolean {
    return decide(this.#call.principal, permission, { bucket: plain(bucket), asset }).allowed
  }

  /** The whole of a bucket by leave to list it, else what is open aside; undefined: refused. */
  #sightOf(bucket: Bucket): 'whole' | 'part' | undefined {
    const { principal } = this.#call
    if (decide(principal, 'assets:read', { bucket }).allowed) return 'whole'
    return mayPartly(principal, 'assets:read', bucket) ? 'part' : undefined
  }

  async #shown(bucket: Bucket, { tags = false } = {}): Promise<readonly Asset[] | undefined> {
    const sight = this.#sightOf(bucket)
    if (sight === undefined) return undefined
    const readable = await this.#readable(bucket)
    return readable.filter(asset => {
      if (tags && !tagsAreTold(this.#call.principal, { bucket, asset })) return false
      return sight === 'whole' || this.#isOpenAside('assets:read', bucket, asset)
    })
  }

  async rest(): Promise<void> {
    const { buckets, opened } = this.#world
    const seen: Asset[] = []
    for (const bucket of buckets) {
      const { name } = bucket
      const wanted = await this.#shown(bucket)
      const confined = this.#call.principal.buckets
      if (confined === null || confined.includes(name)) seen.push(...(wanted ?? []))
      const told = await this.#shown(bucket, { tags: true })
      for (const [query, expected] of [
        [{}, wanted],
        [{ order: 'key' }, wanted],
        [{ tagsAny: ['red'] }, told],
        [{ search: 'red' }, told],
      ] as const) {
        const work = () => listed(opened, this.#call, { bucket: name, ...query })
        const found = await unlessRefused(work)
        const label = `${this.#label} lists ${name} ${JSON.stringify(query)}`
        assert.deepEqual(found, expected && idsOf(expected), label)
      }
    }
    const all = await unlessRefused(() => listed(opened, this.#call, {}))
    assert.deepEqual(all ?? [], idsOf(seen), `${this.#label} lists all`)
  }

  /** Nothing but what is asked for as deleted may be seen so, and nothing own is hidden. */
  async deleted(): Promise<void> {
    for (const bucket of this.#world.buckets) {
      const readable = idsOf(await this.#readable(bucket, true))
      const query = { bucket: bucket.name, deleted: 'only' } as const
      const found = await unlessRefused(() => listed(this.#world.opened, this.#call, query))
      if (found === undefined) continue
      const label = `${this.#label} lists what is deleted in ${bucket.name}`
      assert.deepEqual(
        found.filter(id => !readable.includes(id)),
        [],
        label,
      )
      const { id, ownPermissions } = this.#call.principal
      if (ownPermissions?.includes('assets:write') !== true) continue
      const own = this.#of(bucket, true).filter(({ ownerId }) => ownerId === id)
      const hidden = idsOf(own).filter(one => readable.includes(one) && !found.includes(one))
      assert.deepEqual(hidden, [], label)
    }
  }

  /** Totals go by the right to list: they count what only a policy keeps from being read. */
  async totals(): Promise<void> {
    const { principal } = this.#call
    const stats = await unlessRefused(() => assetStats(this.#engine, this.#call))
    if (stats === undefined) return
    const counted = this.#world.buckets.flatMap(bucket => {
      if (principal.buckets?.includes(bucket.name) === false) return []
      if (this.#sightOf(bucket) !== 'whole') return []
      return this.#of(bucket).filter(asset => this.#isListed('assets:read', bucket, asset))
    })
    const bytes = counted.reduce((sum, { size }) => sum + size, 0)
    assert.deepEqual([stats.assets, stats.bytes], [counted.length, bytes], this.#label)
  }

  #isListed(permission: Permission, bucket: Bucket, asset: Asset): boolean {
    return asset.acl === null || this.#isOpenAside(permission, bucket, asset)
  }

  /** Who may list a bucket of S3 sees its keys, also of what a policy keeps closed, as at AWS. */
  async s3(): Promise<void> {
    for (const bucket of this.#world.buckets) {
      const query = { bucket: bucket.name, limit: 1000 }
      const label = `${this.#label} lists objects of ${bucket.name}`
      const objects = await unlessRefused(() => listObjects(this.#engine, this.#call, query))
      const found = objects?.objects.map(({ asset }) => asset)
      const expected = this.#keyed('s3:ListBucket', bucket)
      assert.deepEqual(found && idsOf(found), expected && idsOf(expected), label)
      await this.#folders(bucket, expected)
      const older = await unlessRefused(() => listObjectVersions(this.#engine, this.#call, query))
      const keys = new Set(older?.versions.map(({ asset }) => asset.id))
      const versioned = this.#keyed('s3:ListBucketVersions', bucket, true)
      assert.deepEqual(older && [...keys].sort(), versioned && idsOf(versioned), label)
      const isWhole = this.#sightOf(bucket) === 'whole'
      if (!isWhole || expected === undefined) continue
      for (const { id, key } of this.#of(bucket)) {
        const work = () => getObject(this.#engine, this.#call, { bucket: bucket.name, key })
        if (expected.some(one => one.id === id) || (await unlessRefused(work)) === undefined)
          continue
        assert.fail(`${label}: ${key} may be read and is not listed`)
      }
    }
  }

  async #folders(bucket: Bucket, expected: readonly Asset[] | undefined): Promise<void> {
    const query = { bucket: bucket.name, limit: 1000, delimiter: '/' }
    const found = await unlessRefused(() => listObjects(this.#engine, this.#call, query))
    const folders = expected?.map(({ key }) => key.replace(/(?<=\/).*/, ''))
    const names = [...(found?.prefixes ?? []), ...(found?.objects ?? []).map(nameOf)]
    assert.deepEqual(names.sort(), [...new Set(folders)].sort(), this.#label)
  }

  #keyed(action: Action, bucket: Bucket, isOld = false): readonly Asset[] | undefined {
    const { principal } = this.#call
    const permission = actionPermissions[action]
    const all = isOld ? [...this.#of(bucket), ...this.#of(bucket, true)] : this.#of(bucket)
    if (decide(principal, permission, { bucket, action }).allowed) {
      return all.filter(asset => this.#isListed(permission, bucket, asset))
    }
    const isGranted = grantsOf(principal, permission).some(grant => grant.bucket === bucket.name)
    const isForeign = bucket.ownerId !== null && bucket.ownerId !== principal.id
    if ((isForeign && !isGranted) || !mayPartly(principal, permission, bucket)) return undefined
    return all.filter(asset => this.#isOpenAside(permission, bucket, asset))
  }
}

function nameOf({ asset }: { readonly asset: Asset }): string {
  return asset.key
}

test('lists show what may be read, and nothing else', async () => {
  for (let round = 0; round < ROUNDS; round += 1) {
    const random = new SeededRandom(seed + round)
    await using opened = await openTestStore()
    const world = await worldOf(opened, random)
    for (let i = 0; i < 30; i += 1) {
      const call = { ...opened.call, principal: principalOf(random) }
      const looks = new Looks(world, call, `seed ${seed + round}, ${i}`)
      for (const look of ['rest', 'deleted', 'totals', 's3'] as const) {
        await looks[look]()
      }
    }
  }
})

test('an owner is shown what an access list of theirs names others for', async () => {
  await using opened = await openTestStore()
  const { engine } = opened
  const maker = callOf({ kind: 'user', id: idOf(1), ...roleTable.USER })
  await createBucket(engine, maker, { name: 'own' })
  const acl = { read: [idOf(2)], write: [] }
  const fields = { bucket: 'own', ownerId: idOf(1), acl, tags: ['red'] }
  const { asset } = await put({ engine, call: maker }, 'a/1', 'bytes', fields)
  for (const query of [{}, { bucket: 'own' }, { bucket: 'own', tagsAny: ['red'] }]) {
    assert.deepEqual(await listed(opened, maker, query), [asset.id], JSON.stringify(query))
  }
  const page = { bucket: 'own', limit: 10 }
  assert.equal((await listObjects(engine, maker, page)).objects.length, 1)
  assert.equal((await listObjectVersions(engine, maker, page)).versions.length, 1)
  const { prefixes } = await listObjects(engine, maker, { ...page, delimiter: '/' })
  assert.deepEqual(prefixes, ['a/'])
  // Another right to all buckets brings totals; what others keep from it is not in them.
  const reads = callOf({ ...maker.principal, permissions: ['assets:read', 'buckets:create'] })
  assert.equal((await assetStats(engine, reads)).assets, 1)
  const other = callOf({ ...reads.principal, id: idOf(3) })
  assert.equal((await assetStats(engine, other)).assets, 0)
})

test('what is deleted is listed only to who may read and write it', async () => {
  await using opened = await openTestStore()
  const { engine, call } = opened
  const acl = { read: [idOf(2), team], write: [team] }
  for (const [key, fields] of [
    ['a/1', {}],
    ['b/1', {}],
    ['c', { acl }],
  ] as const) {
    const { asset } = await put(opened, key, key, { ownerId: idOf(1), ...fields })
    await removeAsset(engine, call, asset.id)
  }
  const grantOf = (prefix: string, permission: string) => {
    return { bucket: 'photos', prefix, permissions: [permission] }
  }
  const writes = [grantOf('', 'assets:write')]
  const both = [...writes, grantOf('a/', 'assets:read')]
  for (const [more, keysShown] of [
    [{ grants: writes }, []],
    [{ grants: both }, ['a/1']],
    [{ id: idOf(2) }, []],
    [{ groups: [team] }, ['c']],
    [{ id: idOf(1) }, ['a/1', 'b/1', 'c']],
    [{ permissions: ['assets:*'] }, ['a/1', 'b/1']],
  ] as const) {
    const who = callOf({ kind: 'user', id: idOf(3), ...roleTable.USER, ...more })
    for (const bucket of ['photos', undefined]) {
      const { items, total } = await listAssets(engine, who, { bucket, deleted: 'only' })
      assert.deepEqual(items.map(({ key }) => key).sort(), keysShown, JSON.stringify(more))
      assert.equal(total, keysShown.length)
    }
  }
})
