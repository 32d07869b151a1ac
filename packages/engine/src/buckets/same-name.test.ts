import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Call } from '@holdfast/core/call.ts'
import { shownOwner } from '../access/bucket-acl.ts'
import { decide } from '../access/decide.ts'
import { createAccessKey, findAccessKey } from '../access/keys/access-keys.ts'
import { authenticateKey, createKey } from '../access/keys/keys.ts'
import { currentPrincipal } from '../access/links/current-principal.ts'
import { openLink, presignUpload } from '../access/links/presign.ts'
import { getAssetByKey } from '../assets/get.ts'
import { listAssets } from '../assets/list.ts'
import { putAsset } from '../assets/put.ts'
import { removeAssetByKey } from '../assets/remove.ts'
import { createAccount } from '../identity/accounts/accounts.ts'
import { addGrant, createGroup, listGrants } from '../identity/groups/groups.ts'
import { authenticateToken } from '../identity/sessions/authenticate-token.ts'
import { login } from '../identity/sessions/login.ts'
import { createUser, getUser } from '../identity/users/users.ts'
import { listShared, openShare } from '../sharing/open-share.ts'
import { createShare } from '../sharing/shares.ts'
import { openTestStore, owner, put, refused, type TestStore } from '../test-store.test.ts'
import { createBucket } from './buckets.ts'
import { setBucketDocument } from './documents.ts'
import { removeBucket } from './remove-bucket.ts'

const password = 'Correct-Horse-7-Battery'

/** A user, and what the token says at the moment that was known before the bucket went. */
async function person({ engine, call }: TestStore, username: string, buckets?: string[]) {
  const input = { username, password, buckets, mustChangePassword: false }
  const { id } = await createUser(engine, call, input)
  const { tokens } = await login(engine, { name: username, password }, { ip: '', agent: '' })
  const act = async (): Promise<Call> => {
    return { ...call, principal: await authenticateToken(engine, tokens.accessToken) }
  }
  return { id, act }
}

/** The bucket goes, and somebody makes another one of its name. */
async function remade({ engine, call }: TestStore, name = 'photos') {
  await removeBucket(engine, call, name)
  return (await createBucket(engine, call, { name })).bucket
}

const all = { prefix: '', permissions: ['assets:*', 'metadata:*', 'versions:*'] }

test('grants end with their bucket: a later one of its name is another one', async () => {
  await using opened = await openTestStore()
  const { engine, call } = opened
  const ann = await person(opened, 'ann')
  const bob = await person(opened, 'bob')
  const group = await createGroup(engine, call, { name: 'Team', members: [bob.id] })
  await createBucket(engine, call, { name: 'kept' })
  const kept = await addGrant(engine, call, { principalId: ann.id, bucket: 'kept', ...all })
  for (const principalId of [ann.id, group.id]) {
    await addGrant(engine, call, { principalId, bucket: 'photos', ...all })
  }
  const sees = async (who: typeof ann) => {
    return (await listAssets(engine, await who.act(), {})).total
  }
  assert.deepEqual([await sees(ann), await sees(bob)], [0, 0])
  await remade(opened)
  await put(opened, 'secret.txt', 'of somebody else')
  for (const who of [ann, bob]) {
    assert.equal(await sees(who), 0)
    const asked = getAssetByKey(engine, await who.act(), 'photos', 'secret.txt')
    await assert.rejects(asked, refused('ASSET_NOT_FOUND'))
    await assert.rejects(put({ engine, call: await who.act() }, 'mine.txt', 'x'))
  }
  assert.deepEqual(await listGrants(engine, call, undefined), [kept])
  await using again = await opened.reopen('rebuild')
  assert.deepEqual(await listGrants(again.engine, call, undefined), [kept])
})

test('who is confined to a bucket is not confined to the next one of its name', async () => {
  await using opened = await openTestStore()
  const { engine, call } = opened
  await createBucket(engine, call, { name: 'kept' })
  const buckets = ['photos', 'kept']
  const ann = await person(opened, 'ann', buckets)
  const wanted = { name: 'program', permissions: ['assets:*'], buckets }
  const { secret } = await createKey(engine, call, wanted)
  const { account } = await createAccount(engine, call, wanted)
  const pair = await createAccessKey(engine, call, { ...wanted, userId: null })
  const own = await createAccessKey(engine, await ann.act(), { ...wanted, name: 'own' })
  const maker = { kind: 'service_account', id: account.id } as const
  const callers = async () => [
    (await ann.act()).principal,
    await authenticateKey(engine, secret),
    await currentPrincipal(engine, maker),
    (await findAccessKey(engine, pair.key.id))?.principal,
    (await findAccessKey(engine, own.key.id))?.principal,
  ]
  const fresh = { ownerId: ann.id, key: 'k' }
  const reach = async (name: string) => {
    const bucket = await engine.catalog.view.buckets.byName(name)
    assert.ok(bucket)
    const found = await callers()
    return found.map(one => {
      assert.ok(one)
      return decide(one, 'assets:write', { bucket, fresh }).allowed
    })
  }
  assert.deepEqual(await reach('photos'), [true, true, true, true, true])
  await remade(opened)
  assert.deepEqual(await reach('photos'), [false, false, false, false, false])
  assert.deepEqual(await reach('kept'), [true, true, true, true, true])
  assert.deepEqual((await getUser(engine, call, ann.id)).buckets, ['kept'])
  // The last one: an empty list is no bucket, not all of them.
  await remade(opened, 'kept')
  assert.deepEqual(await reach('kept'), [false, false, false, false, false])
  assert.deepEqual((await getUser(engine, call, ann.id)).buckets, [])
})

test('links into a bucket do not open the next one of its name', async () => {
  await using opened = await openTestStore()
  const { engine, call } = opened
  const upload = { bucket: 'photos', key: 'up.txt', sizeMax: 10, service: 'test', ownerId: owner }
  const { token } = await presignUpload(engine, call, upload)
  const target = { bucket: 'photos', prefix: '' }
  const share = await createShare(engine, call, { target })
  await openLink(engine, token, 'PUT')
  const given = { token: share.token, password: undefined }
  const open = async () => await listShared(engine, await openShare(engine, call, given), {})
  await open()
  await remade(opened)
  await assert.rejects(openLink(engine, token, 'PUT'), refused('LINK_INVALID'))
  await assert.rejects(open(), refused('SHARE_NOT_FOUND'))
})

test('what comes by a link does not fall into a later bucket of the name', async () => {
  await using opened = await openTestStore()
  const { engine, call } = opened
  const place = { bucket: 'photos', key: 'up.txt' }
  const grant = { ...place, sizeMax: 10, service: 'test', ownerId: owner }
  const { token } = await presignUpload(engine, call, grant)
  const { link, principal } = await openLink(engine, token, 'PUT')
  assert.ok(link.method === 'PUT')
  const late = (happens: () => Promise<unknown>) => {
    const source = slowly(happens)
    const { bucketId } = link
    const fields = { ...place, bucketId, service: 'test', ownerId: owner } as const
    return putAsset(engine, { ...call, principal }, { ...fields, mode: 'replace', source })
  }
  await late(async () => {})
  await removeAssetByKey(engine, call, place, { hard: true })
  // Where rights changed meanwhile, the place is looked for anew.
  const atOnce = late(async () => {
    await remade(opened)
    await createGroup(engine, call, { name: 'Team' })
  })
  await assert.rejects(atOnce, refused('LINK_INVALID'))
  assert.equal((await listAssets(engine, call, {})).total, 0)
})

async function* slowly(happens: () => Promise<unknown>) {
  yield Buffer.from('one')
  await happens()
  yield Buffer.from('two')
}

test('policies, access lists and other settings of a bucket end with it', async () => {
  await using opened = await openTestStore()
  const { engine, call } = opened
  const all = { Effect: 'Allow', Principal: '*', Action: 's3:*', Resource: 'arn:aws:s3:::photos/*' }
  const document = { Version: '2012-10-17', Statement: [all] }
  await setBucketDocument(engine, call, { bucket: 'photos', name: 'policy', document })
  const found = await engine.catalog.view.buckets.byName('photos')
  assert.ok(found)
  const acl = { owner: shownOwner(found), grants: [{ permission: 'FULL_CONTROL', grantee: 'all' }] }
  await setBucketDocument(engine, call, { bucket: 'photos', name: 'acl', document: acl })
  const bucket = await remade(opened)
  assert.equal(bucket.documents, undefined)
  assert.equal(bucket.settings.publicRead, false)
})
