import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Call } from '@holdfast/core/call.ts'
import { anonymous, type Permission } from '@holdfast/core/principal.ts'
import { removeAsset } from '../assets/remove.ts'
import { setBucketDocument } from '../buckets/documents.ts'
import { getObject } from '../objects/find-object.ts'
import { setObjectAcl } from '../objects/object-settings.ts'
import { callOf, openTestStore, put } from '../test-store.test.ts'
import { explainAccess } from './explain.ts'

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
