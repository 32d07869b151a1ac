import assert from 'node:assert/strict'
import { test } from 'node:test'
import { createAccessKey } from '../access/keys/access-keys.ts'
import { commit } from '../commit.ts'
import { systemCall } from '../engine.ts'
import { callOf, openTestStore, refusedWith, type TestStore } from '../test-store.test.ts'
import {
  createAccount,
  removeAccount,
  removeSecret,
  rotateSecret,
  updateAccount,
} from './accounts/accounts.ts'
import { requireFactor } from './factors/require-factor.ts'
import { removeFactor } from './factors/second-factor.ts'
import { addGrant, createGroup } from './groups/groups.ts'
import type { AdoptArgs } from './outside/adopt-transaction.ts'
import { endSessions } from './sessions/sessions.ts'
import { createUser, removeUser, unlockUser, updateUser } from './users/users.ts'

const clerk = callOf({ id: 'clerk', permissions: ['admin:users', 'buckets:read'] })
const keyClerk = callOf({ id: 'k', permissions: ['admin:users', 'keys:admin', 'buckets:read'] })
const grant = { bucket: 'photos', prefix: '', permissions: ['assets:write'] }

/** As a directory whose map gives permissions and groups makes one. */
async function directoryUser(
  { engine }: TestStore,
  { name, permissions, groups }: { name: string; permissions: string[]; groups: string[] },
) {
  const outside = { issuer: 'ldap', subject: name, permissions, groups }
  const names = { username: name, email: null, firstName: '', lastName: '', names: [name] }
  const args: AdoptArgs = {
    ...{ id: `0199d0c0-0000-8000-8000-${name}`, source: 'ldap', outside },
    ...{ ...names, roles: [], buckets: null },
  }
  return await commit(engine, systemCall('directory'), { name: 'users.adopt', args })
}

test('an account is taken over by nobody who holds less than what was granted to it', async () => {
  await using opened = await openTestStore()
  const { engine, call } = opened
  const granted = await createAccount(engine, call, { name: 'granted' })
  await addGrant(engine, call, { ...grant, principalId: granted.account.id })
  const member = await createAccount(engine, call, { name: 'member' })
  const group = await createGroup(engine, call, { name: 'g', members: [member.account.id] })
  await addGrant(engine, call, { ...grant, principalId: group.id })
  for (const { account } of [granted, member]) {
    const { id, secrets } = account
    const patch = { expiresAt: null }
    await refusedWith(rotateSecret(engine, clerk, { id }), 'FORBIDDEN')
    await refusedWith(updateAccount(engine, clerk, { id, patch }), 'FORBIDDEN')
    const secretId = secrets[0]?.id ?? ''
    await refusedWith(removeSecret(engine, clerk, { id, secretId }), 'FORBIDDEN')
    await refusedWith(removeAccount(engine, clerk, id), 'FORBIDDEN')
    await rotateSecret(engine, call, { id })
  }
})

test('what a directory gives counts where somebody would act on its user', async () => {
  await using opened = await openTestStore()
  const { engine, call } = opened
  const group = await createGroup(engine, call, { name: 'Writers' })
  await addGrant(engine, call, { ...grant, principalId: group.id })
  const people = [
    await directoryUser(opened, { name: '000000000001', permissions: ['*'], groups: [] }),
    await directoryUser(opened, { name: '000000000002', permissions: ['audit:view'], groups: [] }),
    await directoryUser(opened, { name: '000000000003', permissions: [], groups: ['writers'] }),
  ]
  for (const { id } of people) {
    const change = { id, patch: { status: 'INACTIVE' } } as const
    await refusedWith(updateUser(engine, clerk, change), 'FORBIDDEN')
    await refusedWith(removeUser(engine, clerk, id), 'FORBIDDEN')
    await refusedWith(unlockUser(engine, clerk, id), 'FORBIDDEN')
    await refusedWith(removeFactor(engine, clerk, id), 'FORBIDDEN')
    const ending = endSessions(engine, clerk, { userId: id, keepCurrent: false })
    await refusedWith(ending, 'FORBIDDEN')
    const key = { name: 'k', userId: id, permissions: ['buckets:read'] }
    await refusedWith(createAccessKey(engine, keyClerk, key), 'FORBIDDEN')
    await unlockUser(engine, call, id)
  }
})

test('a key that acts as a user is made by who holds as much, no foreign token', async () => {
  await using opened = await openTestStore()
  const { engine } = opened
  const { id } = await directoryUser(opened, { name: '000000000004', permissions: [], groups: [] })
  const key = { name: 'k', userId: id, permissions: ['buckets:read'] }
  const made = await createAccessKey(engine, keyClerk, key)
  assert.equal(made.key.userId, id)
  const foreign = callOf({ kind: 'external', id: 'f', permissions: ['*'] })
  await refusedWith(createAccessKey(engine, foreign, key), 'FORBIDDEN')
})

test('sessions of who was granted more are ended by nobody who holds less', async () => {
  await using opened = await openTestStore()
  const { engine, call } = opened
  const password = 'Correct-Horse-7-Battery'
  const { id } = await createUser(engine, call, { username: 'ann', password, roles: [] })
  const ending = { userId: id, keepCurrent: false }
  assert.equal(await endSessions(engine, clerk, ending), 0)
  await addGrant(engine, call, { ...grant, principalId: id })
  await refusedWith(endSessions(engine, clerk, ending), 'FORBIDDEN')
})

test('who administers by the map of a directory needs a second factor, too', async () => {
  await using opened = await openTestStore({ identity: { secondFactorFor: 'administrators' } })
  const { engine } = opened
  const ask = async (name: string, permissions: string[]) => {
    const user = await directoryUser(opened, { name, permissions, groups: [] })
    return async () => requireFactor(engine, user)
  }
  await (await ask('000000000001', ['assets:*']))()
  for (const [name, permission] of [
    ['000000000002', '*'],
    ['000000000003', 'admin:users'],
    ['000000000004', 'keys:admin'],
  ] as const) {
    await refusedWith((await ask(name, [permission]))(), 'SECOND_FACTOR_ENROLMENT_REQUIRED')
  }
})
