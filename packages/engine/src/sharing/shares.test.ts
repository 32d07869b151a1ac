import assert from 'node:assert/strict'
import { test } from 'node:test'
import { createKey, principalOfKey, revokeKey } from '../access/keys/keys.ts'
import { putAsset } from '../assets/put.ts'
import { removeAsset } from '../assets/remove.ts'
import { countTurns } from '../counted-turns.test.ts'
import { ensureBuckets } from '../engine.ts'
import { authenticateToken } from '../identity/sessions/authenticate-token.ts'
import { login, logout } from '../identity/sessions/login.ts'
import { createUser, removeUser, updateUser } from '../identity/users/users.ts'
import {
  anonymousCall,
  bytesOf,
  callOf,
  openTestStore,
  put,
  refused,
  type TestStore,
  textOf,
} from '../test-store.test.ts'
import { countUse, listShared, openShare, shareContent } from './open-share.ts'
import { createShare, getShare, listShares, revokeShare } from './shares.ts'

const password = 'Correct-Horse-7-Battery'
const ended = refused('SHARE_NOT_FOUND')

async function use(opened: TestStore, token: string, key?: string): Promise<string> {
  const { engine } = opened
  const share = await openShare(engine, anonymousCall, { token, password: undefined })
  const content = await shareContent(engine, share, key)
  await countUse(engine, share)
  return await textOf(await content.read())
}

/** A user with its own asset, and how it calls. */
async function withMaker(username = 'ann') {
  const opened = await openTestStore()
  const input = { username, password, roles: ['USER'], mustChangePassword: false }
  const user = await createUser(opened.engine, opened.call, input)
  const ownPermissions = ['assets:read', 'assets:write'] as const
  const own = { kind: 'user', id: user.id, name: username, ownPermissions } as const
  const maker = callOf(own)
  const { asset } = await put({ ...opened, call: maker }, 'own.txt', 'mine', { ownerId: user.id })
  return { ...opened, opened, user, maker, asset }
}

test('a link opens what its maker may read, and is counted', async () => {
  await using opened = await openTestStore()
  const { engine, call } = opened
  const { asset } = await put(opened, 'a.txt', 'one')
  const newest = await createShare(engine, call, { target: { assetId: asset.id } })
  const fixed = await createShare(engine, call, { target: { assetId: asset.id, version: 1 } })
  await put(opened, 'a.txt', 'two')
  assert.equal(await use(opened, newest.token), 'two')
  assert.equal(await use(opened, fixed.token), 'one')
  assert.equal(await use(opened, newest.token), 'two')
  const { share, state } = await getShare(engine, call, newest.share.id)
  assert.deepEqual([state, share.uses, share.usesMax], ['live', 2, null])
  assert.notEqual(share.lastUsedAt, null)
})

test('the store keeps neither the token nor the password', async () => {
  await using opened = await openTestStore()
  const { engine, call } = opened
  const { asset } = await put(opened, 'a.txt', 'one')
  const input = { target: { assetId: asset.id }, password }
  const { share, token } = await createShare(engine, call, input)
  const text = JSON.stringify(await engine.catalog.view.identities.byId('share', share.id))
  assert.ok(!text.includes(token.slice(4)) && !text.includes(password), text)
  assert.match(share.passwordHash ?? '', /^\$2b\$/)
  assert.match(token, /^hfs_[\w-]{43}$/)
  const others = Array.from({ length: 16 }, async () => {
    return (await createShare(engine, call, { target: input.target })).token
  })
  const tokens = await Promise.all(others)
  // 32 bytes are 43 signs, and none of those is the same in all tokens.
  for (let at = 4; at < 47; at += 1) {
    assert.ok(new Set(tokens.map(one => one[at])).size > 1, `${at}`)
  }
})

test('no altered token opens anything', async () => {
  await using opened = await openTestStore()
  const { engine, call } = opened
  const { asset } = await put(opened, 'a.txt', 'one')
  const { share, token } = await createShare(engine, call, { target: { assetId: asset.id } })
  const altered = Array.from(token, (_, at) => {
    const other = token[at] === 'A' ? 'B' : 'A'
    return token.slice(0, at) + other + token.slice(at + 1)
  })
  const hash = share.names[0] ?? ''
  const others = ['', share.id, hash, `hfs_${hash}`, token.slice(0, -1), `${token}A`, `${token}=`]
  for (const wrong of [...altered, ...others, ` ${token}`, token.toLowerCase()]) {
    await assert.rejects(use(opened, wrong), ended, wrong)
  }
  assert.equal(await use(opened, token), 'one')
})

for (const thread of [false, true]) {
  test(`however many come at once, no more get through: thread ${thread}`, async () => {
    await using opened = await openTestStore({ thread })
    const { engine, call } = opened
    const { asset } = await put(opened, 'a.txt', 'one')
    // A committer in its own thread has the real time, which the clock of the engine has not.
    const input = { target: { assetId: asset.id }, usesMax: 3, expiresInS: 365 * 86_400 }
    const { share, token } = await createShare(engine, call, input)
    const tries = Array.from({ length: 25 }, () => use(opened, token))
    const results = await Promise.allSettled(tries)
    const won = results.filter(({ status }) => status === 'fulfilled')
    for (const result of results) if (result.status === 'rejected') ended(result.reason)
    assert.equal(won.length, 3)
    await assert.rejects(use(opened, token), ended)
    const shown = await getShare(engine, call, share.id)
    assert.deepEqual([shown.state, shown.share.uses], ['used_up', 3])
  })
}

test('uses are counted across restarts and rebuilds', async () => {
  let opened = await openTestStore()
  const { asset } = await put(opened, 'a.txt', 'one')
  const input = { target: { assetId: asset.id }, usesMax: 3 }
  const { token } = await createShare(opened.engine, opened.call, input)
  for (const how of [undefined, 'rebuild', undefined] as const) {
    assert.equal(await use(opened, token), 'one')
    opened = await opened.reopen(how)
  }
  await assert.rejects(use(opened, token), ended)
  await opened[Symbol.asyncDispose]()
})

test('a revoked or expired link opens nothing, also when it was opened before', async () => {
  await using opened = await openTestStore()
  const { engine, call, clock } = opened
  const { asset } = await put(opened, 'a.txt', 'one')
  const target = { assetId: asset.id }
  const revoked = await createShare(engine, call, { target })
  const early = await openShare(engine, call, { token: revoked.token, password: undefined })
  await revokeShare(engine, call, revoked.share.id)
  await assert.rejects(countUse(engine, early), ended)
  await assert.rejects(use(opened, revoked.token), ended)
  await revokeShare(engine, call, revoked.share.id)
  assert.equal((await getShare(engine, call, revoked.share.id)).state, 'revoked')
  const brief = await createShare(engine, call, { target, expiresInS: 60 })
  assert.equal(await use(opened, brief.token), 'one')
  clock.jump(60_000)
  await assert.rejects(use(opened, brief.token), ended)
  assert.equal((await getShare(engine, call, brief.share.id)).state, 'expired')
})

test('the link holds its maker’s rights of the moment', async () => {
  const set = await withMaker()
  await using opened = set.opened
  const { engine, call, maker, user, asset } = set
  const { asset: foreign } = await put(opened, 'foreign.txt', 'not yours')
  const wanted = { target: { assetId: foreign.id } }
  await assert.rejects(createShare(engine, maker, wanted), refused('ASSET_NOT_FOUND'))
  const { share, token } = await createShare(engine, maker, { target: { assetId: asset.id } })
  assert.equal(await use(opened, token), 'mine')
  const states: string[] = []
  const state = async () => states.push((await getShare(engine, call, share.id)).state)
  for (const patch of [{ status: 'INACTIVE' }, { status: 'ACTIVE', roles: [] }] as const) {
    await updateUser(engine, call, { id: user.id, patch })
    await assert.rejects(use(opened, token), ended)
    await state()
  }
  await updateUser(engine, call, { id: user.id, patch: { roles: ['READONLY'] } })
  assert.equal(await use(opened, token), 'mine')
  await state()
  const early = await openShare(engine, call, { token, password: undefined })
  await removeUser(engine, call, user.id)
  await assert.rejects(countUse(engine, early), ended)
  await assert.rejects(use(opened, token), ended)
  await state()
  assert.deepEqual(states, ['withdrawn', 'withdrawn', 'live', 'withdrawn'])
})

test('a link of a key ends with the key, and of an asset with the asset', async () => {
  await using opened = await openTestStore()
  const { engine, call } = opened
  const { asset } = await put(opened, 'a.txt', 'one')
  const { key } = await createKey(engine, call, { name: 'maker', permissions: ['assets:read'] })
  const maker = { ...call, principal: principalOfKey(key) }
  const target = { assetId: asset.id }
  const { token } = await createShare(engine, maker, { target })
  assert.equal(await use(opened, token), 'one')
  await revokeKey(engine, call, key.id)
  await assert.rejects(use(opened, token), ended)
  const { token: other } = await createShare(engine, call, { target })
  await removeAsset(engine, call, asset.id)
  await assert.rejects(use(opened, other), ended)
})

test('five wrong passwords lock the link for 30 minutes, however many come at once', async () => {
  const opened = await openTestStore()
  const { engine, call, clock } = opened
  const { asset } = await put(opened, 'a.txt', 'one')
  const input = { target: { assetId: asset.id }, password }
  const { share, token } = await createShare(engine, call, input)
  const open = (given?: string) => openShare(engine, anonymousCall, { token, password: given })
  await assert.rejects(open(), refused('SHARE_PASSWORD_NEEDED'))
  const early = await open(password)
  const guesses = Array.from({ length: 12 }, (_, n) => open(`Guess-${n}`))
  const codes = (await Promise.allSettled(guesses)).map(result =>
    result.status === 'rejected' ? result.reason.code : 'in',
  )
  assert.equal(codes.filter(code => code === 'SHARE_PASSWORD_NEEDED').length, 5)
  assert.equal(codes.filter(code => code === 'SHARE_LOCKED').length, 7)
  await assert.rejects(open(password), refused('SHARE_LOCKED', { retry_after: 1800 }))
  // Nor does who came in before them end the lock by a download.
  await countUse(engine, early)
  assert.equal((await getShare(engine, call, share.id)).state, 'locked')
  await using again = await opened.reopen('rebuild')
  const late = () => openShare(again.engine, anonymousCall, { token, password })
  await assert.rejects(late(), refused('SHARE_LOCKED'))
  clock.jump(30 * 60_000)
  await countUse(again.engine, await late())
  const after = await again.engine.catalog.view.identities.byId('share', share.id)
  assert.deepEqual([after?.failures, after?.lockedUntil], [0, null])
})

test('a shared prefix opens what lies below it, and nothing else', async () => {
  await using opened = await openTestStore()
  const { engine, call } = opened
  for (const key of ['a/1.txt', 'a/deep/2.txt', 'b/3.txt', 'a']) await put(opened, key, key)
  const acl = { read: ['somebody-else'], write: [] }
  const { key } = await createKey(engine, call, { name: 'maker', permissions: ['assets:read'] })
  await put(opened, 'a/closed.txt', 'closed', { acl })
  const maker = { ...call, principal: principalOfKey(key) }
  const target = { bucket: 'photos', prefix: 'a/' }
  const { token } = await createShare(engine, maker, { target })
  const share = await openShare(engine, anonymousCall, { token, password: undefined })
  const page = await listShared(engine, share, {})
  assert.deepEqual([page.items.map(item => item.key), page.total], [['1.txt', 'deep/2.txt'], 2])
  assert.equal(await use(opened, token, '1.txt'), 'a/1.txt')
  assert.equal(await use(opened, token, 'deep/2.txt'), 'a/deep/2.txt')
  for (const other of ['closed.txt', '../b/3.txt', '/b/3.txt', 'b/3.txt', '', 'none']) {
    await assert.rejects(use(opened, token, other), ended, other)
  }
  await assert.rejects(use(opened, token), ended)
  await put(opened, 'a/later.txt', 'later')
  assert.equal(await use(opened, token, 'later.txt'), 'later')
})

test('a listing shows of a prefix exactly what the maker may read', async () => {
  const set = await withMaker()
  await using opened = set.opened
  const { engine, maker, user } = set
  await put(opened, 'd/foreign.txt', 'x')
  await putAsset(engine, maker, {
    ...{ bucket: 'photos', key: 'd/own.txt', service: 'test', ownerId: user.id, mode: 'replace' },
    source: bytesOf('own'),
  })
  const { token } = await createShare(engine, maker, { target: { bucket: 'photos', prefix: 'd/' } })
  const share = await openShare(engine, anonymousCall, { token, password: undefined })
  const { items } = await listShared(engine, share, {})
  assert.deepEqual(
    items.map(({ key }) => key),
    ['own.txt'],
  )
  await assert.rejects(use(opened, token, 'foreign.txt'), ended)
  assert.equal(await use(opened, token, 'own.txt'), 'own')
})

test('links of others are as if they were not there, but for administrators', async () => {
  const set = await withMaker()
  await using _ = set.opened
  const { engine, call, maker, asset } = set
  const { share } = await createShare(engine, maker, { target: { assetId: asset.id } })
  const other = callOf({ id: 'other', permissions: ['assets:*', 'keys:admin'] })
  await assert.rejects(getShare(engine, other, share.id), ended)
  await assert.rejects(revokeShare(engine, other, share.id), ended)
  const page = { limit: 10, offset: 0 }
  assert.equal((await listShares(engine, other, page)).total, 0)
  assert.equal((await listShares(engine, maker, page)).total, 1)
  for (const wide of [{ all: true }, { makerId: maker.principal.id }]) {
    await assert.rejects(listShares(engine, other, { ...page, ...wide }), refused('FORBIDDEN'))
    assert.equal((await listShares(engine, call, { ...page, ...wide })).total, 1)
  }
  const live = await listShares(engine, call, { ...page, all: true, state: 'live' })
  assert.equal(live.total, 1)
  await revokeShare(engine, call, share.id)
  assert.equal((await listShares(engine, maker, { ...page, state: 'live' })).total, 0)
})

test('who administers users rules no links of who may more', async () => {
  const set = await withMaker()
  await using _ = set.opened
  const { engine, call, maker, asset } = set
  const boss = await createUser(engine, call, { username: 'boss', password, roles: ['ADMIN'] })
  const bosses = callOf({ kind: 'user', id: boss.id, name: 'boss', permissions: ['*'] })
  const { share } = await createShare(engine, bosses, { target: { assetId: asset.id } })
  const small = await createShare(engine, maker, { target: { assetId: asset.id } })
  const held = ['assets:*', 'versions:*', 'metadata:*', 'buckets:read', 'buckets:create']
  const clerk = callOf({ id: 'clerk', permissions: ['admin:users', ...held] })
  const page = { limit: 10, offset: 0 }
  for (const act of [
    () => getShare(engine, clerk, share.id),
    () => revokeShare(engine, clerk, share.id),
    () => listShares(engine, clerk, { ...page, makerId: boss.id }),
  ]) {
    await assert.rejects(act, refused('FORBIDDEN', { permission: '*' }))
  }
  const all = await listShares(engine, clerk, { ...page, all: true })
  assert.deepEqual([all.total, all.items[0]?.share.id], [1, small.share.id])
  assert.equal((await getShare(engine, bosses, share.id)).state, 'live')
  assert.equal((await listShares(engine, bosses, { ...page, all: true })).total, 2)
  await updateUser(engine, call, { id: boss.id, patch: { status: 'INACTIVE' } })
  await assert.rejects(revokeShare(engine, clerk, share.id), refused('FORBIDDEN'))
  await revokeShare(engine, clerk, small.share.id)
})

test('links make no links, and strangers none', async () => {
  await using opened = await openTestStore()
  const { engine, call } = opened
  const { asset } = await put(opened, 'a.txt', 'one')
  const input = { target: { assetId: asset.id } }
  const { token } = await createShare(engine, call, input)
  const { call: visitor } = await openShare(engine, call, { token, password: undefined })
  await assert.rejects(createShare(engine, visitor, input), refused('FORBIDDEN'))
  await assert.rejects(createShare(engine, anonymousCall, input), refused('UNAUTHENTICATED'))
  const key = { name: 'more', permissions: ['assets:read'] }
  await assert.rejects(createKey(engine, visitor, key), refused('FORBIDDEN'))
  await assert.rejects(removeAsset(engine, visitor, asset.id), refused('FORBIDDEN'))
})

test('terms that cannot be are named', async () => {
  await using opened = await openTestStore()
  const { engine, call } = opened
  const { asset } = await put(opened, 'a.txt', 'one')
  const target = { assetId: asset.id }
  for (const wrong of [
    { expiresInS: 59 },
    { expiresInS: 366 * 86_400 },
    { expiresInS: 1.5 },
    { usesMax: 0 },
    { usesMax: 0.5 },
    { password: 'short' },
    { password: 'x'.repeat(1025) },
    { note: 'two\nlines' },
  ]) {
    const making = createShare(engine, call, { target, ...wrong })
    await assert.rejects(making, refused('VALIDATION_ERROR'), JSON.stringify(wrong))
  }
  const none = { bucket: 'nothing-here', prefix: '' }
  await assert.rejects(createShare(engine, call, { target: none }), refused('BUCKET_NOT_FOUND'))
  const late = { assetId: asset.id, version: 7 }
  await assert.rejects(createShare(engine, call, { target: late }), refused('VERSION_NOT_FOUND'))
})

test('who is confined to buckets cannot tell whether another one is there', async () => {
  await using opened = await openTestStore()
  const { engine } = opened
  await ensureBuckets(engine, ['others'])
  const call = callOf({ permissions: ['assets:*'], buckets: ['photos'] })
  for (const bucket of ['others', 'nothing-here']) {
    const making = createShare(engine, call, { target: { bucket, prefix: '' } })
    await assert.rejects(making, refused('BUCKET_NOT_FOUND'), bucket)
  }
})

test('many lists of many links leave turns of the event loop to others', async () => {
  const set = await withMaker()
  await using opened = set.opened
  const { engine } = opened
  const { maker, asset } = set
  const target = { assetId: asset.id }
  await Promise.all(Array.from({ length: 70 }, () => createShare(engine, maker, { target })))
  const list = () => listShares(engine, maker, { limit: 1000, offset: 0 })
  const counted = countTurns()
  const lists = await Promise.all(Array.from({ length: 5 }, list))
  counted.stop()
  assert.deepEqual(
    lists.map(({ items, total }) => [items.length, total]),
    lists.map(() => [70, 70]),
  )
  assert.ok(counted.now() >= 10, `${counted.now()} turns`)
})

test('a session that ends while a password is worked on makes no link', async () => {
  await using set = await withMaker()
  const { engine, call, asset } = set
  const origin = { ip: '', agent: '' }
  const { tokens } = await login(engine, { name: 'ann', password }, origin)
  const caller = { ...call, principal: await authenticateToken(engine, tokens.accessToken) }
  const { hasher } = engine.identity
  const hash = hasher.hash.bind(hasher)
  hasher.hash = async (...given) => {
    await logout(engine, caller)
    return await hash(...given)
  }
  const input = { target: { assetId: asset.id }, password }
  await assert.rejects(createShare(engine, caller, input), refused('UNAUTHENTICATED'))
  const { total } = await listShares(engine, call, { all: true, limit: 5, offset: 0 })
  assert.equal(total, 0)
})
