import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import type { Call } from '@holdfast/core/call.ts'
import type { JsonObject } from '@holdfast/core/records.ts'
import { getAsset } from '../assets/get.ts'
import { receiveUpload } from '../assets/intake/upload.ts'
import { moveAsset } from '../assets/move.ts'
import { removeAsset } from '../assets/remove.ts'
import { createBucket, updateBucket } from '../buckets/buckets.ts'
import { setBucketDocument } from '../buckets/documents.ts'
import { addGrant } from '../identity/groups/groups.ts'
import { principalOfUser } from '../identity/principal-of-user.ts'
import { createUser } from '../identity/users/users.ts'
import { renameObject } from '../objects/copy-object.ts'
import { putObject } from '../objects/put-object.ts'
import { removeObject } from '../objects/remove-object.ts'
import { bytesOf, callOf, openTestStore, put, refused } from '../test-store.test.ts'
import { createVersion } from '../versions/create.ts'
import { openVersion } from '../versions/open.ts'
import { rollbackVersion } from '../versions/rollback.ts'
import { createAccessKey, findAccessKey } from './keys/access-keys.ts'

const bucket = 'photos'
const gained = refused('FORBIDDEN', {
  permission: 'assets:read',
  reason: 'not held where it lies',
})
const writer = callOf({ id: 'writer', permissions: ['assets:write'] })

describe('a narrowed credential', () => {
  it('moves nothing to where its holder may read with another one', async () => {
    await using opened = await openTestStore()
    const { engine, call } = opened
    const password = 'Correct-Horse-7-Battery'
    const input = { username: 'bob', password, roles: [], mustChangePassword: false }
    const bob = await createUser(engine, call, input)
    const grant = (prefix: string, permissions: string[]) =>
      addGrant(engine, call, { principalId: bob.id, bucket, prefix, permissions })
    await grant('in/', ['assets:write'])
    await grant('out/', ['assets:*', 'versions:*', 'metadata:*'])
    const { asset } = await put(opened, 'in/k', 'secret')
    const { principal: whole } = await principalOfUser(engine, bob)
    const permissions = ['assets:write']
    const { key } = await createAccessKey(
      engine,
      { ...call, principal: whole },
      { name: 'narrow', permissions },
    )
    const found = await findAccessKey(engine, key.id)
    assert.ok(found)
    const narrow = { ...call, principal: found.principal }
    for (const who of [{ ...call, principal: whole }, narrow]) {
      const rename = renameObject(engine, who, { bucket, from: 'in/k', to: 'out/k' })
      await assert.rejects(rename, gained)
      await assert.rejects(moveAsset(engine, who, asset.id, { key: 'out/k' }), gained)
    }
    await moveAsset(engine, narrow, asset.id, { key: 'in/other' })
  })
})

describe('a policy with conditions', () => {
  const conditions: JsonObject[] = [
    { StringEquals: { 's3:ExistingObjectTag/a': 'b' } },
    { IpAddress: { 'aws:SourceIp': '192.0.2.0/24' } },
    { StringLike: { 'aws:Referer': 'https://example.org/*' } },
  ]
  for (const condition of conditions) {
    it(`opens nothing by a move that it may open: ${Object.keys(condition)}`, async () => {
      await using opened = await openTestStore()
      const { engine, call } = opened
      const statement = {
        Effect: 'Allow',
        Principal: '*',
        Action: 's3:GetObject',
        Resource: 'arn:aws:s3:::photos/public/*',
        Condition: condition,
      }
      const document = { Version: '2012-10-17', Statement: [statement] }
      await setBucketDocument(engine, call, { bucket, name: 'policy', document })
      const { asset } = await put(opened, 'k', 'secret')
      const key = 'public/k'
      // The door of S3 tells how a request came; the next one may come otherwise.
      const request = {
        sourceIp: '198.51.100.1',
        secure: false,
        userAgent: null,
        referer: null,
        at: new Date(0).toISOString(),
        keys: {},
      }
      for (const principal of [writer.principal, { ...writer.principal, request }]) {
        const who = { ...call, principal }
        await assert.rejects(moveAsset(engine, who, asset.id, { key }), gained)
        await assert.rejects(renameObject(engine, who, { bucket, from: 'k', to: key }), gained)
      }
      await moveAsset(engine, writer, asset.id, { key: 'private/k' })
    })
  }

  it('keeps what it denies for the tags of an object', async () => {
    await using opened = await openTestStore()
    const { engine, call } = opened
    const resource = 'arn:aws:s3:::photos/*'
    const statement = {
      Effect: 'Deny',
      Principal: '*',
      Action: 's3:DeleteObject',
      Resource: resource,
      Condition: { StringEquals: { 's3:ExistingObjectTag/keep': 'yes' } },
    }
    const document = { Version: '2012-10-17', Statement: [statement] }
    await setBucketDocument(engine, call, { bucket, name: 'policy', document })
    const store = (key: string, tags: { key: string; value: string }[]) =>
      putObject(engine, call, { bucket, key, source: bytesOf('x'), facets: { tags } })
    await store('kept', [{ key: 'keep', value: 'yes' }])
    await store('free', [])
    const holder = callOf({ permissions: ['assets:*'] })
    const remove = (key: string) => removeObject(engine, holder, { bucket, key })
    await assert.rejects(remove('kept'), refused('FORBIDDEN'))
    await remove('free')
    await remove('never')
  })
})

describe('the settings of a bucket', () => {
  it('open to everybody only what their setter may read', async () => {
    await using opened = await openTestStore()
    const { engine } = opened
    const { asset } = await put(opened, 'k', 'secret')
    const admin = callOf({ permissions: ['buckets:*'] })
    const publish = updateBucket(engine, admin, bucket, { publicRead: true })
    const reason = 'a bucket cannot be open for more than its setter holds'
    await assert.rejects(publish, refused('FORBIDDEN', { permission: 'assets:read', reason }))
    const anyone = callOf({ kind: 'anonymous', id: 'anonymous' })
    await assert.rejects(getAsset(engine, anyone, asset.id), refused('UNAUTHENTICATED'))
    await updateBucket(engine, admin, bucket, { publicRead: false, versioning: 'enabled' })
    const reader = callOf({ permissions: ['buckets:*', 'assets:read', 'metadata:read'] })
    await updateBucket(engine, reader, bucket, { publicRead: true })
    await updateBucket(engine, admin, bucket, { publicRead: true })
    await updateBucket(engine, admin, bucket, { publicRead: false })
  })

  it('open no part to everybody that a policy keeps from their setter', async () => {
    await using opened = await openTestStore()
    const { engine, call } = opened
    const arn = 'arn:aws:s3:::photos'
    const [part, all] = [`${arn}/secret/*`, `${arn}/*`]
    const address = { IpAddress: { 'aws:SourceIp': '192.0.2.0/24' } }
    const setPolicy = async (...statements: JsonObject[]) => {
      const about = { Principal: { AWS: 'setter' } }
      const Statement = statements.map(one => ({ ...about, ...one }))
      const document = { Version: '2012-10-17', Statement }
      await setBucketDocument(engine, call, { bucket, name: 'policy', document })
    }
    const publish = (permissions: string[]) =>
      updateBucket(engine, callOf({ id: 'setter', permissions }), bucket, { publicRead: true })
    const [deny, allow] = [{ Effect: 'Deny' }, { Effect: 'Allow' }]
    const kept: JsonObject[] = [
      { ...deny, Action: 's3:GetObject', Resource: part },
      { ...deny, Action: 's3:Get*', NotResource: [arn, `${arn}/public/*`] },
      { ...deny, Action: 's3:GetObjectTagging', Resource: part },
      { ...deny, Action: 's3:GetObjectAcl', Resource: part },
      { ...deny, Action: 's3:GetObject', Resource: all, Condition: address },
      {
        ...deny,
        ...{ Action: 's3:GetObject', Resource: all },
        Condition: { StringEquals: { 's3:ExistingObjectTag/a': 'b' } },
      },
    ]
    for (const statement of kept) {
      await setPolicy(statement)
      await assert.rejects(publish(['*']), refused('FORBIDDEN'), JSON.stringify(statement))
    }
    const list = { ...allow, Action: 's3:ListBucket*', Resource: arn }
    const get = { ...allow, Action: 's3:Get*' }
    const opens = (fields: JsonObject): JsonObject[] => [list, { ...get, ...fields }]
    const parts: JsonObject[] = [
      { NotResource: part },
      { Resource: `${arn}/` },
      { Resource: all, Condition: address },
    ]
    for (const fields of parts) {
      await setPolicy(...opens(fields))
      await assert.rejects(publish(['buckets:*']), refused('FORBIDDEN'), JSON.stringify(fields))
    }
    await setPolicy(...opens({ Resource: all }), {
      ...{ ...deny, Action: 's3:GetObject', Resource: part },
      Principal: { AWS: 'somebody-else' },
    })
    await publish(['buckets:*'])
  })

  it('give a list of S3 to nobody who makes a bucket without the right to set one', async () => {
    await using opened = await openTestStore()
    const { engine } = opened
    const admin = callOf({ id: 'admin', permissions: ['buckets:*'] })
    const grants = [{ permission: 'WRITE', grantee: 'all' }]
    const acl = { owner: 'admin', grants }
    const make = (who: typeof admin) =>
      createBucket(engine, who, { name: 'open', documents: { acl } })
    await assert.rejects(make(admin), refused('FORBIDDEN'))
    await make(callOf({ id: 'admin', permissions: ['buckets:*', 'policy:admin'] }))
  })
})

describe('old versions', () => {
  const statement = (fields: JsonObject): JsonObject => ({
    Effect: 'Allow',
    Principal: '*',
    Resource: 'arn:aws:s3:::photos/*',
    ...fields,
  })

  async function withPolicy(...statements: JsonObject[]) {
    const opened = await openTestStore()
    const { engine, call } = opened
    const { asset } = await put(opened, 'k', 'secret')
    await put(opened, 'k', 'redacted')
    const document = { Version: '2012-10-17', Statement: statements }
    await setBucketDocument(engine, call, { bucket, name: 'policy', document })
    const read = async (who: Call, version: number) =>
      (await openVersion(engine, who, { asset: await getAsset(engine, call, asset.id), version }))
        .number
    return { opened, engine, asset, read }
  }

  it('are closed at every door where the policy opens or denies them by name', async () => {
    const set = await withPolicy(statement({ Action: 's3:GetObject' }))
    await using _ = set.opened
    const guest = callOf({ kind: 'user', id: 'guest' })
    assert.equal(await set.read(guest, 2), 2)
    await assert.rejects(set.read(guest, 1), refused('FORBIDDEN'))
    const denied = await withPolicy(statement({ Effect: 'Deny', Action: 's3:GetObjectVersion' }))
    await using __ = denied.opened
    const reader = callOf({ permissions: ['assets:read'] })
    assert.equal(await denied.read(reader, 2), 2)
    await assert.rejects(denied.read(reader, 1), refused('FORBIDDEN'))
  })

  it('come new only from who may put, in words of the policy', async () => {
    const only = [
      statement({ Action: 's3:DeleteObjectVersion' }),
      statement({ Effect: 'Deny', Action: 's3:PutObject', Principal: { AWS: 'holder' } }),
    ]
    const set = await withPolicy(...only)
    await using _ = set.opened
    const { engine, asset } = set
    const guest = callOf({ kind: 'user', id: 'guest', permissions: ['assets:read'] })
    const holder = callOf({ id: 'holder', permissions: ['assets:*', 'versions:*'] })
    for (const who of [guest, holder]) {
      const upload = await receiveUpload(engine, who, bytesOf('new'), {
        length: undefined,
        sizeMax: 10,
      })
      const making = createVersion(engine, who, asset.id, { upload })
      await assert.rejects(making, refused('FORBIDDEN'))
      await upload.discard()
      const back = rollbackVersion(engine, who, { assetId: asset.id, version: 1 })
      await assert.rejects(back, refused('FORBIDDEN'))
    }
  })
})

describe('what a policy denies to delete', () => {
  it('is neither moved away nor deleted with its versions at another door', async () => {
    await using opened = await openTestStore()
    const { engine, call } = opened
    const deny = async (Action: string) => {
      const resource = 'arn:aws:s3:::photos/*'
      const statement = { Effect: 'Deny', Principal: '*', Action, Resource: resource }
      const document = { Version: '2012-10-17', Statement: [statement] }
      await setBucketDocument(engine, call, { bucket, name: 'policy', document })
    }
    const { asset } = await put(opened, 'k', 'kept')
    const holder = callOf({ permissions: ['assets:*', 'versions:*', 'metadata:*'] })
    await deny('s3:DeleteObject')
    await assert.rejects(moveAsset(engine, holder, asset.id, { key: 'k2' }), refused('FORBIDDEN'))
    await moveAsset(engine, holder, asset.id, { name: 'n' })
    await deny('s3:DeleteObjectVersion')
    const hard = removeAsset(engine, holder, asset.id, { hard: true })
    await assert.rejects(hard, refused('FORBIDDEN'))
    await removeAsset(engine, holder, asset.id)
  })
})

describe('a rollback', () => {
  it('shows nothing of old versions to who may not read them', async () => {
    await using opened = await openTestStore()
    const { engine } = opened
    const { asset } = await put(opened, 'k', 'secret')
    await put(opened, 'k', 'redacted')
    const target = { assetId: asset.id, version: 1 }
    const blind = callOf({ permissions: ['assets:write', 'versions:write'] })
    await assert.rejects(rollbackVersion(engine, blind, target), refused('FORBIDDEN'))
    await updateBucket(engine, opened.call, bucket, { publicRead: true })
    await assert.rejects(rollbackVersion(engine, blind, target), refused('FORBIDDEN'))
    for (const right of ['assets:read', 'versions:read']) {
      const permissions = ['versions:write', right]
      await rollbackVersion(engine, callOf({ permissions }), target)
    }
  })

  it('tells no tags of the null version where a policy names it', async () => {
    await using opened = await openTestStore()
    const { engine, call } = opened
    const facets = { tags: [{ key: 'class', value: 'secret' }] }
    const first = { bucket, key: 'k', source: bytesOf('x'), facets }
    await updateBucket(engine, call, bucket, { versioning: 'suspended' })
    const { asset } = await putObject(engine, call, first)
    await updateBucket(engine, call, bucket, { versioning: 'enabled' })
    const statement = {
      Effect: 'Deny',
      Principal: '*',
      Action: 's3:GetObjectVersionTagging',
      Resource: 'arn:aws:s3:::photos/*',
      Condition: { StringEquals: { 's3:VersionId': 'null' } },
    }
    const document = { Version: '2012-10-17', Statement: [statement] }
    await setBucketDocument(engine, call, { bucket, name: 'policy', document })
    await putObject(engine, call, { bucket, key: 'k', source: bytesOf('y'), facets: {} })
    const holder = callOf({ permissions: ['assets:*', 'versions:*', 'metadata:*'] })
    const target = { assetId: asset.id, version: 1 }
    await assert.rejects(rollbackVersion(engine, holder, target), refused('FORBIDDEN'))
  })
})
