import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Call } from '@holdfast/core/call.ts'
import { createAccessKey, findAccessKey } from '../../access/keys/access-keys.ts'
import { presignDownload } from '../../access/links/presign.ts'
import { getAsset } from '../../assets/get.ts'
import { setBucketDocument } from '../../buckets/documents.ts'
import { commit } from '../../commit.ts'
import { systemCall } from '../../engine.ts'
import { openShare } from '../../sharing/open-share.ts'
import { createShare } from '../../sharing/shares.ts'
import { openTestStore, put, refused, refusedWith, type TestStore } from '../../test-store.test.ts'
import { createAccount, removeAccount } from '../accounts/accounts.ts'
import { addGrant, createGroup, removeGroup } from '../groups/groups.ts'
import type { AdoptArgs } from '../outside/adopt-transaction.ts'
import { principalOfUser } from '../principal-of-user.ts'
import { authenticateToken } from '../sessions/authenticate-token.ts'
import { login } from '../sessions/login.ts'
import { createUser, ensureAdministrator, removeUser, updateUser } from './users.ts'

const password = 'Correct-Horse-7-Battery'

async function person({ engine, call }: TestStore, username: string) {
  const input = { username, password, mustChangePassword: false }
  const { id } = await createUser(engine, call, input)
  const { tokens } = await login(engine, { name: username, password }, { ip: '', agent: '' })
  const { accessToken } = tokens
  const own: Call = { ...call, principal: await authenticateToken(engine, accessToken) }
  return { id, accessToken, call: own }
}

const read = { bucket: 'photos', prefix: '', permissions: ['assets:read'] }

function policyFor(name: string) {
  const who = { Effect: 'Allow', Principal: { AWS: name }, Action: 's3:GetObject' }
  const document = {
    Version: '2012-10-17',
    Statement: [{ ...who, Resource: 'arn:aws:s3:::photos/*' }],
  }
  return { bucket: 'photos', name: 'policy', document } as const
}

async function sees({ engine }: TestStore, call: Call, id: string): Promise<boolean> {
  try {
    await getAsset(engine, call, id)
    return true
  } catch (error) {
    return !refused('ASSET_NOT_FOUND')(error)
  }
}

test('a user of the name of a deleted one is somebody else', async () => {
  await using opened = await openTestStore()
  const { engine, call } = opened
  const first = await person(opened, 'anna')
  await addGrant(engine, call, { principalId: first.id, ...read })
  await createGroup(engine, call, { name: 'Team', members: [first.id] })
  const acl = { read: [first.id], write: [first.id] }
  const { asset } = await put(opened, 'a.txt', 'a', { acl })
  const { key } = await createAccessKey(engine, first.call, { name: 'laptop' })
  const shared = await createShare(engine, first.call, { target: { assetId: asset.id } })
  await presignDownload(engine, first.call, { assetId: asset.id })
  assert.ok(await sees(opened, first.call, asset.id))
  await removeUser(engine, call, first.id)
  const second = await person(opened, 'anna')
  assert.notEqual(second.id, first.id)
  assert.equal(await sees(opened, second.call, asset.id), false)
  const { principal } = second.call
  assert.deepEqual([principal.groups, principal.grants], [undefined, undefined])
  await refusedWith(
    authenticateToken(engine, first.accessToken) as Promise<unknown>,
    'UNAUTHENTICATED',
  )
  assert.equal(await findAccessKey(engine, key.id), undefined)
  const given = { token: shared.token, password: undefined }
  await refusedWith(openShare(engine, call, given), 'SHARE_NOT_FOUND')
  const gone = await engine.catalog.view.identities.byId('user', first.id)
  assert.deepEqual([gone?.password, gone?.secondFactor, gone?.names], [null, null, []])
})

test('a policy that names a user does not mean the next one of that name', async () => {
  await using opened = await openTestStore()
  const { engine, call } = opened
  const { asset } = await put(opened, 'a.txt', 'a')
  await setBucketDocument(engine, call, policyFor('arn:aws:iam::1:user/anna'))
  const first = await person(opened, 'anna')
  assert.ok(await sees(opened, first.call, asset.id))
  await removeUser(engine, call, first.id)
  for (const name of ['anna', 'ANNA']) {
    const next = await person(opened, name)
    assert.equal(await sees(opened, next.call, asset.id), false, name)
    await removeUser(engine, call, next.id)
  }
  const last = await person(opened, 'anna')
  await setBucketDocument(engine, call, policyFor(last.id))
  assert.ok(await sees(opened, last.call, asset.id))
})

test('nor does it mean another person of the directory who was given the name', async () => {
  await using opened = await openTestStore()
  const { engine } = opened
  const { asset } = await put(opened, 'a.txt', 'a')
  await setBucketDocument(engine, opened.call, policyFor('carol'))
  const entry = async (subject: number, username: string, address: string | null = null) => {
    const names = [username, ...(address === null ? [] : [address])]
    const args: AdoptArgs = {
      id: `0199d0c0-0000-8000-8000-00000000000${subject}`,
      ...{ source: 'ldap', username, names, email: address, roles: ['USER'] },
      ...{ firstName: '', lastName: '', buckets: null },
      outside: { issuer: 'ldap', subject: `${subject}`, permissions: [], groups: [] },
    }
    const user = await commit(engine, systemCall('test'), { name: 'users.adopt', args })
    const { principal } = await principalOfUser(engine, user)
    return await sees(opened, { ...opened.call, principal }, asset.id)
  }
  assert.ok(await entry(1, 'carol'))
  // Taken from one who is still known, and given free by one who is called otherwise now.
  assert.equal(await entry(2, 'carol'), false)
  assert.equal(await entry(2, 'dave'), false)
  assert.equal(await entry(3, 'carol'), false)
  assert.ok(await entry(1, 'carol'))
  // People may choose their addresses: nobody takes the name of another that way.
  await setBucketDocument(engine, opened.call, policyFor('boss@example.org'))
  assert.ok(await entry(4, 'boss@example.org'))
  assert.equal(await entry(5, 'mallory', 'boss@example.org'), false)
  const { identities } = engine.catalog.view
  const boss = await identities.byName('user', 'boss@example.org')
  assert.equal(boss?.outside?.subject, '4')
  const { principal } = await principalOfUser(engine, boss ?? assert.fail())
  assert.ok(await sees(opened, { ...opened.call, principal }, asset.id))
})

test('groups and accounts of the name of removed ones have nothing of theirs', async () => {
  await using opened = await openTestStore()
  const { engine, call } = opened
  const anna = await person(opened, 'anna')
  const members = [anna.id]
  const group = await createGroup(engine, call, { name: 'Team', members })
  await addGrant(engine, call, { principalId: group.id, ...read })
  const account = await createAccount(engine, call, { name: 'runner' })
  await addGrant(engine, call, { principalId: account.account.id, ...read })
  const acl = { read: [group.id, account.account.id], write: [] }
  const { asset } = await put(opened, 'a.txt', 'a', { acl })
  await removeGroup(engine, call, group.id)
  await removeAccount(engine, call, account.account.id)
  const later = await createGroup(engine, call, { name: 'Team', members })
  const next = await createAccount(engine, call, { name: 'runner' })
  assert.notEqual(later.id, group.id)
  assert.notEqual(next.account.clientId, account.account.clientId)
  const now = await engine.catalog.view.identities.byId('user', anna.id)
  assert.ok(now)
  const { principal } = await principalOfUser(engine, now)
  assert.deepEqual([principal.groups, principal.grants], [[later.id], undefined])
  assert.equal(await sees(opened, { ...call, principal }, asset.id), false)
})

test('nobody new is called as the server calls itself, and who is goes on', async () => {
  await using store = await openTestStore()
  const { engine, call } = store
  for (const username of ['system', 'System', 'anonymous', 'ANONYMOUS']) {
    const problem = 'is what the server calls itself, or strangers, in its logs'
    const details = { errors: [{ path: 'username', problem }] }
    const asked = createUser(engine, call, { username, password })
    await assert.rejects(asked, refused('VALIDATION_ERROR', details), username)
    const first = ensureAdministrator(engine, { username, password })
    await assert.rejects(first, refused('VALIDATION_ERROR', details), username)
  }
  const before = await person(store, 'system-1')
  const { view } = engine.catalog
  const user = await view.identities.byId('user', before.id)
  assert.ok(user?.password)
  const { email, firstName, lastName, roles, buckets } = user
  const fields = { email, firstName, lastName, roles, buckets, isSystem: false }
  const args = { username: 'system', ...fields, password: user.password }
  const { id } = await commit(engine, systemCall('start'), { name: 'users.create', args })
  assert.equal(await ensureAdministrator(engine, { username: 'system', password }), undefined)
  await updateUser(engine, call, { id, patch: { firstName: 'Sys' } })
  const { tokens } = await login(engine, { name: 'system', password }, { ip: '', agent: '' })
  const { kind, id: actor } = await authenticateToken(engine, tokens.accessToken)
  assert.deepEqual([kind, actor], ['user', id], 'the log tells it from the server by both')
})
