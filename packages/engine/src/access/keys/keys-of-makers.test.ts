import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Call } from '@holdfast/core/call.ts'
import { commit } from '../../commit.ts'
import { systemCall } from '../../engine.ts'
import { createAccount, removeAccount, updateAccount } from '../../identity/accounts/accounts.ts'
import type { AdoptArgs } from '../../identity/outside/adopt-transaction.ts'
import { principalOfUser } from '../../identity/principal-of-user.ts'
import { login } from '../../identity/sessions/login.ts'
import { createUser, removeUser, updateUser } from '../../identity/users/users.ts'
import { openShare } from '../../sharing/open-share.ts'
import { createShare } from '../../sharing/shares.ts'
import { openTestStore, put, refused, refusedWith, type TestStore } from '../../test-store.test.ts'
import { currentPrincipal } from '../links/current-principal.ts'
import { createAccessKey, findAccessKey, peekAccessKey } from './access-keys.ts'
import {
  authenticateKey,
  createKey,
  ensureKey,
  peekKey,
  principalOfGoodKey,
  revokeKey,
} from './keys.ts'

const password = 'Correct-Horse-7-Battery'
const wanted = { name: 'program', permissions: ['*'] }

/** Keys that act for themselves: one made by the maker, and one made with that one. */
async function keysOf({ engine }: TestStore, maker: Call) {
  const first = await createKey(engine, maker, wanted)
  const principal = await authenticateKey(engine, first.secret)
  const second = await createKey(engine, { ...maker, principal }, wanted)
  const pair = await createAccessKey(engine, maker, { ...wanted, userId: null })
  const through = await createAccessKey(engine, { ...maker, principal }, wanted)
  const secrets = [first.secret, second.secret]
  const ids = [pair.key.id, through.key.id]
  const open = async () => {
    const asked = secrets.map(async secret => {
      const isKnown = peekKey(engine, secret) !== undefined
      const isGood = await authenticateKey(engine, secret).then(
        () => true,
        error => !refused('UNAUTHENTICATED')(error),
      )
      assert.ok(isGood || !isKnown)
      return isGood
    })
    const found = ids.map(async id => {
      const isKnown = peekAccessKey(engine, id) !== undefined
      const isGood = (await findAccessKey(engine, id)) !== undefined
      assert.ok(isGood || !isKnown)
      return isGood
    })
    return await Promise.all([...asked, ...found])
  }
  return { open, principal }
}

const ALL = [true, true, true, true]
const NONE = [false, false, false, false]

async function administrator({ engine, call }: TestStore, username = 'anna') {
  const input = { username, password, roles: ['ADMIN'], mustChangePassword: false }
  const user = await createUser(engine, call, input)
  const { principal } = await principalOfUser(engine, user)
  return { id: user.id, call: { ...call, principal } }
}

test('keys of one maker are bounded, those made with its keys too', async () => {
  await using opened = await openTestStore({ limits: { makerKeysMax: 3, userKeysMax: 2 } })
  const { engine, call, clock } = opened
  const { call: anna } = await administrator(opened)
  const { call: bert } = await administrator(opened, 'bert')
  const { open, principal } = await keysOf(opened, anna)
  const make = (maker: Call = anna) => createKey(engine, maker, wanted)
  const last = await make()
  for (const maker of [anna, { ...anna, principal }]) {
    await assert.rejects(make(maker), refused('TOO_MANY_ITEMS', { limit: 3 }))
    const pair = createAccessKey(engine, maker, { ...wanted, userId: null })
    await assert.rejects(pair, refused('TOO_MANY_ITEMS', { limit: 2 }))
  }
  assert.deepEqual(await open(), ALL)
  await make(bert)
  // Who owns the settings owns the store.
  for (let at = 0; at < 5; at += 1) await make(call)
  await revokeKey(engine, call, last.key.id)
  await refusedWith(make(), 'TOO_MANY_ITEMS')
  await clock.advance(31 * 86_400_000)
  await make()
  await refusedWith(make(), 'TOO_MANY_ITEMS')
})

test('what keys without a maker make counts together, but for those of the settings', async () => {
  await using opened = await openTestStore({ limits: { makerKeysMax: 3, userKeysMax: 2 } })
  const { engine, call } = opened
  const secret = 'key-of-the-settings'
  await ensureKey(engine, { name: 'settings', secret, permissions: ['*'] })
  const owner = { ...call, principal: await authenticateKey(engine, secret) }
  const made: Call[] = []
  for (let at = 0; at < 5; at += 1) {
    const { secret: one } = await createKey(engine, owner, wanted)
    made.push({ ...call, principal: await authenticateKey(engine, one) })
    await createAccessKey(engine, owner, { ...wanted, userId: null })
  }
  const [first = owner, second = owner] = made
  for (const maker of [first, second, first]) {
    const { secret: one } = await createKey(engine, maker, wanted)
    made.push({ ...call, principal: await authenticateKey(engine, one) })
  }
  for (const maker of [first, second]) {
    await createAccessKey(engine, maker, { ...wanted, userId: null })
  }
  for (const maker of made) {
    await assert.rejects(createKey(engine, maker, wanted), refused('TOO_MANY_ITEMS', { limit: 3 }))
    const pair = createAccessKey(engine, maker, { ...wanted, userId: null })
    await assert.rejects(pair, refused('TOO_MANY_ITEMS', { limit: 2 }))
  }
  await createKey(engine, owner, wanted)
})

test('keys that act for themselves stop with who made them', async () => {
  await using opened = await openTestStore()
  const { engine, call } = opened
  const { id, call: anna } = await administrator(opened)
  const { open, principal } = await keysOf(opened, anna)
  const { asset } = await put(opened, 'a.txt', 'a')
  const target = { assetId: asset.id }
  const { token } = await createShare(engine, { ...call, principal }, { target })
  const share = async () => await openShare(engine, call, { token, password: undefined })
  await share()
  assert.deepEqual(await open(), ALL)
  await updateUser(engine, call, { id, patch: { status: 'INACTIVE' } })
  assert.deepEqual(await open(), NONE)
  await refusedWith(share(), 'SHARE_NOT_FOUND')
  await updateUser(engine, call, { id, patch: { status: 'ACTIVE' } })
  assert.deepEqual(await open(), ALL)
  await share()
  await removeUser(engine, call, id)
  assert.deepEqual(await open(), NONE)
  await using again = await opened.reopen('rebuild')
  const maker = { kind: 'api_key', id: principal.id } as const
  assert.equal(await currentPrincipal(again.engine, maker), undefined)
})

test('those of a program stop with its account', async () => {
  await using opened = await openTestStore()
  const { engine, call } = opened
  const { account } = await createAccount(engine, call, wanted)
  const { id } = account
  const principal = await currentPrincipal(engine, { kind: 'service_account', id })
  assert.ok(principal)
  const { open } = await keysOf(opened, { ...call, principal })
  assert.deepEqual(await open(), ALL)
  const { key } = await createKey(engine, { ...call, principal }, wanted)
  const limit = async () => (await principalOfGoodKey(engine, key))?.rateLimit?.perMinute
  assert.equal(await limit(), 100)
  await updateAccount(engine, call, { id, patch: { rateLimit: 7 } })
  assert.equal(await limit(), 7)
  await updateAccount(engine, call, { id, patch: { rateLimit: 0 } })
  assert.equal(await limit(), undefined)
  await updateAccount(engine, call, { id, patch: { status: 'SUSPENDED' } })
  assert.deepEqual(await open(), NONE)
  await updateAccount(engine, call, { id, patch: { status: 'ACTIVE' } })
  assert.deepEqual(await open(), ALL)
  await removeAccount(engine, call, id)
  assert.deepEqual(await open(), NONE)
})

test('whoever guesses at a password does not stop keys', async () => {
  await using opened = await openTestStore()
  const { engine } = opened
  const { call: anna } = await administrator(opened)
  const { open } = await keysOf(opened, anna)
  const guess = { name: 'anna', password: 'wrong' }
  for (let n = 0; n < 5; n += 1) {
    await assert.rejects(login(engine, guess, { ip: '', agent: '' }))
  }
  const right = login(engine, { name: 'anna', password }, { ip: '', agent: '' })
  await refusedWith(right, 'ACCOUNT_LOCKED')
  assert.deepEqual(await open(), ALL)
})

async function outsider(
  { engine, call }: TestStore,
  source: AdoptArgs['source'],
  issuer: string = source,
  maps?: string,
) {
  const args: AdoptArgs = {
    id: '0199d0c0-0000-8000-8000-000000000001',
    ...{ source, username: 'olga', names: [], email: null, roles: ['ADMIN'] },
    ...{ firstName: '', lastName: '', buckets: null },
    outside: { issuer, subject: 's', permissions: [], groups: [], ...(maps && { maps }) },
  }
  const user = await commit(engine, systemCall('test'), { name: 'users.adopt', args })
  const { principal } = await principalOfUser(engine, user)
  return { id: user.id, call: { ...call, principal } }
}

test('rights of a foreign token make no keys, and nobody makes one for its subject', async () => {
  await using opened = await openTestStore()
  const { engine, call } = opened
  const olga = await outsider(opened, 'token')
  assert.equal(olga.call.principal.kind, 'external')
  await refusedWith(createKey(engine, olga.call, wanted), 'FORBIDDEN')
  await refusedWith(createAccessKey(engine, olga.call, wanted), 'FORBIDDEN')
  const forHer = createAccessKey(engine, call, { ...wanted, userId: olga.id })
  await refusedWith(forHer, 'USER_OUTSIDE')
})

function providerAt(place: string) {
  const unasked = () => Promise.reject(new Error('nobody logs in there'))
  const openId = {
    provider: { place, addressFor: unasked, finish: unasked },
    claims: { name: ['name'], email: ['email'] },
    ...{ maps: [], always: { roles: [], permissions: [], groups: [] }, returnUrls: [] },
    ...{ sessionSeconds: 60, keySeconds: 3600 },
  }
  return { openId }
}

test('keys and links of people of a provider end a while after their last login', async () => {
  await using opened = await openTestStore({ outside: providerAt('https://idp.example.org') })
  const { engine, call, clock } = opened
  const { id } = await outsider(opened, 'oidc', 'openid https://idp.example.org')
  const enter = async () => {
    const expiresAt = new Date(clock.now() + 60_000).toISOString()
    const none = {
      proof: null,
      passwordHash: null,
      endings: null,
      confirmedAt: '',
      ip: '',
      agent: '',
    }
    const args = { userId: id, ...none, expiresAt }
    await commit(engine, call, { name: 'sessions.start', args })
  }
  await enter()
  const record = await engine.catalog.view.identities.byId('user', id)
  assert.ok(record)
  const olga: Call = { ...call, principal: (await principalOfUser(engine, record)).principal }
  const own = await createAccessKey(engine, olga, { name: 'laptop' })
  const { open } = await keysOf(opened, olga)
  const { asset } = await put(opened, 'a.txt', 'a')
  const { token } = await createShare(engine, olga, { target: { assetId: asset.id } })
  const share = async () => await openShare(engine, call, { token, password: undefined })
  await share()
  assert.deepEqual(await open(), ALL)
  assert.ok(peekAccessKey(engine, own.key.id) ?? (await findAccessKey(engine, own.key.id)))
  await clock.advance(3_600_000)
  assert.deepEqual(await open(), NONE)
  assert.equal(peekAccessKey(engine, own.key.id), undefined)
  assert.equal(await findAccessKey(engine, own.key.id), undefined)
  await refusedWith(share(), 'SHARE_NOT_FOUND')
  await enter()
  assert.deepEqual(await open(), ALL)
  assert.ok(await findAccessKey(engine, own.key.id))
  await share()
})

test('keys and links of people of a provider that left the settings open nothing', async () => {
  const place = 'https://idp.example.org'
  await using opened = await openTestStore({ outside: providerAt(place) })
  const maps = opened.engine.identity.openId?.maps ?? assert.fail()
  const olga = await outsider(opened, 'oidc', `openid ${place}`, maps)
  const { secret } = await createKey(opened.engine, olga.call, wanted)
  const { key } = await createAccessKey(opened.engine, olga.call, { name: 'laptop' })
  const { asset } = await put(opened, 'a.txt', 'a')
  const target = { assetId: asset.id }
  const { token } = await createShare(opened.engine, olga.call, { target })
  const opens = async ({ engine, call }: TestStore) => {
    const asked = [
      authenticateKey(engine, secret),
      openShare(engine, call, { token, password: undefined }),
    ]
    const settled = await Promise.allSettled(asked)
    const found = await findAccessKey(engine, key.id)
    return [...settled.map(({ status }) => status === 'fulfilled'), found !== undefined]
  }
  assert.deepEqual(await opens(opened), [true, true, true])
  await using other = await opened.reopen(undefined, { outside: providerAt(`${place}/`) })
  assert.deepEqual(await opens(other), [false, false, false])
  await using without = await other.reopen(undefined, {})
  assert.deepEqual(await opens(without), [false, false, false])
  const { openId } = providerAt(place)
  const mapping = new Map([['staff', openId.always]])
  const mapped = { openId: { ...openId, maps: [{ claim: ['groups'], mapping }] } }
  await using changed = await without.reopen(undefined, { outside: mapped })
  assert.deepEqual(await opens(changed), [false, false, false])
  await using again = await changed.reopen(undefined, { outside: providerAt(place) })
  assert.deepEqual(await opens(again), [true, true, true])
})
