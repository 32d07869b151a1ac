import assert from 'node:assert/strict'
import { test } from 'node:test'
import { getAsset } from '../../assets/get.ts'
import { listAssets } from '../../assets/list.ts'
import { removeAsset } from '../../assets/remove.ts'
import { callOf, openTestStore, put, refused } from '../../test-store.test.ts'
import { principalOfUser } from '../principal-of-user.ts'
import { authenticateToken } from '../sessions/authenticate-token.ts'
import { login } from '../sessions/login.ts'
import {
  changePassword,
  createUser,
  ensureAdministrator,
  listUsers,
  removeUser,
  resetPassword,
  updateUser,
} from './users.ts'

const password = 'Correct-Horse-7-Battery'
const origin = { ip: '', agent: '' }

test('passwords that break the policy are refused, rule by rule', async () => {
  await using opened = await openTestStore()
  for (const [given, problem] of [
    ['Short-1234a', 'at least 12'],
    ['alllowercase-1', 'upper-case'],
    ['ALLUPPERCASE-1', 'lower-case'],
    ['No-Digits-Here', 'digit'],
    ['NoSpecials12345', 'special'],
    ['Xx-annabel-12345', 'name of its user'],
    ['Xx-zuckerrohr-12345', 'name of its user'],
    [`Aa1-${'x'.repeat(1021)}`, 'at most 1024'],
  ] as const) {
    const input = { username: 'annabel', email: 'zuckerrohr@example.org', password: given }
    await assert.rejects(createUser(opened.engine, opened.call, input), error => {
      refused('VALIDATION_ERROR')(error)
      assert.match(JSON.stringify(error), new RegExp(problem), given)
      return true
    })
  }
})

test('an address is no password, however short the name in it is', async () => {
  await using opened = await openTestStore()
  const input = { username: 'annabel', email: 'ab@example.org', password: 'Ab@Example.org-77' }
  const asked = createUser(opened.engine, opened.call, input)
  const problem = 'must not contain the name of its user'
  const errors = [{ path: 'password', problem }]
  await assert.rejects(asked, refused('VALIDATION_ERROR', { errors }))
})

test('every byte of a long password counts', async () => {
  await using opened = await openTestStore()
  const { engine, call } = opened
  const long = `Correct-Horse-7-${'x'.repeat(90)}`
  await createUser(engine, call, { username: 'ann', password: long, mustChangePassword: false })
  const wrong = `${long.slice(0, -1)}y`
  await assert.rejects(login(engine, { name: 'ann', password: wrong }, origin))
  await login(engine, { name: 'ann', password: long }, origin)
})

test('1,024 bytes of any printable characters are a password, taken exactly as given', async () => {
  await using opened = await openTestStore()
  const { engine, call } = opened
  const longest = `Correct-Horse-7 ${'e\u0301'.repeat(336)}`
  assert.equal(Buffer.byteLength(longest), 1024)
  for (const [index, given] of [longest, ' Ünter  dem 🐎 Tor-7 ', 'Ключ-від-дому-7'].entries()) {
    const name = `ann${index}`
    await createUser(engine, call, { username: name, password: given, mustChangePassword: false })
    const others = [
      given.normalize('NFC'),
      given.trim(),
      given.replace('  ', ' '),
      given.slice(0, -1),
      given.toLowerCase(),
      // The same in its last byte.
      given.replace('\u041a', '\u051a'),
    ]
    for (const other of others.filter(one => one !== given)) {
      const trying = login(engine, { name, password: other }, origin)
      await assert.rejects(trying, refused('UNAUTHENTICATED'), other)
      opened.clock.jump(3_600_000)
    }
    await login(engine, { name, password: given }, origin)
  }
  const half = { username: 'half', password: 'Correct-Horse-7-\ud800' }
  await assert.rejects(createUser(engine, call, half), refused('VALIDATION_ERROR'))
})

test('equal passwords lie as different hashes', async () => {
  await using opened = await openTestStore()
  const { engine, call } = opened
  const made = ['ann', 'bob'].map(username => createUser(engine, call, { username, password }))
  const [ann, bob] = await Promise.all(made)
  assert.ok(ann?.password && bob?.password)
  assert.notEqual(ann.password.hash, bob.password.hash)
  assert.notEqual(ann.password.hash.slice(0, 29), bob.password.hash.slice(0, 29))
})

test('a password that somebody else chose must be changed before anything else', async () => {
  await using opened = await openTestStore()
  const { engine, call } = opened
  const user = await createUser(engine, call, { username: 'ann', password })
  const enter = (given: string) => login(engine, { name: 'ann', password: given }, origin)
  await assert.rejects(enter(password), refused('PASSWORD_CHANGE_REQUIRED'))
  const change = (from: string, to: string) =>
    changePassword(engine, call, { name: 'ann', password: from, newPassword: to })
  await assert.rejects(change('wrong', 'Another-Horse-8'), refused('UNAUTHENTICATED'))
  await change(password, 'Another-Horse-8')
  await enter('Another-Horse-8')
  await resetPassword(engine, call, { id: user.id, password: 'Reset-Horse-99', mustChange: true })
  await assert.rejects(enter('Reset-Horse-99'), refused('PASSWORD_CHANGE_REQUIRED'))
})

test('administrators change the own password with the one before, not by a session', async () => {
  await using opened = await openTestStore()
  const { engine, call } = opened
  const input = { username: 'root', password, roles: ['ADMIN'], mustChangePassword: false }
  const { id } = await createUser(engine, call, input)
  const { tokens } = await login(engine, { name: 'root', password }, origin)
  const own = { ...call, principal: await authenticateToken(engine, tokens.accessToken) }
  const given = { id: id.toUpperCase(), password: 'Taken-Over-1234', mustChange: false }
  await assert.rejects(resetPassword(engine, own, given), refused('FORBIDDEN'))
  await login(engine, { name: 'root', password }, origin)
})

test('none of the last five passwords comes back, and an old one must go', async () => {
  await using opened = await openTestStore()
  const { engine, call, clock } = opened
  const user = await createUser(engine, call, { username: 'ann', password })
  const set = (n: number) =>
    resetPassword(engine, call, { id: user.id, password: `Rotating-Horse-${n}`, mustChange: false })
  for (let n = 1; n <= 5; n += 1) await set(n)
  for (let n = 1; n <= 5; n += 1) await assert.rejects(set(n), refused('VALIDATION_ERROR'))
  await set(6)
  await set(1)
  const enter = () => login(engine, { name: 'ann', password: 'Rotating-Horse-1' }, origin)
  clock.jump(90 * 86_400_000)
  await enter()
  clock.jump(1000)
  await assert.rejects(enter(), refused('PASSWORD_CHANGE_REQUIRED'))
})

test('with 0 days no password is too old', async () => {
  await using opened = await openTestStore({ identity: { passwordDays: 0 } })
  const { engine, call, clock } = opened
  await createUser(engine, call, { username: 'ann', password, mustChangePassword: false })
  clock.jump(3650 * 86_400_000)
  await login(engine, { name: 'ann', password }, origin)
})

test('names and addresses are unique in any case, and free again after a deletion', async () => {
  await using opened = await openTestStore()
  const { engine, call } = opened
  const make = (username: string, email: string | null = null) =>
    createUser(engine, call, { username, email, password })
  const ann = await make('ann', 'ann@example.org')
  await assert.rejects(make('ANN'), refused('USER_EXISTS'))
  await assert.rejects(make('bob', 'Ann@Example.org'), refused('USER_EXISTS'))
  await assert.rejects(make('ann@example.org'), refused('USER_EXISTS'))
  await removeUser(engine, call, ann.id)
  await make('ann', 'ann@example.org')
  const page = { limit: 10, offset: 0 }
  assert.equal((await listUsers(engine, call, page)).total, 1)
  const deleted = await listUsers(engine, call, { ...page, status: 'DELETED' })
  assert.deepEqual(
    deleted.items.map(({ id }) => id),
    [ann.id],
  )
  await assert.rejects(
    updateUser(engine, call, { id: ann.id, patch: { status: 'ACTIVE' } }),
    refused('USER_NOT_FOUND'),
  )
})

test('nobody gives or takes rights that they do not hold', async () => {
  await using opened = await openTestStore()
  const { engine, call } = opened
  const admin = await createUser(engine, call, { username: 'root', password, roles: ['ADMIN'] })
  const clerk = callOf({ permissions: ['admin:users', 'buckets:read'] })
  const make = (roles: string[]) =>
    createUser(engine, clerk, { username: 'friend', password, roles })
  await assert.rejects(make(['ADMIN']), refused('FORBIDDEN'))
  await assert.rejects(make(['USER']), refused('FORBIDDEN'))
  await assert.rejects(
    resetPassword(engine, clerk, { id: admin.id, password: 'Taken-Over-123', mustChange: false }),
    refused('FORBIDDEN'),
  )
  await assert.rejects(removeUser(engine, clerk, admin.id), refused('FORBIDDEN'))
  const user = callOf({ permissions: ['assets:*'] })
  await assert.rejects(
    createUser(engine, user, { username: 'eve', password }),
    refused('FORBIDDEN'),
  )
  await assert.rejects(make(['SUPERUSER']), refused('VALIDATION_ERROR'))
  const { id } = await createUser(engine, call, { username: 'plain', password, roles: [] })
  for (const role of ['ADMIN', 'USER']) {
    const promotion = updateUser(engine, clerk, { id, patch: { roles: [role] } })
    await assert.rejects(promotion, refused('FORBIDDEN'))
  }
  await updateUser(engine, clerk, { id, patch: { firstName: 'Paula' } })
})

test('the administrator of the settings cannot be shut out', async () => {
  await using opened = await openTestStore()
  const { engine, call } = opened
  await ensureAdministrator(engine, { username: 'root', password })
  await ensureAdministrator(engine, { username: 'root', password: 'Other-Password-1' })
  const { items } = await listUsers(engine, call, { limit: 5, offset: 0 })
  const [root] = items
  assert.ok(root !== undefined && items.length === 1)
  await login(engine, { name: 'root', password }, origin)
  const shut = [{ status: 'INACTIVE' }, { roles: ['USER'] }, { buckets: [] }] as const
  for (const patch of shut) {
    await assert.rejects(
      updateUser(engine, call, { id: root.id, patch }),
      refused('USER_PROTECTED'),
    )
  }
  await assert.rejects(removeUser(engine, call, root.id), refused('USER_PROTECTED'))
})

test('a user sees and changes own assets, and not those of others', async () => {
  await using opened = await openTestStore()
  const { engine, call } = opened
  const make = async (username: string) => {
    const user = await createUser(engine, call, { username, password })
    return callOf((await principalOfUser(engine, user)).principal)
  }
  const [ann, bob] = [await make('ann'), await make('bob')]
  const ownedBy = (who: typeof ann) => ({ ownerId: who.principal.id })
  const { asset } = await put({ engine, call: ann }, 'ann.txt', 'hers', ownedBy(ann))
  await put({ engine, call: bob }, 'bob.txt', 'his', ownedBy(bob))
  const forAnn = put({ engine, call: bob }, 'new.txt', 'x', ownedBy(ann))
  await assert.rejects(forAnn, refused('FORBIDDEN'))
  const over = put({ engine, call: bob }, 'ann.txt', 'x', ownedBy(bob))
  await assert.rejects(over, refused('FORBIDDEN'))
  await assert.rejects(getAsset(engine, bob, asset.id), refused('ASSET_NOT_FOUND'))
  await assert.rejects(removeAsset(engine, bob, asset.id), refused('ASSET_NOT_FOUND'))
  assert.equal((await getAsset(engine, ann, asset.id)).id, asset.id)
  for (const bucket of ['photos', undefined]) {
    const { items, total } = await listAssets(engine, bob, { bucket })
    assert.deepEqual([items.map(({ key }) => key), total], [['bob.txt'], 1])
  }
})
