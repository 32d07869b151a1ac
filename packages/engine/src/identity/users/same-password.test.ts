import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { User } from '@holdfast/core/identities.ts'
import { TOTP, URI } from 'otpauth'
import { openTestStore, refused, type TestStore } from '../../test-store.test.ts'
import { beginFactor, confirmFactor } from '../factors/second-factor.ts'
import { login } from '../sessions/login.ts'
import { changePassword, createUser, resetPassword, updateUser } from './users.ts'

const password = 'Correct-Horse-7-Battery'
const another = 'Violet-Anchor-31-Meadow'
const third = 'Copper-Lantern-58-Glacier'
const origin = { ip: '127.0.0.1', agent: 'tests' }
const credentials = { name: 'ann', password }

async function person({ engine, call }: TestStore): Promise<User> {
  const input = { username: 'ann', password, roles: ['USER'], mustChangePassword: false }
  return await createUser(engine, call, input)
}

/** Lets `meanwhile` happen between the check of the next password and what it allows. */
function afterNextCheck({ engine }: TestStore, meanwhile: () => Promise<unknown>): void {
  const { hasher } = engine.identity
  const verify = hasher.verify.bind(hasher)
  hasher.verify = async (given, known) => {
    const isRight = await verify(given, known)
    hasher.verify = verify
    await meanwhile()
    return isRight
  }
}

async function sessionsOf({ engine }: TestStore, { id }: User): Promise<number> {
  const query = { kind: 'session', belongsTo: id, limit: 10 } as const
  return (await engine.catalog.view.identities.list(query)).length
}

test('a login with a password that is replaced meanwhile opens nothing', async () => {
  await using opened = await openTestStore()
  const { engine, call } = opened
  const user = await person(opened)
  const change = { id: user.id, password: another, mustChange: false }
  afterNextCheck(opened, () => resetPassword(engine, call, change))
  await assert.rejects(login(engine, credentials, origin), refused('UNAUTHENTICATED'))
  assert.equal(await sessionsOf(opened, user), 0)
  await login(engine, { ...credentials, password: another }, origin)
})

test('a change of a password that was replaced or shut out meanwhile changes nothing', async () => {
  await using opened = await openTestStore()
  const { engine, call } = opened
  const user = await person(opened)
  const own = { ...credentials, newPassword: third }
  const change = { id: user.id, password: another, mustChange: false }
  afterNextCheck(opened, () => resetPassword(engine, call, change))
  await assert.rejects(changePassword(engine, call, own), refused('UNAUTHENTICATED'))
  await login(engine, { ...credentials, password: another }, origin)

  const shut = { id: user.id, patch: { status: 'INACTIVE' } } as const
  afterNextCheck(opened, () => updateUser(engine, call, shut))
  const again = { ...own, password: another }
  await assert.rejects(changePassword(engine, call, again), refused('ACCOUNT_DISABLED'))
  await updateUser(engine, call, { id: user.id, patch: { status: 'ACTIVE' } })
  await login(engine, { ...credentials, password: another }, origin)
})

test('a second factor is not switched on with a password that is replaced meanwhile', async () => {
  await using opened = await openTestStore()
  const { engine, call, clock } = opened
  const user = await person(opened)
  const { uri } = await beginFactor(engine, call, credentials)
  const totp = URI.parse(uri)
  assert.ok(totp instanceof TOTP)
  const change = { id: user.id, password: another, mustChange: false }
  const replaced = () => resetPassword(engine, call, change)
  afterNextCheck(opened, replaced)
  const code = totp.generate({ timestamp: clock.now() })
  const confirm = confirmFactor(engine, call, { ...credentials, code })
  await assert.rejects(confirm, refused('UNAUTHENTICATED'))

  const back = { ...change, password: third }
  afterNextCheck(opened, () => resetPassword(engine, call, back))
  const begin = beginFactor(engine, call, { name: 'ann', password: another })
  await assert.rejects(begin, refused('UNAUTHENTICATED'))
  const record = await engine.catalog.view.identities.byId('user', user.id)
  assert.equal(record?.secondFactor?.confirmedAt, null)
  await login(engine, { ...credentials, password: third }, origin)
})
