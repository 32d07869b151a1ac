import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Call } from '@holdfast/core/call.ts'
import { anonymous, type Permission } from '@holdfast/core/principal.ts'
import { removeAsset } from '../assets/remove.ts'
import { updateBucket } from '../buckets/buckets.ts'
import { setBucketDocument } from '../buckets/documents.ts'
import { getObject } from '../objects/find-object.ts'
import { setObjectAcl } from '../objects/object-settings.ts'
import { removeObject } from '../objects/remove-object.ts'
import { callOf, openTestStore, put } from '../test-store.test.ts'
import { type Explanation, explainAccess } from './explain.ts'

test('what the access list of an object opens is explained, with the door', async () => {
  await using opened = await openTestStore()
  const { engine, call } = opened
  const bucket = 'photos'
  const { asset } = await put(opened, 'k', 'x')
  const ask = async (more = {}, by = call) => {
    const question = { permission: 'assets:read', bucket, key: 'k', ...more } as const
    const { allowed, reason } = await explainAccess(engine, by, question)
    return [allowed, reason]
  }
  const everybody = { principalId: anonymous.id }
  assert.deepEqual(await ask(everybody), [false, 'no scope grants it'])
  const grants = [{ grantee: 'all', permission: 'READ' }] as const
  const owner = call.principal.id
  await setObjectAcl(engine, call, { bucket, key: 'k', acl: { owner, grants } })
  const guest = callOf({})
  await getObject(engine, guest, { bucket, key: 'k', action: 's3:GetObject' })
  const told = [true, 'granted by the access list of the object, for S3 alone']
  assert.deepEqual(await ask(everybody), told)
  const byId = { bucket: undefined, key: undefined, assetId: asset.id }
  assert.deepEqual(await ask({ ...everybody, ...byId }), told)
  assert.deepEqual(await ask({}, guest), told, 'who may read it by S3 may know of it')
  assert.equal((await ask({ ...everybody, permission: 'assets:write' }))[0], false)
  assert.equal((await ask({ ...everybody, permission: 'metadata:read' }))[0], false)
  assert.deepEqual(await ask(), [true, 'granted by scope'])
  const document = { ignorePublicAcls: true }
  await setBucketDocument(engine, call, { bucket, name: 'publicAccessBlock', document })
  assert.deepEqual(await ask(everybody), [false, 'no scope grants it'])
})

test('whether a key is there is told to nobody who may neither see nor write it', async () => {
  await using opened = await openTestStore()
  const { engine, call } = opened
  const bucket = 'photos'
  const acl = { read: [call.principal.id], write: [] }
  await put(opened, 'there', 'x')
  await put(opened, 'guarded', 'x', { acl })
  const gone = await put(opened, 'gone', 'x')
  await removeAsset(engine, call, gone.asset.id)
  const ask = async (by: Call, permission: Permission, key: string) => {
    const { allowed, reason } = await explainAccess(engine, by, { permission, bucket, key })
    return `${allowed} ${reason}`
  }
  const strangers = [
    callOf({ permissions: ['buckets:create'] }),
    callOf({ permissions: ['buckets:admin', 'admin:users'] }),
  ]
  for (const by of strangers) {
    for (const permission of ['buckets:create', 'buckets:admin', 'assets:write'] as const) {
      const told = ['there', 'gone', 'guarded', 'free'].map(key => ask(by, permission, key))
      assert.deepEqual(new Set(await Promise.all(told)).size, 1, permission)
    }
  }
  const writer = callOf({ permissions: ['assets:write'] })
  assert.equal(await ask(writer, 'assets:write', 'free'), 'true granted by scope')
})

test('what the caller may do without seeing it is explained to the caller', async () => {
  await using opened = await openTestStore()
  const { engine, call } = opened
  const bucket = 'photos'
  const guest = callOf({ id: 'guest', permissions: ['assets:read'], buckets: ['other'] })
  const lists = { read: [call.principal.id], write: ['guest'] }
  await put(opened, 'open/there', 'x')
  await put(opened, 'listed', 'x', { acl: lists })
  await put(opened, 'closed', 'x')
  const ask = async (permission: Permission, key?: string, more = {}, by = guest) => {
    const place = { bucket, ...(key === undefined ? {} : { key }) }
    const { allowed, reason } = await explainAccess(engine, by, { permission, ...place, ...more })
    return allowed ? reason : allowed
  }
  const hidden = { permission: 'assets:read', bucket, key: 'open/there' } as const
  assert.match((await explainAccess(engine, guest, hidden)).reason, /hidden from the caller/)
  const Principal = { AWS: 'guest' }
  const Resource = [`arn:aws:s3:::${bucket}/open/*`]
  const Action = ['s3:GetObject', 's3:PutObject']
  const document = {
    Version: '2012-10-17',
    Statement: { Effect: 'Allow', Principal, Action, Resource },
  }
  await setBucketDocument(engine, call, { bucket, name: 'policy', document })
  assert.equal(await ask('assets:read', 'open/there'), 'allowed by the policy of the bucket')
  assert.equal(await ask('assets:write', 'open/free'), 'allowed by the policy of the bucket')
  assert.equal(await ask('metadata:write', 'listed'), 'named in the access list of the asset')
  for (const [permission, key] of [
    ['assets:read', 'listed'],
    ['assets:read', 'closed'],
    ['assets:read', 'open/free'],
    ['assets:write', 'closed'],
    ['assets:write', 'free'],
    ['buckets:read', undefined],
  ] as const) {
    assert.equal(await ask(permission, key), false, `${permission} ${key}`)
  }
  // Only what the caller itself may.
  const other = { principalId: 'anonymous' }
  const clerk = callOf({ id: 'guest', permissions: ['admin:users', 'buckets:create'] })
  assert.equal(
    await ask('assets:write', 'listed', {}, clerk),
    'named in the access list of the asset',
  )
  assert.equal(await ask('assets:read', 'listed', other, clerk), false)
})

test('a key with nothing but a marker is explained as a free one', async () => {
  await using opened = await openTestStore()
  const { engine, call } = opened
  const bucket = 'photos'
  await updateBucket(engine, call, bucket, { versioning: 'enabled' })
  const guests = ['ann', 'bob'].map(id => callOf({ kind: 'user', id }))
  const [ann = call, bob = call] = guests
  const statement = {
    Effect: 'Allow',
    Principal: { AWS: ['ann', 'bob'] },
    Action: ['s3:PutObject', 's3:DeleteObject'],
    Resource: 'arn:aws:s3:::photos/*',
  }
  const document = { Version: '2012-10-17', Statement: [statement] }
  await setBucketDocument(engine, call, { bucket, name: 'policy', document })
  await removeObject(engine, ann, { bucket, key: 'marked' })
  for (const by of [ann, bob, call, callOf({ permissions: ['assets:write'] })]) {
    for (const permission of ['assets:read', 'assets:write', 'versions:read'] as const) {
      const told = ({ allowed, reason }: Explanation) => `${allowed} ${reason}`
      const answers = await Promise.all(
        ['marked', 'free'].map(key => explainAccess(engine, by, { permission, bucket, key })),
      )
      assert.equal(new Set(answers.map(told)).size, 1, `${by.principal.id} ${permission}`)
    }
  }
})
