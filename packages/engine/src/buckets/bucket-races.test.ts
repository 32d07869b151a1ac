import assert from 'node:assert/strict'
import { describe, it, test } from 'node:test'
import type { Call } from '@holdfast/core/call.ts'
import { createKey, revokeKey } from '../access/keys/keys.ts'
import { removeAsset, restoreAsset } from '../assets/remove.ts'
import type { Engine } from '../engine.ts'
import {
  callOf,
  interrupted,
  openTestStore,
  put,
  refused,
  type TestStore,
} from '../test-store.test.ts'
import { createBucket, updateBucket } from './buckets.ts'
import { setBucketDocument } from './documents.ts'
import { removeBucket } from './remove-bucket.ts'

const bucket = 'shared'
const ann = callOf({ id: 'ann', permissions: ['buckets:create', 'buckets:read'] })
const bob = callOf({ id: 'bob', permissions: ['buckets:create', 'buckets:read'] })
const tagging = { tags: [{ key: 'a', value: 'b' }] }

function policyFor(effect: 'Allow' | 'Deny') {
  const resource = [`arn:aws:s3:::${bucket}`, `arn:aws:s3:::${bucket}/*`]
  const statement = { Effect: effect, Principal: '*', Action: 's3:*', Resource: resource }
  return { Version: '2012-10-17', Statement: [statement] }
}

function setDocument(engine: Engine, call: Call, name: 'policy' | 'tagging', document: object) {
  return setBucketDocument(engine, call, { bucket, name, document: { ...document } })
}

/** Every way to change a bucket. */
const acts: Readonly<Record<string, (engine: Engine) => Promise<unknown>>> = {
  'its settings': engine => updateBucket(engine, ann, bucket, { versionsMax: 3 }),
  'a document of it': engine => setDocument(engine, ann, 'policy', policyFor('Allow')),
  'itself, which goes': engine => removeBucket(engine, ann, bucket),
  'itself, which goes with its trash': engine => {
    return removeBucket(engine, ann, bucket, { trash: 'remove' })
  },
}

describe('between decision and commit another bucket takes the name, and keeps', () => {
  for (const [name, act] of Object.entries(acts)) {
    it(name, async () => {
      await using opened = await openTestStore()
      const { engine } = opened
      await createBucket(engine, ann, { name: bucket })
      let theirs: unknown
      const racing = interrupted(opened, async () => {
        await removeBucket(engine, ann, bucket)
        theirs = (await createBucket(engine, bob, { name: bucket })).bucket
      })
      await assert.rejects(act(racing), refused('FORBIDDEN'))
      assert.deepEqual(await engine.catalog.view.buckets.byName(bucket), theirs)
    })
  }
})

describe('between decision and commit a policy closes the bucket, which keeps', () => {
  for (const [name, act] of Object.entries(acts)) {
    // Who owns a bucket may always set its policy.
    if (name === 'a document of it') continue
    it(name, async () => {
      await using opened = await openTestStore()
      const { engine, call } = opened
      await createBucket(engine, ann, { name: bucket })
      const closed = { ...policyFor('Deny') }
      const racing = interrupted(opened, async () => {
        await setDocument(engine, call, 'policy', closed)
      })
      await assert.rejects(act(racing), refused('FORBIDDEN'))
      const kept = await engine.catalog.view.buckets.byName(bucket)
      assert.deepEqual(kept?.documents, { policy: closed })
      assert.equal(kept?.settings.versionsMax, null)
    })
  }
})

describe('a public access block that comes between decision and commit keeps', () => {
  const name = 'publicAccessBlock'
  const document = { blockPublicAcls: true, blockPublicPolicy: true }
  const openings: Readonly<Record<string, (engine: Engine) => Promise<unknown>>> = {
    'public reading out': engine => updateBucket(engine, ann, bucket, { publicRead: true }),
    'a public policy out': engine => setDocument(engine, ann, 'policy', policyFor('Allow')),
  }
  for (const [what, open] of Object.entries(openings)) {
    it(what, async () => {
      await using opened = await openTestStore()
      const { engine } = opened
      await createBucket(engine, ann, { name: bucket })
      const racing = interrupted(opened, async () => {
        await setBucketDocument(engine, ann, { bucket, name, document })
      })
      await assert.rejects(open(racing), refused('PUBLIC_ACCESS_BLOCKED'))
      const kept = await engine.catalog.view.buckets.byName(bucket)
      assert.equal(kept?.settings.publicRead, false)
      assert.deepEqual(kept?.documents, { [name]: document })
    })
  }
})

test('what changes in a bucket at once comes through one after the other', async () => {
  await using opened = await openTestStore()
  const { engine } = opened
  await createBucket(engine, ann, { name: bucket })
  const limits = Array.from({ length: 60 }, (_, at) => at + 1)
  await Promise.all([
    ...limits.map(versionsMax => updateBucket(engine, ann, bucket, { versionsMax })),
    setDocument(engine, ann, 'tagging', tagging),
    setDocument(engine, ann, 'policy', policyFor('Allow')),
  ])
  const kept = await engine.catalog.view.buckets.byName(bucket)
  assert.deepEqual(kept?.documents, { tagging, policy: policyFor('Allow') })
  assert.ok(limits.includes(kept?.settings.versionsMax ?? 0))
})

test('what was overtaken decides again one at a time, and callers take turns', async () => {
  await using opened = await openTestStore()
  const { engine } = opened
  await createBucket(engine, ann, { name: bucket })
  const { lines, joined } = { lines: engine.bucketChanges, joined: [] as string[] }
  let deciding = 0
  const take = lines.take.bind(lines)
  lines.take = async (name, caller, work) =>
    await take(name, caller, async () => {
      joined.push(caller)
      deciding += 1
      assert.equal(deciding, 1)
      try {
        return await work()
      } finally {
        deciding -= 1
      }
    })
  const { principal } = opened.call
  const set = (call: Call) => setDocument(engine, call, 'tagging', tagging)
  await Promise.all([...Array.from({ length: 30 }, () => set(ann)), set(opened.call)])
  assert.ok(joined.length >= 30, `${joined.length} were overtaken`)
  assert.ok(joined.indexOf(principal.id) <= 2, joined.join(' '))
})

test('who is shut out while overtaken changes are decided again is refused', async () => {
  await using opened = await openTestStore()
  const { engine, call } = opened
  await createBucket(engine, call, { name: bucket })
  const { key } = await createKey(engine, call, { name: 'k', permissions: ['buckets:*'] })
  const { id, name, permissions, buckets } = key
  const sender = callOf({ id, name, permissions, buckets })
  const racing = interrupted(opened, async () => {
    await updateBucket(engine, call, bucket, { versionsMax: 5 })
  })
  const { lists } = engine
  const next = lists.next.bind(lists)
  lists.next = async caller => {
    await revokeKey(engine, call, id)
    await next(caller)
  }
  const change = updateBucket(racing, sender, bucket, { versionsMax: 3 })
  await assert.rejects(change, refused('UNAUTHENTICATED'))
  const kept = await engine.catalog.view.buckets.byName(bucket)
  assert.equal(kept?.settings.versionsMax, 5)
})

describe('the trash of a bucket that goes', () => {
  async function trashed(opened: TestStore, count: number): Promise<readonly string[]> {
    const { engine, call } = opened
    await createBucket(engine, call, { name: bucket, settings: { versioning: 'disabled' } })
    const keys = Array.from({ length: count }, (_, at) => `k${at}`)
    return await Promise.all(
      keys.map(async key => {
        const { asset } = await put(opened, key, 'x', { bucket })
        await removeAsset(engine, call, asset.id)
        return asset.id
      }),
    )
  }

  async function left({ engine }: TestStore): Promise<number> {
    return (await engine.catalog.view.quotas.usage('bucket', bucket)).assets
  }

  it('keeps what was restored before its turn', async () => {
    await using opened = await openTestStore()
    const { engine, call } = opened
    const [id = ''] = await trashed(opened, 1)
    const racing = interrupted(opened, async () => await restoreAsset(engine, call, id))
    const removal = removeBucket(racing, call, bucket, { trash: 'remove' })
    await assert.rejects(removal, refused('BUCKET_NOT_EMPTY', { bucket }))
    const asset = await engine.catalog.view.assets.byId(id)
    assert.equal(asset?.deletedAt, null)
  })

  it('keeps the pages behind the one at which its sender was shut out', async () => {
    await using opened = await openTestStore()
    const { engine, call } = opened
    const { key } = await createKey(engine, call, { name: 'k', permissions: ['buckets:*'] })
    const { id, name, permissions, buckets } = key
    const sender = callOf({ id, name, permissions, buckets })
    await trashed(opened, 201)
    const racing = interrupted(opened, async () => await revokeKey(engine, call, id))
    const removal = removeBucket(racing, sender, bucket, { trash: 'remove' })
    await assert.rejects(removal, refused('UNAUTHENTICATED'))
    assert.equal(await left(opened), 1)
  })

  it('keeps its last page where something was put meanwhile', async () => {
    await using opened = await openTestStore()
    const { call } = opened
    await trashed(opened, 201)
    const racing = interrupted(opened, async () => await put(opened, 'new', 'x', { bucket }))
    const removal = removeBucket(racing, call, bucket, { trash: 'remove' })
    await assert.rejects(removal, refused('BUCKET_NOT_EMPTY', { bucket }))
    assert.equal(await left(opened), 2)
  })

  it('goes once, where two take it', async () => {
    await using opened = await openTestStore()
    const { engine, call } = opened
    await trashed(opened, 5)
    const remove = () => removeBucket(engine, call, bucket, { trash: 'remove' })
    const outcomes = await Promise.allSettled([remove(), remove()])
    const refusals = outcomes.flatMap(one => (one.status === 'rejected' ? [one.reason.code] : []))
    assert.ok(refusals.length < 2)
    for (const code of refusals) assert.equal(code, 'BUCKET_NOT_FOUND')
    assert.equal(await engine.catalog.view.buckets.byName(bucket), undefined)
  })
})
