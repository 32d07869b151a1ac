import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Principal } from '@holdfast/core/principal.ts'
import { putAsset } from '../assets/put.ts'
import { removeBatch } from '../assets/remove.ts'
import { setBucketDocument } from '../buckets/documents.ts'
import { createAccount, removeSecret } from '../identity/accounts/accounts.ts'
import { issueClientToken } from '../identity/accounts/client-token.ts'
import { authenticateToken } from '../identity/sessions/authenticate-token.ts'
import { countFailure } from '../identity/sessions/lockout.ts'
import { login, logout } from '../identity/sessions/login.ts'
import { rotateSigningKey } from '../identity/sessions/signing-keys.ts'
import { createUser, updateUser } from '../identity/users/users.ts'
import { uploadPart } from '../multipart/upload-part.ts'
import { createUpload } from '../multipart/uploads.ts'
import { removeObjects } from '../objects/remove-object.ts'
import { openTestStore, put, refused, type TestStore } from '../test-store.test.ts'
import { createAccessKey, findAccessKey, revokeAccessKey } from './keys/access-keys.ts'
import { openLink, presignUpload } from './links/presign.ts'

/** What ends a credential ends what it has under way: nothing is stored after that was answered. */

const password = 'Correct-Horse-7-Battery'

async function person({ engine, call }: TestStore) {
  const input = { username: 'ann', password, roles: ['USER'], mustChangePassword: false }
  return await createUser(engine, call, input)
}

async function enter({ engine }: TestStore): Promise<Principal> {
  const { tokens } = await login(engine, { name: 'ann', password }, { ip: '192.0.2.1', agent: '' })
  return await authenticateToken(engine, tokens.accessToken)
}

/** A put whose body takes as long as what happens meanwhile. */
async function putDuring(
  { engine, call }: TestStore,
  principal: Principal,
  meanwhile: () => Promise<unknown>,
) {
  const source = async function* () {
    yield Buffer.from('la')
    await meanwhile()
    yield Buffer.from('te')
  }
  const facts = { bucket: 'photos', service: 's', ownerId: principal.id, mode: 'replace' } as const
  const given = { ...call, principal }
  return await putAsset(engine, given, { ...facts, key: 'late', source: source() })
}

/** The same with a part of an upload, which is nobody's asset yet. */
async function partDuring(
  { engine, call }: TestStore,
  principal: Principal,
  meanwhile: () => Promise<unknown>,
) {
  const given = { ...call, principal }
  const place = { bucket: 'photos', key: 'late' }
  const { id: uploadId } = await createUpload(engine, given, { ...place, facets: {} })
  const source = async function* () {
    yield Buffer.from('la')
    await meanwhile()
    yield Buffer.from('te')
  }
  const part = uploadPart(engine, given, { ...place, uploadId, number: 1, source: source() })
  return { part, kept: async () => await engine.catalog.view.uploads.part(uploadId, 1) }
}

async function requireNothing({ engine }: TestStore): Promise<void> {
  const bucket = await engine.catalog.view.buckets.byName('photos')
  assert.ok(bucket)
  assert.equal(await engine.catalog.view.assets.byKey(bucket.id, 'late'), undefined)
}

for (const whose of ['a user', 'itself'] as const) {
  test(`a put with the key pair of ${whose} ends with the pair`, async () => {
    await using opened = await openTestStore()
    const { engine, call } = opened
    const userId = whose === 'a user' ? (await person(opened)).id : null
    const { key } = await createAccessKey(engine, call, { name: 'k', userId, permissions: ['*'] })
    const principal = (await findAccessKey(engine, key.id))?.principal
    assert.ok(principal)
    const revoke = async () => await revokeAccessKey(engine, call, key.id)
    await assert.rejects(putDuring(opened, principal, revoke), refused('UNAUTHENTICATED'))
    await requireNothing(opened)
  })

  test(`a put with the key pair of ${whose} goes on when another pair ends`, async () => {
    await using opened = await openTestStore()
    const { engine, call } = opened
    const userId = whose === 'a user' ? (await person(opened)).id : null
    const input = { name: 'k', userId, permissions: ['assets:*'], buckets: ['photos'] }
    const { key } = await createAccessKey(engine, call, input)
    const other = await createAccessKey(engine, call, input)
    const principal = (await findAccessKey(engine, key.id))?.principal
    assert.ok(principal)
    const revoke = async () => await revokeAccessKey(engine, call, other.key.id)
    assert.equal((await putDuring(opened, principal, revoke)).outcome, 'created')
  })
}

test('a part with a key pair ends with the pair, and with no other', async () => {
  await using opened = await openTestStore()
  const { engine, call } = opened
  const input = { name: 'k', userId: null, permissions: ['assets:*'] }
  const { key } = await createAccessKey(engine, call, input)
  const other = await createAccessKey(engine, call, input)
  const principal = (await findAccessKey(engine, key.id))?.principal
  assert.ok(principal)
  const revoke = (id: string) => async () => await revokeAccessKey(engine, call, id)
  const goes = await partDuring(opened, principal, revoke(other.key.id))
  assert.equal((await goes.part).number, 1)
  const ends = await partDuring(opened, principal, revoke(key.id))
  await assert.rejects(ends.part, refused('UNAUTHENTICATED'))
  assert.equal(await ends.kept(), undefined)
})

test('a part ends where a policy denies it meanwhile', async () => {
  await using opened = await openTestStore()
  const { engine, call } = opened
  const input = { name: 'k', userId: null, permissions: ['assets:*'] }
  const { key } = await createAccessKey(engine, call, input)
  const principal = (await findAccessKey(engine, key.id))?.principal
  assert.ok(principal)
  const resource = 'arn:aws:s3:::photos/*'
  const deny = { Effect: 'Deny', Principal: '*', Action: 's3:PutObject', Resource: resource }
  const document = { Version: '2012-10-17', Statement: [deny] }
  const policy = { bucket: 'photos', name: 'policy', document } as const
  const { part, kept } = await partDuring(opened, principal, async () => {
    await setBucketDocument(engine, call, policy)
  })
  await assert.rejects(part, refused('FORBIDDEN'))
  assert.equal(await kept(), undefined)
})

test('a put with the token of a session is told that the account was locked', async () => {
  await using opened = await openTestStore()
  const { engine } = opened
  const user = await person(opened)
  const principal = await enter(opened)
  const ended = putDuring(opened, principal, async () => {
    for (let guess = 0; guess < 5; guess += 1) await countFailure(engine, { user, names: ['ann'] })
  })
  await assert.rejects(ended, refused('ACCOUNT_LOCKED'))
  await requireNothing(opened)
})

for (const whose of ['a user', 'a program'] as const) {
  test(`a put with a token of ${whose} ends when its key is distrusted`, async () => {
    await using opened = await openTestStore()
    const { engine, call } = opened
    await person(opened)
    const principal = whose === 'a user' ? await enter(opened) : await program(opened)
    const rotate = async (distrustFormer: boolean) => {
      await rotateSigningKey(engine, call, { distrustFormer })
    }
    const kept = await putDuring(opened, principal, async () => await rotate(false))
    await removeBatch(engine, call, [kept.asset.id], { hard: true })
    const ended = putDuring(opened, principal, async () => await rotate(true))
    await assert.rejects(ended, refused('UNAUTHENTICATED'))
    await requireNothing(opened)
  })
}

async function program({ engine, call }: TestStore): Promise<Principal> {
  const { account, secret } = await createAccount(engine, call, {
    name: 'runner',
    roles: ['ADMIN'],
  })
  const { clientId } = account
  return await authenticateToken(
    engine,
    (await issueClientToken(engine, { clientId, secret })).accessToken,
  )
}

test('a put by a link ends with its maker', async () => {
  await using opened = await openTestStore()
  const { engine, call } = opened
  const { id } = await person(opened)
  const place = { bucket: 'photos', key: 'late', sizeMax: 100, service: 's', ownerId: id }
  const maker = { ...call, principal: await enter(opened) }
  const { token } = await presignUpload(engine, maker, place)
  const { principal } = await openLink(engine, token, 'PUT')
  const shutOut = async () => {
    await updateUser(engine, call, { id, patch: { status: 'INACTIVE' } })
  }
  await assert.rejects(putDuring(opened, principal, shutOut), refused('LINK_INVALID'))
  await requireNothing(opened)
})

test('a put with the token of a session ends with the session, and with no other', async () => {
  await using opened = await openTestStore()
  const { engine, call } = opened
  await person(opened)
  const principal = await enter(opened)
  const other = await enter(opened)
  const leave = async (who: Principal) => await logout(engine, { ...call, principal: who })
  const ended = putDuring(opened, principal, async () => await leave(principal))
  await assert.rejects(ended, refused('UNAUTHENTICATED'))
  await requireNothing(opened)
  const third = await enter(opened)
  const { outcome } = await putDuring(opened, third, async () => await leave(other))
  assert.equal(outcome, 'created')
})

test('a put with the token of an account ends with the secret of the token', async () => {
  await using opened = await openTestStore()
  const { engine, call } = opened
  const wanted = { name: 'runner', roles: ['USER'] }
  const { account, secret } = await createAccount(engine, call, wanted)
  const { clientId, secrets } = account
  const { accessToken } = await issueClientToken(engine, { clientId, secret })
  const principal = await authenticateToken(engine, accessToken)
  const gone = { id: account.id, secretId: secrets[0]?.id ?? '' }
  const ended = putDuring(opened, principal, async () => await removeSecret(engine, call, gone))
  await assert.rejects(ended, refused('UNAUTHENTICATED'))
  await requireNothing(opened)
})

for (const door of ['ids', 'keys'] as const) {
  test(`a removal of many by ${door} ends with its session, at the slice it came to`, async () => {
    await using opened = await openTestStore()
    const { engine, call } = opened
    const { id: ownerId } = await person(opened)
    const keys = Array.from({ length: 60 }, (_, at) => `many/${at}`)
    const made = await Promise.all(keys.map(key => put(opened, key, key, { ownerId })))
    const principal = await enter(opened)
    const given = { ...call, principal, moment: engine.identity.tokens.moment }
    const { lists } = engine
    const next = lists.next.bind(lists)
    let turns = 0
    lists.next = async caller => {
      await next(caller)
      turns += 1
      if (turns === 2) await logout(engine, given)
    }
    const ids = made.map(({ asset }) => asset.id)
    const inputs = keys.map(key => ({ bucket: 'photos', key }))
    const outcomes =
      door === 'ids'
        ? await removeBatch(engine, given, ids)
        : await removeObjects(engine, given, inputs)
    assert.equal(turns, 8)
    const codes = outcomes.map(one => ('error' in one ? one.error?.code : undefined) ?? 'done')
    const expected = [...Array(8).fill('done'), ...Array(52).fill('UNAUTHENTICATED')]
    assert.deepEqual(codes, expected)
    const left = await Promise.all(ids.map(id => engine.catalog.view.assets.byId(id)))
    assert.equal(left.filter(asset => asset?.deletedAt === null).length, 52)
  })
}
