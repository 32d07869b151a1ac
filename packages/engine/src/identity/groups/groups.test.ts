import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Call } from '@holdfast/core/call.ts'
import type { Permission } from '@holdfast/core/principal.ts'
import { explainAccess } from '../../access/explain.ts'
import { createAccessKey } from '../../access/keys/access-keys.ts'
import { getAsset } from '../../assets/get.ts'
import { listAssets } from '../../assets/list.ts'
import { moveAsset } from '../../assets/move.ts'
import { updateAsset } from '../../assets/update.ts'
import { callOf, openTestStore, put, refused, type TestStore } from '../../test-store.test.ts'
import { authenticateToken } from '../sessions/authenticate-token.ts'
import { login } from '../sessions/login.ts'
import { createUser, removeUser, resetPassword } from '../users/users.ts'
import { addGrant, createGroup, removeGrant, removeGroup, updateGroup } from './groups.ts'

const password = 'Correct-Horse-7-Battery'

/** A user, and how to act as the user is at the moment, through one and the same token. */
async function person(opened: TestStore, username: string, roles = ['USER']) {
  const { engine, call } = opened
  const input = { username, password, roles, mustChangePassword: false }
  const { id } = await createUser(engine, call, input)
  const origin = { ip: '', agent: '' }
  const { tokens } = await login(engine, { name: username, password }, origin)
  const act = async (): Promise<Call> => {
    return { ...call, principal: await authenticateToken(engine, tokens.accessToken) }
  }
  return { id, act }
}

const read = { bucket: 'photos', prefix: 'team/', permissions: ['assets:read', 'metadata:read'] }

test('a grant opens its prefix at once, also for a token that is known already', async () => {
  await using opened = await openTestStore()
  const { engine, call } = opened
  const ann = await person(opened, 'ann')
  const { asset } = await put(opened, 'team/a.txt', 'a')
  const { asset: beside } = await put(opened, 'teams.txt', 'b')
  const see = async (id: string) => await getAsset(engine, await ann.act(), id)
  const keys = async () => {
    const { items, total } = await listAssets(engine, await ann.act(), { bucket: 'photos' })
    assert.equal(total, items.length)
    return items.map(({ key }) => key)
  }
  await assert.rejects(see(asset.id), refused('ASSET_NOT_FOUND'))
  assert.deepEqual(await keys(), [])
  const grant = await addGrant(engine, call, { principalId: ann.id, ...read })
  await see(asset.id)
  assert.deepEqual(await keys(), ['team/a.txt'])
  await assert.rejects(see(beside.id), refused('ASSET_NOT_FOUND'))
  await assert.rejects(put({ engine, call: await ann.act() }, 'team/a.txt', 'x'))
  await removeGrant(engine, call, grant.id)
  await assert.rejects(see(asset.id), refused('ASSET_NOT_FOUND'))
})

test('members of a group have what it was granted, from joining to leaving', async () => {
  await using opened = await openTestStore()
  const { engine, call } = opened
  const [ann, bob] = [await person(opened, 'ann'), await person(opened, 'bob')]
  const { asset } = await put(opened, 'team/a.txt', 'a')
  const sees = async (who: typeof ann) => {
    const asked = getAsset(engine, await who.act(), asset.id)
    return await asked.then(
      () => true,
      () => false,
    )
  }
  const both = async () => [await sees(ann), await sees(bob)]
  assert.deepEqual(await both(), [false, false])
  const group = await createGroup(engine, call, { name: 'Team', members: [ann.id] })
  await addGrant(engine, call, { principalId: group.id, ...read })
  assert.deepEqual(await both(), [true, false])
  await updateGroup(engine, call, { id: group.id, members: [bob.id] })
  assert.deepEqual(await both(), [false, true])
  await removeGroup(engine, call, group.id)
  assert.deepEqual(await both(), [false, false])
})

test('an access list may name a group, and listings follow it', async () => {
  await using opened = await openTestStore()
  const { engine, call } = opened
  const ann = await person(opened, 'ann')
  const group = await createGroup(engine, call, { name: 'Team', members: [ann.id] })
  const acl = { read: [group.id], write: [] }
  const { asset } = await put(opened, 'listed.txt', 'a', { acl })
  await put(opened, 'other.txt', 'a')
  await getAsset(engine, await ann.act(), asset.id)
  const { items } = await listAssets(engine, await ann.act())
  assert.deepEqual(
    items.map(({ key }) => key),
    ['listed.txt'],
  )
})

test('who may write by a prefix cannot move an asset out of it', async () => {
  await using opened = await openTestStore()
  const { engine, call } = opened
  const ann = await person(opened, 'ann')
  const permissions = ['assets:*']
  await addGrant(engine, call, { principalId: ann.id, bucket: 'photos', prefix: 'a/', permissions })
  const { asset } = await put(opened, 'a/1.txt', 'a')
  const move = async (key: string) => await moveAsset(engine, await ann.act(), asset.id, { key })
  await move('a/2.txt')
  await assert.rejects(move('b/1.txt'), refused('FORBIDDEN'))
})

test('nobody grants what they do not hold, and only what can be granted', async () => {
  await using opened = await openTestStore()
  const { engine, call } = opened
  const ann = await person(opened, 'ann')
  const grant = (who: Call, permissions: string[], principalId = ann.id) =>
    addGrant(engine, who, { principalId, bucket: 'photos', prefix: '', permissions })
  const clerk = callOf({ permissions: ['admin:users', 'assets:read'] })
  await grant(clerk, ['assets:read'])
  await assert.rejects(grant(clerk, ['assets:*']), refused('FORBIDDEN'))
  await assert.rejects(grant(await ann.act(), ['assets:read']), refused('FORBIDDEN'))
  for (const scope of ['*', '*:read', 'keys:admin', 'admin:users', 'buckets:admin', 'x', '']) {
    await assert.rejects(grant(call, [scope]), refused('VALIDATION_ERROR'), scope)
  }
  const nobody = '0199d0c0-0000-7000-8000-00000000dead'
  await assert.rejects(grant(call, ['assets:read'], nobody), refused('PRINCIPAL_NOT_FOUND'))
  await assert.rejects(createGroup(engine, call, { name: 'g', members: [nobody] }))
})

test('grants and groups come back from the packs', async () => {
  let opened = await openTestStore()
  const { engine, call } = opened
  const ann = await person(opened, 'ann')
  const group = await createGroup(engine, call, { name: 'Team', members: [ann.id] })
  await addGrant(engine, call, { principalId: group.id, ...read })
  const ask = (store: TestStore) =>
    explainAccess(store.engine, store.call, {
      principalId: ann.id,
      permission: 'assets:read',
      ...{ bucket: 'photos', key: 'team/new.txt' },
    })
  const before = await ask(opened)
  assert.deepEqual([before.allowed, before.reason], [true, 'owner of the asset'])
  opened = await opened.reopen('rebuild')
  assert.deepEqual(await ask(opened), before)
  assert.deepEqual(before.principal.groups, [group.id])
  await opened[Symbol.asyncDispose]()
})

test('an explanation is the decision, and tells nobody of what is hidden from them', async () => {
  await using opened = await openTestStore()
  const { engine, call } = opened
  const [ann, bob] = [await person(opened, 'ann'), await person(opened, 'bob')]
  const { asset } = await put(opened, 'team/a.txt', 'a')
  const about = { assetId: asset.id, permission: 'assets:read' } as const
  await addGrant(engine, call, { principalId: ann.id, ...read })
  const told = async (who: Call, principalId?: string) => {
    const { allowed, reason } = await explainAccess(engine, who, { ...about, principalId })
    return [allowed, reason]
  }
  assert.deepEqual(await told(call, ann.id), [true, 'granted for photos/team/'])
  assert.deepEqual(await told(call, bob.id), [false, 'no scope grants it'])
  assert.deepEqual(await told(call, 'anonymous'), [false, 'no scope grants it'])
  const pair = await createAccessKey(engine, call, { name: 'pair', permissions: ['assets:read'] })
  assert.deepEqual(await told(call, pair.key.principalId), [true, 'granted by scope'])
  assert.deepEqual(await told(await ann.act()), [true, 'granted for photos/team/'])
  const hidden = await told(await bob.act())
  const missing = { ...about, assetId: '0199d0c0-0000-7000-8000-00000000dead' }
  const none = await explainAccess(engine, await bob.act(), missing)
  assert.deepEqual(hidden, [none.allowed, none.reason])
  await assert.rejects(told(await bob.act(), ann.id), refused('FORBIDDEN'))
})

test('an explanation tells nobody which keys are taken, or which buckets there are', async () => {
  await using opened = await openTestStore()
  const { engine, call } = opened
  const rita = await person(opened, 'rita', ['READONLY'])
  await put(opened, 'team/a.txt', 'a')
  const auditor = callOf({ permissions: ['assets:read', 'versions:read'] })
  const { asset } = await put(opened, 'team/closed.txt', 'c')
  const acl = { read: [], write: [] }
  await updateAsset(engine, call, asset.id, { acl })
  const ask = async (
    who: Call,
    where: { bucket: string; key?: string },
    permission: Permission,
  ) => {
    const { allowed, reason } = await explainAccess(engine, who, { permission, ...where })
    return [allowed, reason]
  }
  for (const permission of ['assets:read', 'assets:write', 'metadata:read'] as const) {
    const free = { bucket: 'photos', key: 'team/free.txt' }
    const told = await ask(await rita.act(), free, permission)
    for (const key of ['team/a.txt', 'team/closed.txt']) {
      assert.deepEqual(await ask(await rita.act(), { ...free, key }, permission), told, key)
    }
    const closed = { ...free, key: 'team/closed.txt' }
    assert.deepEqual(
      await ask(auditor, closed, permission),
      await ask(auditor, free, permission),
      permission,
    )
  }
  const confined = callOf({ permissions: ['assets:*', 'buckets:read'], buckets: ['elsewhere'] })
  const hidden = await ask(confined, { bucket: 'no-such-bucket' }, 'buckets:read')
  assert.deepEqual(await ask(confined, { bucket: 'photos' }, 'buckets:read'), hidden)
})

test('nobody takes over, or takes from, who was granted more than they hold', async () => {
  await using opened = await openTestStore()
  const { engine, call } = opened
  const clerk = callOf({ permissions: ['admin:users', 'assets:read'] })
  const [ann, bob] = [await person(opened, 'ann', []), await person(opened, 'bob', [])]
  const group = await createGroup(engine, call, { name: 'Writers', members: [bob.id] })
  const writing = { bucket: 'photos', prefix: '', permissions: ['assets:write'] }
  const grant = await addGrant(engine, call, { principalId: ann.id, ...writing })
  await addGrant(engine, call, { principalId: group.id, ...writing })
  for (const { id } of [ann, bob]) {
    const reset = { id, password: 'Another-Horse-8-Battery', mustChange: false }
    await assert.rejects(resetPassword(engine, clerk, reset), refused('FORBIDDEN'))
    await assert.rejects(removeUser(engine, clerk, id), refused('FORBIDDEN'))
  }
  await assert.rejects(removeGrant(engine, clerk, grant.id), refused('FORBIDDEN'))
  await assert.rejects(removeGroup(engine, clerk, group.id), refused('FORBIDDEN'))
  const upper = { id: group.id.toUpperCase(), members: [ann.id, bob.id] }
  await assert.rejects(updateGroup(engine, clerk, upper), refused('FORBIDDEN'))
  const writer = callOf({ permissions: ['admin:users', 'assets:write'] })
  await removeGrant(engine, writer, grant.id)
  await removeGroup(engine, writer, group.id)
  await removeUser(engine, clerk, ann.id)
})

test('who changes a group by names at the same moment loses nobody', async () => {
  await using opened = await openTestStore()
  const { engine, call } = opened
  const names = ['ann', 'bob', 'cid', 'dora']
  const [ann, bob, cid, dora] = await Promise.all(names.map(name => person(opened, name, [])))
  if (!ann || !bob || !cid || !dora) return assert.fail()
  const { id } = await createGroup(engine, call, { name: 'Team', members: [ann.id] })
  await Promise.all([
    updateGroup(engine, call, { id, added: [bob.id.toUpperCase()] }),
    updateGroup(engine, call, { id, added: [cid.id], removed: [dora.id] }),
    updateGroup(engine, call, { id, removed: [ann.id.toUpperCase()] }),
  ])
  const { members } = await updateGroup(engine, call, { id, description: 'x' })
  assert.deepEqual([...members].sort(), [bob.id, cid.id].sort())
  const other = await updateGroup(engine, call, {
    id,
    members: [ann.id],
    added: [bob.id, dora.id],
    removed: [dora.id],
  })
  assert.deepEqual(other.members, [ann.id, bob.id])
  const nobody = '0199d0c0-0000-7000-8000-00000000000f'
  const unknown = updateGroup(engine, call, { id, added: [nobody] })
  await assert.rejects(unknown, refused('USER_NOT_FOUND'))
  const many = Array.from({ length: 999 }, (_, at) => `${nobody.slice(0, -4)}${1000 + at}`)
  const tooMany = updateGroup(engine, call, { id, added: many })
  await assert.rejects(tooMany, refused('VALIDATION_ERROR'))
})
