import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { setImmediate } from 'node:timers/promises'
import type { Call } from '@holdfast/core/call.ts'
import type { ObjectAcl } from '@holdfast/core/objects.ts'
import { rightsOf } from '@holdfast/core/roles.ts'
import { aclJson, privateAcl } from '../access/bucket-acl.ts'
import { createKey, revokeKey } from '../access/keys/keys.ts'
import { getAssetByKey } from '../assets/get.ts'
import { removeAsset } from '../assets/remove.ts'
import { commit } from '../commit.ts'
import { systemCall } from '../engine.ts'
import { putObject } from '../objects/put-object.ts'
import {
  bytesOf,
  callOf,
  owner as guestId,
  interrupted,
  openTestStore,
  put,
  refused,
  type TestStore,
} from '../test-store.test.ts'
import { createBucket, getBucket, updateBucket } from './buckets.ts'
import { setBucketDocument } from './documents.ts'
import { updateAndGive } from './give-bucket.ts'

/** A key that owns buckets, as its holder calls. */
async function owner({ engine, call }: TestStore, name: string): Promise<Call> {
  const permissions = ['buckets:create', 'buckets:read']
  const { key } = await createKey(engine, call, { name, permissions })
  return callOf({ kind: 'api_key', id: key.id, name, permissions })
}

const give = ({ engine, call = systemCall('test') }: Given, ownerId: string | null, by = call) =>
  updateAndGive(engine, by, { name: 'given', patch: {}, ownerId })

type Given = Pick<TestStore, 'engine'> & Partial<Pick<TestStore, 'call'>>

describe('a bucket that an administrator gives away', () => {
  it('is ruled by the next owner, with what the one before stored there', async () => {
    await using opened = await openTestStore({ thread: true })
    const { engine, call } = opened
    const [ann, bob] = [await owner(opened, 'ann'), await owner(opened, 'bob')]
    const [annId, bobId] = [ann.principal.id, bob.principal.id]
    await createBucket(engine, ann, { name: 'given' })
    const fields = { bucket: 'given', ownerId: annId }
    for (const key of ['k', 'k', 'gone']) await put({ engine, call: ann }, key, 'hers', fields)
    await removeAsset(engine, ann, (await getAssetByKey(engine, ann, 'given', 'gone')).id)
    await put(opened, 'guest', 'of others', { ...fields, ownerId: guestId })
    const { quotas } = engine.catalog.view
    const before = await quotas.usage('owner', annId)
    assert.equal(before.assets, 2)
    const { bucket } = await give(opened, bobId.toUpperCase())
    // Nothing there is left to give.
    assert.deepEqual([bucket.ownerId, bucket.givenFrom], [bobId, undefined])
    assert.deepEqual(await quotas.usage('owner', bobId), before)
    assert.deepEqual(await quotas.usage('owner', annId), { assets: 0, bytes: 0 })
    assert.equal((await getAssetByKey(engine, bob, 'given', 'k')).ownerId, bobId)
    const guest = await getAssetByKey(engine, bob, 'given', 'guest')
    assert.equal(guest.ownerId, guestId)
    await updateBucket(engine, bob, 'given', { versionsMax: 3 })
    const no = refused('FORBIDDEN')
    await assert.rejects(getBucket(engine, ann, 'given'), no)
    await assert.rejects(getAssetByKey(engine, ann, 'given', 'k'), no)
    await assert.rejects(put({ engine, call: ann }, 'k', 'again', fields), no)
    await using again = await opened.reopen('rebuild')
    const { view } = again.engine.catalog
    assert.deepEqual(await view.quotas.usage('owner', bobId), before)
    assert.equal((await getBucket(again.engine, bob, 'given')).bucket.ownerId, bobId)
    await give(again, null)
    assert.equal((await getBucket(again.engine, ann, 'given')).bucket.ownerId, null)
    assert.equal((await getAssetByKey(again.engine, call, 'given', 'k')).ownerId, bobId)
  })

  it('is given whole by who repeats what broke off behind the bucket', async () => {
    await using opened = await openTestStore({ thread: true })
    const { engine, call } = opened
    const [ann, bob, cid] = await Promise.all(['ann', 'bob', 'cid'].map(n => owner(opened, n)))
    if (!ann || !bob || !cid) return assert.fail()
    const [from, to] = [ann.principal.id, bob.principal.id]
    const { bucket } = await createBucket(engine, ann, { name: 'given' })
    for (const key of ['a', 'b']) {
      await put({ engine, call: ann }, key, 'hers', { bucket: 'given', ownerId: from })
    }
    const args = { bucketId: bucket.id, from, to, ownedBucketsMax: 9 }
    await commit(engine, call, { name: 'buckets.give', args })
    await using again = await opened.reopen('rebuild')
    const { quotas } = again.engine.catalog.view
    assert.equal((await quotas.usage('owner', from)).assets, 2)
    await give(again, to)
    assert.deepEqual(await quotas.usage('owner', from), { assets: 0, bytes: 0 })
    assert.equal((await quotas.usage('owner', to)).assets, 2)
    const late = { bucket: 'given', ownerId: from }
    await put(again, 'late', 'by an administrator for her', late)
    await give(again, to)
    assert.equal((await quotas.usage('owner', from)).assets, 1)
    // The next give ends the one before it first.
    await give(again, from)
    await commit(again.engine, call, { name: 'buckets.give', args })
    await give(again, cid.principal.id)
    assert.equal((await quotas.usage('owner', from)).assets, 0)
    assert.equal((await quotas.usage('owner', cid.principal.id)).assets, 3)
  })

  it('takes the owner of its lists of S3 along', async () => {
    await using opened = await openTestStore()
    const { engine, call } = opened
    const [ann, bob] = [await owner(opened, 'ann'), await owner(opened, 'bob')]
    const [annId, bobId] = [ann.principal.id, bob.principal.id]
    await createBucket(engine, ann, { name: 'given' })
    const acl: ObjectAcl = privateAcl(annId)
    const document = aclJson(acl)
    await setBucketDocument(engine, ann, { bucket: 'given', name: 'acl', document })
    const about = { bucket: 'given', key: 'k', source: bytesOf('x'), facets: { acl } }
    await putObject(engine, ann, about)
    const { bucket } = await give(opened, bobId)
    assert.deepEqual(bucket.documents?.acl, aclJson(privateAcl(bobId)))
    const { versionId } = await getAssetByKey(engine, bob, 'given', 'k')
    const version = await engine.catalog.view.versions.byId(versionId)
    assert.deepEqual(version?.object?.acl, privateAcl(bobId))
    const common = await give(opened, null)
    assert.deepEqual(common.bucket.documents?.acl, aclJson(privateAcl(call.principal.id)))
  })

  it('takes the lists of many versions along in parts, and the asset last', async () => {
    await using opened = await openTestStore()
    const { engine } = opened
    const [ann, bob] = [await owner(opened, 'ann'), await owner(opened, 'bob')]
    const [annId, bobId] = [ann.principal.id, bob.principal.id]
    await createBucket(engine, ann, { name: 'given' })
    const own = { bucket: 'given', key: 'k', facets: { acl: privateAcl(annId) } }
    const putOwn = () => putObject(engine, ann, { ...own, source: bytesOf('hers') })
    const { asset } = await putOwn()
    await Promise.all(Array.from({ length: 299 }, putOwn))
    const ownersOf = async () => {
      const about = { assetId: asset.id, deleted: 'with' as const, limit: 1000 }
      const all = await engine.catalog.view.versions.list(about)
      return all.map(({ object }) => object?.acl?.owner)
    }
    const counted = (owners: (string | undefined)[]) => owners.filter(id => id === bobId).length
    const seen: unknown[] = []
    const { catalog } = engine
    const write: typeof catalog.write = async (name, args, options) => {
      const done = await catalog.write(name, args, options)
      if (name !== 'assets.give') return done
      const now = await catalog.view.assets.byId(asset.id)
      seen.push([counted(await ownersOf()), now?.ownerId === bobId])
      return done
    }
    const watching = new Proxy(catalog, {
      get: (target, name) => {
        const value = Reflect.get(target, name)
        if (name === 'write') return write
        return typeof value === 'function' ? value.bind(target) : value
      },
    })
    await give({ ...opened, engine: { ...engine, catalog: watching } }, bobId)
    assert.deepEqual(seen, [
      [250, false],
      [300, true],
    ])
  })

  it('takes no list that was made for the owner before', async () => {
    await using opened = await openTestStore()
    const { engine } = opened
    const [ann, bob] = [await owner(opened, 'ann'), await owner(opened, 'bob')]
    await createBucket(engine, ann, { name: 'given' })
    await give(opened, bob.principal.id)
    const set = async ({ principal }: Call) => {
      const document = aclJson(privateAcl(principal.id))
      const about = { bucket: 'given', name: 'acl', document } as const
      return (await setBucketDocument(engine, systemCall('test'), about)).documents?.acl
    }
    await assert.rejects(set(ann), refused('CHANGED_MEANWHILE'))
    assert.deepEqual(await set(bob), aclJson(privateAcl(bob.principal.id)))
  })

  it('goes by nobody else, to nobody who could not own it, and past no limit', async () => {
    await using opened = await openTestStore({ limits: { ownedBucketsMax: 1 } })
    const { engine, call } = opened
    const [ann, bob] = [await owner(opened, 'ann'), await owner(opened, 'bob')]
    await createBucket(engine, ann, { name: 'given' })
    const operator = callOf({ id: 'op', ...rightsOf(['OPERATOR']) })
    const all = ['assets:*', 'versions:*', 'metadata:*', 'buckets:*', 'policy:*', 'admin:*']
    for (const other of [ann, bob, operator, callOf({ id: 'most', permissions: all })]) {
      await assert.rejects(give(opened, bob.principal.id, other), refused('FORBIDDEN'))
    }
    const away = callOf({ permissions: ['*'], buckets: ['photos'] })
    await assert.rejects(give(opened, bob.principal.id, away), refused('BUCKET_NOT_FOUND'))
    const session = {
      kind: 'user' as const,
      sessionId: 's',
      confirmedAt: new Date(0).toISOString(),
    }
    const stale = callOf({ ...session, permissions: ['*'] })
    await assert.rejects(give(opened, bob.principal.id, stale), refused('CONFIRMATION_REQUIRED'))
    const nobody = '0199d0c0-0000-7000-8000-00000000000f'
    await assert.rejects(give(opened, nobody), refused('PRINCIPAL_NOT_FOUND'))
    const reader = await createKey(engine, call, { name: 'r', permissions: ['assets:read'] })
    await assert.rejects(give(opened, reader.key.id), refused('VALIDATION_ERROR'))
    const buckets = ['photos']
    const shut = { name: 's', permissions: ['buckets:create'], buckets }
    const { key } = await createKey(engine, call, shut)
    await assert.rejects(give(opened, key.id), refused('VALIDATION_ERROR'))
    const patch = { versionsMax: 0 }
    const wrong = updateAndGive(engine, call, { name: 'given', patch, ownerId: bob.principal.id })
    await assert.rejects(wrong, refused('VALIDATION_ERROR'))
    const fields = { bucket: 'given', ownerId: ann.principal.id }
    await put({ engine, call: ann }, 'k', 'hers', fields)
    await createBucket(engine, bob, { name: 'bobs' })
    await assert.rejects(give(opened, bob.principal.id), refused('TOO_MANY_BUCKETS'))
    assert.equal((await getBucket(engine, ann, 'given')).bucket.ownerId, ann.principal.id)
    assert.equal((await getAssetByKey(engine, ann, 'given', 'k')).ownerId, ann.principal.id)
  })

  it('is given no further by who was shut out meanwhile', async () => {
    await using opened = await openTestStore()
    const { engine, call } = opened
    const [ann, bob] = [await owner(opened, 'ann'), await owner(opened, 'bob')]
    await createBucket(engine, ann, { name: 'given' })
    const fields = { bucket: 'given', ownerId: ann.principal.id }
    const keys = Array.from({ length: 201 }, (_, at) => `k${at}`)
    await Promise.all(keys.map(key => put({ engine, call: ann }, key, 'hers', fields)))
    const { key } = await createKey(engine, call, { name: 'admin', permissions: ['*'] })
    const { id, name, permissions, buckets } = key
    const admin = callOf({ id, name, permissions, buckets })
    const racing = interrupted(opened, async () => await revokeKey(engine, call, id))
    const gift = give({ engine: racing }, bob.principal.id, admin)
    await assert.rejects(gift, refused('UNAUTHENTICATED'))
    assert.equal((await getBucket(engine, ann, 'given')).bucket.ownerId, ann.principal.id)
    assert.equal((await engine.catalog.view.quotas.usage('owner', ann.principal.id)).assets, 1)
    await give(opened, bob.principal.id)
    assert.equal((await engine.catalog.view.quotas.usage('owner', ann.principal.id)).assets, 0)
  })

  it('gives nothing to the one of two next owners that is refused', async () => {
    await using opened = await openTestStore({ thread: true })
    const { engine } = opened
    const [ann, bob, cid] = await Promise.all(['ann', 'bob', 'cid'].map(n => owner(opened, n)))
    if (!ann || !bob || !cid) return assert.fail()
    await createBucket(engine, ann, { name: 'given' })
    const fields = { bucket: 'given', ownerId: ann.principal.id }
    const keys = Array.from({ length: 450 }, (_, at) => `k${at}`)
    await Promise.all(keys.map(key => put({ engine, call: ann }, key, 'hers', fields)))
    const { quotas } = engine.catalog.view
    const first = give(opened, bob.principal.id)
    while ((await quotas.usage('owner', bob.principal.id)).assets === 0) await setImmediate()
    await assert.rejects(give(opened, cid.principal.id), refused('CHANGED_MEANWHILE'))
    await first
    assert.deepEqual(await quotas.usage('owner', cid.principal.id), { assets: 0, bytes: 0 })
  })
})
