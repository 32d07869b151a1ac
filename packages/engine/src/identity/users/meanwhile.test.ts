import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Call } from '@holdfast/core/call.ts'
import type { Engine } from '../../engine.ts'
import { callOf, openTestStore, refused, type TestStore } from '../../test-store.test.ts'
import { authenticateToken } from '../sessions/authenticate-token.ts'
import { confirmSession } from '../sessions/confirm.ts'
import { countFailure } from '../sessions/lockout.ts'
import { login } from '../sessions/login.ts'
import { changePassword, createUser, resetPassword, updateUser } from './users.ts'

/** The work of a password takes long, and longer behind that of others: rights may go meanwhile. */

const password = 'Correct-Horse-7-Battery'
const another = 'Violet-Anchor-31-Meadow'
const origin = { ip: '127.0.0.1', agent: 'tests' }

async function person({ engine, call }: TestStore, username: string, role: string) {
  const input = { username, password, roles: [role], mustChangePassword: false }
  return (await createUser(engine, call, input)).id
}

async function enter({ engine, call }: TestStore, name: string): Promise<Call> {
  const { tokens } = await login(engine, { name, password }, origin)
  return { ...call, principal: await authenticateToken(engine, tokens.accessToken) }
}

/** Lets `meanwhile` happen while the next password is worked on, to be made or to be checked. */
function during(
  { engine }: TestStore,
  work: 'hash' | 'verify',
  meanwhile: () => Promise<unknown>,
): void {
  const { hasher } = engine.identity
  const { hash, verify } = { hash: hasher.hash.bind(hasher), verify: hasher.verify.bind(hasher) }
  const happens = async () => {
    Object.assign(hasher, { hash, verify })
    await meanwhile()
  }
  if (work === 'hash') {
    hasher.hash = async (...given) => {
      const made = await hash(...given)
      await happens()
      return made
    }
  } else {
    hasher.verify = async (...given) => {
      const isRight = await verify(...given)
      await happens()
      return isRight
    }
  }
}

for (const [how, patch, code] of [
  ['shut out', { status: 'INACTIVE' }, 'UNAUTHENTICATED'],
  ['made a user', { roles: ['USER'] }, 'FORBIDDEN'],
] as const) {
  test(`an administrator who is ${how} meanwhile makes nobody and sets no password`, async () => {
    await using opened = await openTestStore()
    const { engine, call } = opened
    const id = await person(opened, 'ann', 'ADMIN')
    const bob = await person(opened, 'bob', 'USER')
    const patched = { status: 'ACTIVE', roles: ['ADMIN'] } as const
    const back = () => updateUser(engine, call, { id, patch: patched })
    const end = () => updateUser(engine, call, { id, patch })

    const makes = await enter(opened, 'ann')
    during(opened, 'hash', end)
    const input = { username: 'late', password, roles: ['ADMIN'], mustChangePassword: false }
    await assert.rejects(createUser(engine, makes, input), refused(code))
    const late = await engine.catalog.view.identities.byName('user', 'late')
    assert.equal(late, undefined)

    await back()
    const sets = await enter(opened, 'ann')
    during(opened, 'hash', end)
    const next = { id: bob, password: another, mustChange: false }
    await assert.rejects(resetPassword(engine, sets, next), refused(code))
    await login(engine, { name: 'bob', password }, origin)
  })
}

test('nobody sets the password of who has more rights by then', async () => {
  await using opened = await openTestStore()
  const { engine, call } = opened
  const id = await person(opened, 'ann', 'USER')
  const { permissions } = await enter(opened, 'ann').then(({ principal }) => principal)
  const own = ['assets:*', 'versions:*', 'metadata:*', 'buckets:*']
  const desk = callOf({ permissions: ['admin:users', ...permissions, ...own] })
  const next = { id, password: another, mustChange: false }
  during(opened, 'hash', () => updateUser(engine, call, { id, patch: { roles: ['ADMIN'] } }))
  await assert.rejects(resetPassword(engine, desk, next), refused('FORBIDDEN'))
  await login(engine, { name: 'ann', password }, origin)
  await updateUser(engine, call, { id, patch: { roles: ['USER'] } })
  await resetPassword(engine, desk, next)
})

test('nobody takes back rights that went while the own address was proved', async () => {
  await using opened = await openTestStore()
  const { engine, call } = opened
  const id = await person(opened, 'ann', 'ADMIN')
  const own = await enter(opened, 'ann')
  during(opened, 'verify', () => updateUser(engine, call, { id, patch: { roles: ['USER'] } }))
  const change = { id, patch: { email: 'ann@example.org', roles: ['ADMIN'] }, password }
  await assert.rejects(updateUser(engine, own, change), refused('FORBIDDEN'))
  const ann = await engine.catalog.view.identities.byId('user', id)
  assert.deepEqual([ann?.roles, ann?.email], [['USER'], null])
})

/** The engine, whose next commit waits until `meanwhile` is done. */
function beforeCommit({ engine }: TestStore, meanwhile: () => Promise<unknown>): Engine {
  let done: Promise<unknown> | undefined
  const catalog = new Proxy(engine.catalog, {
    get: (target, name) => {
      const found = Reflect.get(target, name, target)
      if (name !== 'write') return typeof found === 'function' ? found.bind(target) : found
      return async (...args: Parameters<typeof target.write>) => {
        done ??= meanwhile()
        await done
        return await target.write(...args)
      }
    },
  })
  return { ...engine, catalog }
}

test('an address that was the same when it was asked is not set back without a proof', async () => {
  await using opened = await openTestStore()
  const { engine, call } = opened
  const id = await person(opened, 'ann', 'ADMIN')
  const [email, next] = ['old@example.org', 'new@example.org']
  await updateUser(engine, call, { id, patch: { email } })
  const own = await enter(opened, 'ann')
  const change = () => updateUser(engine, call, { id, patch: { email: next } })
  const slow = beforeCommit(opened, change)
  await updateUser(slow, own, { id, patch: { email, firstName: 'Ann' } })
  const ann = await engine.catalog.view.identities.byId('user', id)
  assert.deepEqual([ann?.email, ann?.firstName], [next, 'Ann'])
})

test('who was let in before too many guesses does not end the lock', async () => {
  await using opened = await openTestStore()
  const { engine, call } = opened
  const id = await person(opened, 'ann', 'ADMIN')
  const own = await enter(opened, 'ann')
  const { identities } = engine.catalog.view
  const lock = async () => {
    const user = await identities.byId('user', id)
    for (let guess = 0; guess < 5; guess += 1) await countFailure(engine, { user, names: [] })
  }
  const entering = login(beforeCommit(opened, lock), { name: 'ann', password }, origin)
  await assert.rejects(entering, refused('UNAUTHENTICATED'))
  const locked = await identities.byId('user', id)
  assert.ok(locked?.lockedUntil)
  await opened.clock.advance(31 * 60_000)
  const given = { password, code: undefined }
  const proving = confirmSession(beforeCommit(opened, lock), own, given)
  await assert.rejects(proving, refused('UNAUTHENTICATED'))
  assert.equal((await identities.byId('user', id))?.failures, 5)
  await opened.clock.advance(31 * 60_000)
  const change = { name: 'ann', password, newPassword: another }
  const changing = changePassword(beforeCommit(opened, lock), call, change)
  await assert.rejects(changing, refused('UNAUTHENTICATED'))
  assert.equal((await identities.byId('user', id))?.failures, 5)
})

test('a password that was changed while an administrator set one is remembered', async () => {
  await using opened = await openTestStore()
  const { engine, call } = opened
  const id = await person(opened, 'ann', 'USER')
  const own = { name: 'ann', password, newPassword: another }
  const slow = beforeCommit(opened, () => changePassword(engine, call, own))
  await resetPassword(slow, call, { id, password: 'Copper-Lantern-52-River', mustChange: false })
  const back = resetPassword(engine, call, { id, password: another, mustChange: false })
  await assert.rejects(back, refused('VALIDATION_ERROR'))
})
