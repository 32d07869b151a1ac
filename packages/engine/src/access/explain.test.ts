import assert from 'node:assert/strict'
import { test } from 'node:test'
import { anonymous } from '@holdfast/core/principal.ts'
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
