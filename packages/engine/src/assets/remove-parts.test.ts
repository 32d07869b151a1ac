import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { createBucket, updateBucket } from '../buckets/buckets.ts'
import { removeBucket } from '../buckets/remove-bucket.ts'
import type { Engine } from '../engine.ts'
import { addGrant, removeGrant } from '../identity/groups/groups.ts'
import { principalOfUser } from '../identity/principal-of-user.ts'
import { createUser } from '../identity/users/users.ts'
import { createUpload } from '../multipart/uploads.ts'
import { setObjectRetention } from '../objects/object-settings.ts'
import { removeObject } from '../objects/remove-object.ts'
import { callOf, openTestStore, put, refused, type TestStore } from '../test-store.test.ts'
import { getAssetByKey } from './get.ts'
import { moveAsset } from './move.ts'
import { removeAsset, removeAssetByKey, removeBatch, restoreAsset } from './remove.ts'

async function filled(opened: TestStore, count: number, key = 'k', bucket = 'photos') {
  const { asset } = await put(opened, key, 'first', { bucket })
  const rest = Array.from({ length: count - 1 }, (_, i) => put(opened, key, `${i}`, { bucket }))
  await Promise.all(rest)
  return asset.id
}

const numbersOf = async ({ engine }: Pick<TestStore, 'engine'>, assetId: string) => {
  const query = { assetId, deleted: 'with' as const, limit: 10_000 }
  const all = await engine.catalog.view.versions.list(query)
  return all.map(({ number }) => number)
}

/** The same store, where something happens around each commit of that name. */
function watched(
  engine: Engine,
  name: string,
  before: (count: number) => Promise<unknown>,
  after: () => void = () => {},
): Engine {
  const { catalog } = engine
  let count = 0
  const write: typeof catalog.write = async (other, args, options) => {
    if (other !== name) return await catalog.write(other, args, options)
    count += 1
    await before(count)
    return await catalog.write(other, args, options).finally(after)
  }
  const { view, traits } = catalog
  const bound = { view, traits, write, watch: catalog.watch.bind(catalog) }
  const others = { read: catalog.read.bind(catalog), probe: catalog.probe.bind(catalog) }
  return {
    ...engine,
    catalog: { ...bound, ...others, [Symbol.asyncDispose]: () => catalog[Symbol.asyncDispose]() },
  }
}

describe('a hard delete of many versions', () => {
  it('takes some in each commit, the oldest first, and the asset last', async () => {
    await using opened = await openTestStore()
    const { engine, call } = opened
    const id = await filled(opened, 620)
    const left: number[][] = []
    const seen = watched(engine, 'assets.remove', async () =>
      left.push(await numbersOf(opened, id)),
    )
    await removeAsset(seen, call, id, { hard: true })
    assert.deepEqual(
      left.map(numbers => [numbers.length, numbers[0]]),
      [620, 370, 120].map(count => [count, 620]),
    )
    assert.equal(await engine.catalog.view.assets.byId(id), undefined)
    assert.deepEqual(await numbersOf(opened, id), [])
    const { dead, bytes } = await engine.catalog.view.blobs.totals()
    assert.equal(dead, bytes)
    const usage = await engine.catalog.view.quotas.usage('bucket', 'photos')
    assert.deepEqual(usage, { assets: 0, bytes: 0 })
  })

  it('is ended by who repeats it, and until then shows what it showed', async () => {
    await using opened = await openTestStore()
    const { engine, call } = opened
    const id = await filled(opened, 300)
    const shown = await getAssetByKey(engine, call, 'photos', 'k')
    const broken = watched(engine, 'assets.remove', async count => {
      if (count === 2) throw new Error('cut')
    })
    await assert.rejects(removeAsset(broken, call, id, { hard: true }), /cut/)
    assert.equal((await numbersOf(opened, id)).length, 50)
    assert.deepEqual(await getAssetByKey(engine, call, 'photos', 'k'), shown)
    await using again = await opened.reopen('rebuild')
    assert.equal((await numbersOf(again, id)).length, 50)
    await removeAsset(again.engine, call, id, { hard: true })
    assert.equal(await again.engine.catalog.view.assets.byId(id), undefined)
  })

  it('keeps the version that is shown, however old, until the last part', async () => {
    await using opened = await openTestStore()
    const { engine, call } = opened
    const { asset } = await put(opened, 'k', 'one')
    const hide = () => removeObject(engine, call, { bucket: 'photos', key: 'k' })
    await Promise.all(Array.from({ length: 260 }, hide))
    const left: number[][] = []
    const seen = watched(engine, 'assets.remove', async () => {
      left.push(await numbersOf(opened, asset.id))
    })
    await removeAsset(seen, call, asset.id, { hard: true })
    assert.deepEqual(
      left.map(numbers => [numbers.length, numbers.at(-1)]),
      [
        [261, 1],
        [12, 1],
      ],
    )
    assert.equal(await engine.catalog.view.assets.byId(asset.id), undefined)
  })

  it('takes nothing where one of them is locked', async () => {
    await using opened = await openTestStore()
    const { engine, call } = opened
    const documents = { objectLock: { enabled: true } }
    await createBucket(engine, call, {
      name: 'locked',
      settings: { versioning: 'enabled' },
      documents,
    })
    const id = await filled(opened, 300, 'k', 'locked')
    const until = new Date(opened.clock.now() + 1000).toISOString()
    const retention = { mode: 'COMPLIANCE', until } as const
    await setObjectRetention(engine, call, { bucket: 'locked', key: 'k', retention })
    await assert.rejects(removeAsset(engine, call, id, { hard: true }), refused('VERSION_LOCKED'))
    assert.equal((await numbersOf(opened, id)).length, 300)
  })

  it('goes on only as long as its caller may', async () => {
    await using opened = await openTestStore()
    const { engine, call } = opened
    const id = await filled(opened, 300)
    const password = 'a Long enough 1 here!'
    const user = await createUser(engine, call, { username: 'bob', password, roles: [] })
    const grant = await addGrant(engine, call, {
      principalId: user.id,
      bucket: 'photos',
      prefix: '',
      permissions: ['assets:write', 'assets:read', 'versions:write'],
    })
    const by = callOf((await principalOfUser(engine, user)).principal)
    const revoked = watched(engine, 'assets.remove', async count => {
      if (count === 1) await removeGrant(engine, call, grant.id)
    })
    await assert.rejects(removeAsset(revoked, by, id, { hard: true }), refused('FORBIDDEN'))
    assert.equal((await numbersOf(opened, id)).length, 50)
  })

  it('of a key takes no asset that came there meanwhile', async () => {
    await using opened = await openTestStore()
    const { engine, call } = opened
    const id = await filled(opened, 300)
    let other = ''
    const raced = watched(engine, 'assets.remove', async count => {
      if (count !== 2) return
      await moveAsset(engine, call, id, { key: 'elsewhere' })
      other = (await put(opened, 'k', 'of others')).asset.id
    })
    const place = { bucket: 'photos', key: 'k' }
    await assert.rejects(
      removeAssetByKey(raced, call, place, { hard: true }),
      refused('ASSET_NOT_FOUND'),
    )
    assert.equal((await getAssetByKey(engine, call, 'photos', 'k')).id, other)
  })

  it('of several goes part by part', async () => {
    await using opened = await openTestStore()
    const { engine, call } = opened
    const ids = [await filled(opened, 300, 'a'), await filled(opened, 20, 'b')]
    let [now, most] = [0, 0]
    const begin = async () => {
      now += 1
      most = Math.max(most, now)
    }
    const counted = watched(engine, 'assets.remove', begin, () => {
      now -= 1
    })
    const done = await removeBatch(counted, call, ids, { hard: true })
    assert.deepEqual(
      done,
      ids.map(id => ({ id, ok: true })),
    )
    assert.equal(most, 1)
  })
})

describe('restoring below many markers', () => {
  const hidden = async (opened: TestStore, count: number) => {
    const { asset } = await put(opened, 'k', 'one')
    const hide = () => removeObject(opened.engine, opened.call, { bucket: 'photos', key: 'k' })
    await Promise.all(Array.from({ length: count }, hide))
    return asset.id
  }

  it('takes some in each commit, the newest last', async () => {
    await using opened = await openTestStore()
    const { engine } = opened
    const id = await hidden(opened, 620)
    const left: unknown[] = []
    const seen = watched(engine, 'assets.restore', async () => {
      const numbers = await numbersOf(opened, id)
      const asset = await engine.catalog.view.assets.byId(id)
      left.push([numbers.length, numbers[0], asset?.deletedAt !== null])
    })
    // What was shown last takes no more than writing, in each part.
    const writer = callOf({ id: 'writer', permissions: ['assets:write'] })
    const restored = await restoreAsset(seen, writer, id)
    assert.deepEqual(
      left,
      [621, 371, 121].map(count => [count, 621, true]),
    )
    assert.equal(restored.deletedAt, null)
    assert.deepEqual(await numbersOf(opened, id), [1])
  })

  it('is ended by who repeats it, and until then the asset is deleted', async () => {
    await using opened = await openTestStore()
    const { engine, call } = opened
    const id = await hidden(opened, 300)
    const broken = watched(engine, 'assets.restore', async count => {
      if (count === 2) throw new Error('cut')
    })
    await assert.rejects(restoreAsset(broken, call, id), /cut/)
    await using again = await opened.reopen('rebuild')
    assert.equal((await numbersOf(again, id)).length, 51)
    const gone = getAssetByKey(again.engine, call, 'photos', 'k')
    await assert.rejects(gone, refused('ASSET_NOT_FOUND'))
    await restoreAsset(again.engine, call, id)
    assert.equal((await getAssetByKey(again.engine, call, 'photos', 'k')).id, id)
    assert.deepEqual(await numbersOf(again, id), [1])
  })
})

describe('a bucket that goes', () => {
  it('takes many open uploads with it in parts, and stays until the last', async () => {
    await using opened = await openTestStore()
    const { engine, call } = opened
    await createBucket(engine, call, { name: 'temp' })
    const begin = (key: string) => createUpload(engine, call, { bucket: 'temp', key, facets: {} })
    await Promise.all(Array.from({ length: 450 }, (_, i) => begin(`k${i}`)))
    const left: (number | boolean)[] = []
    const seen = watched(engine, 'buckets.remove', async () => {
      const bucket = await engine.catalog.view.buckets.byName('temp')
      left.push(bucket !== undefined, await engine.catalog.view.uploads.count())
    })
    await removeBucket(seen, call, 'temp')
    assert.deepEqual(left, [true, 450, true, 250, true, 50])
    assert.equal(await engine.catalog.view.uploads.count(), 0)
    assert.equal(await engine.catalog.view.buckets.byName('temp'), undefined)
  })

  it('takes what is in the trash with many versions in parts', async () => {
    await using opened = await openTestStore()
    const { engine, call } = opened
    await createBucket(engine, call, { name: 'temp' })
    const ids: string[] = []
    for (const key of ['a', 'b']) ids.push(await filled(opened, 300, key, 'temp'))
    ids.push(await filled(opened, 2, 'c', 'temp'))
    await updateBucket(engine, call, 'temp', { versioning: 'disabled' })
    for (const id of ids) await removeAsset(engine, call, id)
    let [now, most] = [0, 0]
    const rows: number[] = []
    const begin = async () => {
      now += 1
      most = Math.max(most, now)
      rows.push((await Promise.all(ids.map(id => numbersOf(opened, id)))).flat().length)
    }
    const seen = watched(engine, 'assets.remove', begin, () => {
      now -= 1
    })
    await removeBucket(seen, call, 'temp', { trash: 'remove' })
    assert.equal(most, 1)
    assert.equal(rows[0], 602)
    for (const [index, count] of rows.entries()) {
      assert.ok(count - (rows[index + 1] ?? 0) <= 251, `${rows}`)
    }
    assert.equal(await engine.catalog.view.buckets.byName('temp'), undefined)
  })
})
