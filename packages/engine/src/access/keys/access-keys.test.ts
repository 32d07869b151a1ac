import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { principalOfUser } from '../../identity/principal-of-user.ts'
import { createUser, removeUser, updateUser } from '../../identity/users/users.ts'
import { callOf, openTestStore, refusedWith, type TestStore } from '../../test-store.test.ts'
import { decide } from '../decide.ts'
import {
  createAccessKey,
  endReplacedKeys,
  ensureAccessKey,
  findAccessKey,
  listAccessKeys,
  revokeAccessKey,
} from './access-keys.ts'
import { openSecret } from './access-secret.ts'

describe('access keys', () => {
  it('tell their secret once, and to the verifier', async () => {
    await using opened = await openTestStore()
    const { engine, call } = opened
    const input = { name: 'backup', permissions: ['assets:*'], buckets: ['photos'] }
    const { key, secret } = await createAccessKey(engine, call, input)
    assert.match(key.id, /^HFK[A-Z2-7]{17}$/)
    assert.equal(secret.length, 40)
    const found = await findAccessKey(engine, key.id)
    assert.equal(found?.secret.text, secret)
    assert.equal(found?.principal.id, key.principalId)
    assert.deepEqual(found?.principal.buckets, ['photos'])
    assert.ok(!JSON.stringify(await listAccessKeys(engine, call)).includes(secret))
    const foreign = { settings: { ...engine.settings, linkSecret: new Uint8Array(32) } }
    assert.throws(() => openSecret(foreign, key), { code: 'INTERNAL' })
    assert.throws(() => openSecret(engine, { ...key, id: 'other' }), { code: 'INTERNAL' })
    assert.equal(await findAccessKey(engine, 'unknown'), undefined)
    assert.equal(await findAccessKey(engine, 'not an id/'), undefined)
  })

  it('end by revocation and by time', async () => {
    await using opened = await openTestStore()
    const { engine, call, clock } = opened
    const expiresAt = new Date(clock.now() + 1000).toISOString()
    const brief = await createAccessKey(engine, call, { name: 'b', permissions: ['*'], expiresAt })
    const other = await createAccessKey(engine, call, { name: 'o', permissions: ['*'] })
    assert.ok(await findAccessKey(engine, brief.key.id))
    await clock.advance(1000)
    assert.equal(await findAccessKey(engine, brief.key.id), undefined)
    await revokeAccessKey(engine, call, other.key.id)
    await revokeAccessKey(engine, call, other.key.id)
    assert.equal(await findAccessKey(engine, other.key.id), undefined)
    await refusedWith(revokeAccessKey(engine, call, 'none'), 'KEY_NOT_FOUND')
  })

  it('grant no more than their maker holds', async () => {
    await using opened = await openTestStore()
    const { engine } = opened
    const maker = callOf({ permissions: ['keys:admin', 'assets:read'] })
    const wide = { name: 'wide', permissions: ['assets:write'] }
    await refusedWith(createAccessKey(engine, maker, wide), 'FORBIDDEN')
    await refusedWith(createAccessKey(engine, callOf({}), wide), 'FORBIDDEN')
    await refusedWith(
      createAccessKey(engine, maker, { name: 'x', permissions: ['fly'] }),
      'VALIDATION_ERROR',
    )
  })

  it('of the settings stay the same person, with a new secret too', async () => {
    await using opened = await openTestStore()
    const { engine, call } = opened
    const given = { id: 'AKIAEXAMPLE', name: 'first', secret: 'very secret', permissions: ['*'] }
    const first = await ensureAccessKey(engine, given)
    assert.deepEqual(await ensureAccessKey(engine, given), first)
    await revokeAccessKey(engine, call, first.id)
    await ensureAccessKey(engine, { ...given, secret: 'another one' })
    const found = await findAccessKey(engine, first.id)
    assert.equal(found?.secret.text, 'another one')
    assert.equal(found?.principal.id, first.principalId)
    await refusedWith(ensureAccessKey(engine, { ...given, id: 'a b' }), 'VALIDATION_ERROR')
    await refusedWith(ensureAccessKey(engine, { ...given, secret: 'short' }), 'VALIDATION_ERROR')
    // Sealed by a secret that is gone: a start makes it good again.
    const other = { ...engine, settings: { ...engine.settings, linkSecret: new Uint8Array(32) } }
    await ensureAccessKey(other, { ...given, secret: 'another one' })
    const lost = await engine.catalog.view.accessKeys.byId(first.id)
    assert.ok(lost)
    assert.throws(() => openSecret(engine, lost), { code: 'INTERNAL' })
    await ensureAccessKey(engine, { ...given, secret: 'another one' })
    await using again = await opened.reopen('rebuild')
    assert.equal((await findAccessKey(again.engine, first.id))?.secret.text, 'another one')
  })

  it('that somebody made are none of the settings', async () => {
    await using opened = await openTestStore()
    const { engine } = opened
    const anna = await userCall(opened, 'anna', ['USER'])
    const people = callOf({ permissions: ['*'] })
    const own = await createAccessKey(engine, anna, { name: 'root' })
    const itself = await createAccessKey(engine, people, { name: 'root', permissions: ['*'] })
    for (const { key, secret } of [own, itself]) {
      const given = { id: key.id, name: 'root', secret, permissions: ['*'] }
      await refusedWith(ensureAccessKey(engine, given), 'VALIDATION_ERROR')
      assert.deepEqual(await engine.catalog.view.accessKeys.byId(key.id), key)
    }
  })

  it('of the settings before end with another one there, and no other key does', async () => {
    await using opened = await openTestStore()
    const { engine } = opened
    const people = callOf({ permissions: ['*'] })
    const given = { id: 'OLDPAIR', name: 'root', secret: 'very secret', permissions: ['*'] }
    await ensureAccessKey(engine, given)
    const kept = await Promise.all([
      ensureAccessKey(engine, { ...given, id: 'OTHERNAME', name: 'other' }),
      createAccessKey(engine, people, { name: 'root', permissions: ['*'] }).then(({ key }) => key),
    ])
    assert.deepEqual(await endReplacedKeys(engine, given), [])
    const next = await ensureAccessKey(engine, { ...given, id: 'NEWPAIR' })
    assert.deepEqual(
      (await endReplacedKeys(engine, next)).map(key => key.id),
      ['OLDPAIR'],
    )
    assert.equal(await findAccessKey(engine, 'OLDPAIR'), undefined)
    for (const { id } of [next, ...kept]) assert.ok(await findAccessKey(engine, id), id)
    const keys = await engine.catalog.view.accessKeys.list()
    assert.deepEqual(await endReplacedKeys(engine, next), [])
    assert.deepEqual(await engine.catalog.view.accessKeys.list(), keys)
    // Who goes back to the old one has it again.
    await ensureAccessKey(engine, given)
    assert.deepEqual(
      (await endReplacedKeys(engine, given)).map(key => key.id),
      ['NEWPAIR'],
    )
    assert.ok(await findAccessKey(engine, 'OLDPAIR'))
  })
})

async function userCall({ engine, call }: TestStore, username: string, roles: string[]) {
  const password = 'Correct-Horse-7-Battery'
  const user = await createUser(engine, call, { username, password, roles })
  const { principal } = await principalOfUser(engine, user)
  return { ...call, principal }
}

describe('access keys of users', () => {
  it('are made by everybody for oneself, and for others by administrators', async () => {
    await using opened = await openTestStore()
    const { engine, call } = opened
    const anna = await userCall(opened, 'anna', ['USER'])
    const bert = await userCall(opened, 'bert', ['USER'])
    const { key } = await createAccessKey(engine, anna, { name: 'laptop' })
    assert.deepEqual([key.userId, key.principalId], [anna.principal.id, anna.principal.id])
    const found = await findAccessKey(engine, key.id)
    assert.deepEqual(found?.principal, { ...anna.principal, pairId: key.id })
    const other = { name: 'of another', userId: anna.principal.id }
    await refusedWith(createAccessKey(engine, bert, other), 'FORBIDDEN')
    await refusedWith(createAccessKey(engine, bert, { name: 'x', userId: null }), 'FORBIDDEN')
    await refusedWith(revokeAccessKey(engine, bert, key.id), 'KEY_NOT_FOUND')
    assert.deepEqual(await listAccessKeys(engine, bert), [])
    assert.equal((await listAccessKeys(engine, anna)).length, 1)
    const gift = await createAccessKey(engine, call, other)
    assert.equal((await findAccessKey(engine, gift.key.id))?.principal.id, anna.principal.id)
    const unknown = { name: 'x', userId: '00000000-0000-4000-8000-000000000000' }
    await refusedWith(createAccessKey(engine, call, unknown), 'USER_NOT_FOUND')
    const lesser = callOf({ permissions: ['keys:admin', 'admin:users'] })
    await refusedWith(createAccessKey(engine, lesser, other), 'FORBIDDEN')
    await revokeAccessKey(engine, anna, gift.key.id)
    assert.equal(await findAccessKey(engine, gift.key.id), undefined)
  })

  it('reach no further than key and user do now', async () => {
    await using opened = await openTestStore()
    const { engine, call } = opened
    const anna = await userCall(opened, 'anna', ['USER'])
    const { id } = anna.principal
    const input = { name: 'n', permissions: ['assets:read'], buckets: ['holdfast'] }
    const { key } = await createAccessKey(engine, anna, input)
    const narrow = (await findAccessKey(engine, key.id))?.principal
    assert.ok(narrow)
    const bucket = { name: 'holdfast', settings: { publicRead: false } }
    const shared = { id: 'a', ownerId: 'somebody', key: 'k', acl: { read: [id], write: [id] } }
    const question = { bucket: bucket as never, asset: shared }
    assert.equal(decide(narrow, 'assets:read', question).allowed, true)
    assert.equal(decide(narrow, 'assets:write', question).allowed, false)
    const elsewhere = { bucket: { ...bucket, name: 'other' } as never, asset: shared }
    assert.equal(decide(anna.principal, 'assets:read', elsewhere).allowed, true)
    assert.equal(decide(narrow, 'assets:read', elsewhere).allowed, false)
    const whole = await createAccessKey(engine, anna, { name: 'w' })
    const writesOwn = async () =>
      (await findAccessKey(engine, whole.key.id))?.principal.ownPermissions?.includes(
        'assets:write',
      )
    assert.equal(await writesOwn(), true)
    await updateUser(engine, call, { id, patch: { roles: ['READONLY'] } })
    assert.notEqual(await writesOwn(), true)
    await updateUser(engine, call, { id, patch: { status: 'INACTIVE' } })
    assert.equal(await findAccessKey(engine, whole.key.id), undefined)
    await updateUser(engine, call, { id, patch: { status: 'ACTIVE' } })
    assert.ok(await findAccessKey(engine, whole.key.id))
    await removeUser(engine, call, id)
    assert.equal(await findAccessKey(engine, whole.key.id), undefined)
  })

  it('are bounded, the ended ones of the last 30 days too', async () => {
    await using opened = await openTestStore({ limits: { userKeysMax: 20 } })
    const { engine, clock } = opened
    const anna = await userCall(opened, 'anna', ['READONLY'])
    const bert = await userCall(opened, 'bert', ['READONLY'])
    const make = (call = anna) => createAccessKey(engine, call, { name: 'n' })
    const made = await Promise.all(Array.from({ length: 20 }, () => make()))
    await refusedWith(make(), 'TOO_MANY_ITEMS')
    await make(bert)
    const [first, second] = made.map(({ key }) => key.id)
    assert.ok(first !== undefined && second !== undefined)
    await revokeAccessKey(engine, anna, first)
    await refusedWith(make(), 'TOO_MANY_ITEMS')
    await clock.advance(31 * 86_400_000)
    await make()
    await refusedWith(make(), 'TOO_MANY_ITEMS')
    await revokeAccessKey(engine, anna, second)
    await make()
  })
})
