import assert from 'node:assert/strict'
import { test } from 'node:test'
import { callOf, openTestStore, refused } from '../../test-store.test.ts'
import { login, refresh } from '../sessions/login.ts'
import { userStatistics } from './user-statistics.ts'
import { createUser, removeUser, updateUser } from './users.ts'

const password = 'Correct-Horse-7-Battery'
const origin = { ip: '', agent: '' }
const day = 86_400_000

test('users are counted by what they are and when they were last here', async () => {
  await using opened = await openTestStore()
  const { engine, call, clock } = opened
  const make = async (username: string, roles: string[]) =>
    await createUser(engine, call, { username, password, roles, mustChangePassword: false })
  const enter = async (name: string) => await login(engine, { name, password }, origin)
  await make('ann', ['ADMIN', 'USER'])
  await make('bob', ['USER'])
  const off = await make('off', [])
  const gone = await make('gone', ['USER'])
  await make('locked', ['AUDITOR'])
  await createUser(engine, call, { username: 'fresh', password, roles: ['READONLY'] })
  await updateUser(engine, call, { id: off.id, patch: { status: 'INACTIVE' } })
  await enter('gone')
  await removeUser(engine, call, gone.id)
  await enter('ann')
  const { tokens } = await enter('bob')
  await clock.advance(5 * day)
  for (let guess = 0; guess < 5; guess += 1) {
    const wrong = login(engine, { name: 'locked', password: 'wrong' }, origin)
    await assert.rejects(wrong, refused('UNAUTHENTICATED'))
  }
  const first = await userStatistics(engine, call)
  assert.deepEqual(first, {
    total: 5,
    withoutRole: 1,
    neverLoggedIn: 3,
    withSecondFactor: 0,
    mustChangePassword: 1,
    byStatus: { ACTIVE: 3, INACTIVE: 1, LOCKED: 1, DELETED: 1 },
    byRole: { ADMIN: 1, OPERATOR: 0, USER: 2, AUDITOR: 1, READONLY: 1 },
    bySource: { local: 5, ldap: 0, oidc: 0, token: 0 },
    active: { day: 0, week: 2, month: 2 },
  })
  await refresh(engine, tokens.refreshToken, origin)
  await clock.advance(4 * day)
  const { active } = await userStatistics(engine, call)
  // One by the session that goes on, the other by the login nine days ago.
  assert.deepEqual(active, { day: 0, week: 1, month: 2 })
  const other = callOf({ permissions: ['assets:read', 'buckets:admin'] })
  await assert.rejects(userStatistics(engine, other), refused('FORBIDDEN'))
})
