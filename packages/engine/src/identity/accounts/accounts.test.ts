import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Call } from '@holdfast/core/call.ts'
import { decide } from '../../access/decide.ts'
import { explainAccess } from '../../access/explain.ts'
import { createAccessKey } from '../../access/keys/access-keys.ts'
import { createKey, principalOfKey } from '../../access/keys/keys.ts'
import { presignDownload } from '../../access/links/presign.ts'
import { getAsset } from '../../assets/get.ts'
import { openShare, shareContent } from '../../sharing/open-share.ts'
import { createShare } from '../../sharing/shares.ts'
import { callOf, openTestStore, put, refused, type TestStore } from '../../test-store.test.ts'
import { addGrant, createGroup } from '../groups/groups.ts'
import { authenticateToken } from '../sessions/authenticate-token.ts'
import { refresh } from '../sessions/login.ts'
import type { AccountFields } from './account-fields.ts'
import {
  createAccount,
  getAccount,
  listAccounts,
  removeAccount,
  removeSecret,
  rotateSecret,
  updateAccount,
} from './accounts.ts'
import { issueClientToken } from './client-token.ts'

const DAY_MS = 86_400_000

async function made(opened: TestStore, fields: AccountFields = { roles: ['USER'] }) {
  const { engine, call } = opened
  const { account, secret } = await createAccount(engine, call, {
    ...fields,
    name: fields.name ?? 'runner',
  })
  const enter = async (given: string = secret, scope?: string) =>
    await issueClientToken(engine, { clientId: account.clientId, secret: given, scope })
  const act = async (token: string): Promise<Call> => {
    return { ...call, principal: await authenticateToken(engine, token) }
  }
  return { account, secret, enter, act }
}

test('a program gets a short-lived token for its secret and acts with its rights', async () => {
  await using opened = await openTestStore()
  const { account, secret, enter, act } = await made(opened, {
    roles: ['READONLY'],
    permissions: ['versions:read'],
    environment: 'staging',
  })
  assert.match(account.clientId, /^sa_staging_runner_[0-9a-f]{12}$/)
  assert.match(secret, /^hfc_[\w-]{43}$/)
  const { accessToken, expiresInS } = await enter()
  assert.equal(expiresInS, 1800)
  const { principal } = await act(accessToken)
  assert.deepEqual([principal.kind, principal.id], ['service_account', account.id])
  assert.deepEqual([...principal.permissions].sort(), ['buckets:read', 'versions:read'])
  assert.equal(principal.sessionId, undefined)
  const text = JSON.stringify(await getAccount(opened.engine, opened.call, account.id))
  assert.ok(!text.includes(secret.slice(10)))
  opened.clock.jump(1800_000)
  await assert.rejects(act(accessToken), refused('CREDENTIAL_EXPIRED'))
})

test('a wrong id or secret is refused alike, and no other secret or token fits', async () => {
  await using opened = await openTestStore()
  const { engine, call } = opened
  const { account, secret, enter } = await made(opened)
  const other = await createAccount(engine, call, { name: 'other' })
  const { key, secret: apiKey } = await createKey(engine, call, {
    ...{ name: 'k', permissions: ['assets:read'] },
  })
  const wrong = ['', 'x', `${secret}x`, secret.slice(0, -1), secret.toUpperCase(), other.secret]
  for (const given of [...wrong, account.secrets[0]?.hash ?? '', apiKey, key.hash]) {
    await assert.rejects(enter(given), refused('UNAUTHENTICATED'), given)
  }
  for (const clientId of ['', 'sa_', 'name:runner', 'runner', account.id, other.account.clientId]) {
    const trying = issueClientToken(engine, { clientId, secret })
    await assert.rejects(trying, refused('UNAUTHENTICATED'), clientId)
  }
  const { accessToken } = await enter()
  const origin = { ip: '', agent: '' }
  await assert.rejects(refresh(engine, accessToken, origin), refused('UNAUTHENTICATED'))
})

test('secrets change with an overlap, and end with all their tokens', async () => {
  await using opened = await openTestStore()
  const { engine, call, clock } = opened
  const { account, secret, enter, act } = await made(opened)
  const first = await enter()
  const next = await rotateSecret(engine, call, { id: account.id, overlapS: 600 })
  const [second] = await Promise.all([enter(next.secret), enter(secret), act(first.accessToken)])
  clock.jump(600_000)
  await assert.rejects(enter(secret), refused('SECRET_EXPIRED'))
  await assert.rejects(act(first.accessToken), refused('UNAUTHENTICATED'))
  await act(second.accessToken)
  const last = await rotateSecret(engine, call, { id: account.id, overlapS: 0 })
  await assert.rejects(enter(next.secret), refused('UNAUTHENTICATED'))
  await assert.rejects(act(second.accessToken), refused('UNAUTHENTICATED'))
  const third = await enter(last.secret)
  const [only] = last.account.secrets
  assert.equal(last.account.secrets.length, 1)
  const gone = { id: account.id, secretId: only?.id ?? '' }
  await removeSecret(engine, call, gone)
  await assert.rejects(act(third.accessToken), refused('UNAUTHENTICATED'))
  await assert.rejects(removeSecret(engine, call, gone), refused('SECRET_NOT_FOUND'))
})

test('a token never outlives its secret or its account', async () => {
  await using opened = await openTestStore()
  const { clock } = opened
  const expiresAt = new Date(clock.now() + 2 * DAY_MS).toISOString()
  const { enter, act, account } = await made(opened, { secretDays: 1, expiresAt })
  clock.jump(DAY_MS - 60_000)
  const { accessToken, expiresInS } = await enter()
  assert.equal(expiresInS, 60)
  await act(accessToken)
  clock.jump(60_000)
  await assert.rejects(act(accessToken), refused('CREDENTIAL_EXPIRED'))
  const wanted = { id: account.id, secretDays: 30 }
  const { secret } = await rotateSecret(opened.engine, opened.call, wanted)
  clock.jump(DAY_MS)
  await assert.rejects(enter(secret), refused('ACCOUNT_DISABLED'))
})

test('a key that an account makes ends with the account', async () => {
  await using opened = await openTestStore()
  const { engine, clock } = opened
  const expiresAt = new Date(clock.now() + DAY_MS).toISOString()
  const { enter, act } = await made(opened, { permissions: ['keys:admin'], expiresAt })
  const call = await act((await enter()).accessToken)
  const wanted = { name: 'k', permissions: ['keys:admin'] }
  const { key } = await createKey(engine, call, wanted)
  const pair = await createAccessKey(engine, call, wanted)
  assert.deepEqual([key.expiresAt, pair.key.expiresAt], [expiresAt, expiresAt])
  const later = new Date(clock.now() + 2 * DAY_MS).toISOString()
  const outliving = createKey(engine, call, { ...wanted, expiresAt: later })
  await assert.rejects(outliving, refused('FORBIDDEN', { expires_at: expiresAt }))
})

test('one that is suspended or deleted is out at once', async () => {
  await using opened = await openTestStore()
  const { engine, call } = opened
  const { account, enter, act } = await made(opened)
  const { accessToken } = await enter()
  await act(accessToken)
  await updateAccount(engine, call, { id: account.id, patch: { status: 'SUSPENDED' } })
  await assert.rejects(act(accessToken), refused('UNAUTHENTICATED'))
  await assert.rejects(enter(), refused('ACCOUNT_DISABLED'))
  await assert.rejects(enter('wrong'), refused('UNAUTHENTICATED'))
  await updateAccount(engine, call, { id: account.id, patch: { status: 'ACTIVE', roles: [] } })
  assert.deepEqual((await act(accessToken)).principal.permissions, [])
  await removeAccount(engine, call, account.id)
  await assert.rejects(act(accessToken), refused('UNAUTHENTICATED'))
  await assert.rejects(enter(), refused('UNAUTHENTICATED'))
  const again = updateAccount(engine, call, { id: account.id, patch: { status: 'ACTIVE' } })
  await assert.rejects(again, refused('ACCOUNT_NOT_FOUND'))
  const page = { limit: 10, offset: 0 }
  assert.equal((await listAccounts(engine, call, page)).total, 0)
  assert.equal((await listAccounts(engine, call, { ...page, status: 'DELETED' })).total, 1)
  await createAccount(engine, call, { name: 'runner' })
})

test('nobody gives, takes over or widens what they do not hold', async () => {
  await using opened = await openTestStore()
  const { engine, call } = opened
  const { account } = await made(opened, { roles: ['ADMIN'] })
  const clerk = callOf({ id: 'clerk', permissions: ['admin:users', 'buckets:read'] })
  for (const fields of [{ roles: ['ADMIN'] }, { roles: ['USER'] }, { permissions: ['assets:*'] }]) {
    const making = createAccount(engine, clerk, { name: 'more', ...fields })
    await assert.rejects(making, refused('FORBIDDEN'))
  }
  const small = await createAccount(engine, clerk, { name: 'small', permissions: ['buckets:read'] })
  const widen = { id: small.account.id, patch: { permissions: ['*'] } }
  await assert.rejects(updateAccount(engine, clerk, widen), refused('FORBIDDEN'))
  const { id } = account
  const secretId = account.secrets[0]?.id ?? ''
  for (const act of [
    () => rotateSecret(engine, clerk, { id }),
    () => removeSecret(engine, clerk, { id, secretId }),
    () => removeAccount(engine, clerk, id),
    () => updateAccount(engine, clerk, { id, patch: { status: 'SUSPENDED' } as const }),
  ]) {
    await assert.rejects(act, refused('FORBIDDEN'))
  }
  const nobody = callOf({ id: 'x', permissions: ['assets:*', 'keys:admin'] })
  await assert.rejects(getAccount(engine, nobody, id), refused('FORBIDDEN'))
  await assert.rejects(createAccount(engine, call, { name: 'runner' }), refused('ACCOUNT_EXISTS'))
})

test('a token with a scope does less, whatever else would open more', async () => {
  await using opened = await openTestStore()
  const { engine, call } = opened
  const { account, enter, act, secret } = await made(opened, { roles: ['ADMIN'] })
  const acl = { read: [account.id], write: [account.id] }
  const { asset } = await put(opened, 'a.txt', 'x', { acl })
  const { accessToken, scope } = await enter(secret, 'assets:read  metadata:read')
  assert.equal(scope, 'assets:read metadata:read')
  const narrow = await act(accessToken)
  await getAsset(engine, narrow, asset.id)
  const bucket = await engine.catalog.view.buckets.byName('photos')
  const writes = decide(narrow.principal, 'assets:write', { bucket, asset })
  assert.deepEqual(writes, { allowed: false, reason: 'not within the scope of the token' })
  const key = { name: 'k', permissions: ['assets:write'] }
  await assert.rejects(createKey(engine, narrow, key), refused('FORBIDDEN'))
  const user = createAccount(engine, narrow, { name: 'more' })
  await assert.rejects(user, refused('FORBIDDEN'))
  const target = { assetId: asset.id }
  await assert.rejects(createShare(engine, narrow, { target }), refused('FORBIDDEN'))
  await assert.rejects(presignDownload(engine, narrow, target), refused('FORBIDDEN'))
  for (const wrong of ['', ' ', 'assets:fly', 'assets:read root', 'a'.repeat(3000)]) {
    await assert.rejects(enter(secret, wrong), refused('SCOPE_INVALID'), wrong)
  }
  assert.ok((await enter()).scope.includes('admin:users'))
  assert.equal((await act((await enter()).accessToken)).principal.within, undefined)
  await updateAccount(engine, call, { id: account.id, patch: { roles: [] } })
  assert.deepEqual((await act(accessToken)).principal.permissions, [])
})

test('groups, grants, share links and explanations know service accounts', async () => {
  await using opened = await openTestStore()
  const { engine, call } = opened
  const { account, enter, act } = await made(opened, { roles: [] })
  const { asset } = await put(opened, 'in/a.txt', 'x')
  const caller = async () => await act((await enter()).accessToken)
  await assert.rejects(getAsset(engine, await caller(), asset.id), refused('FORBIDDEN'))
  const group = await createGroup(engine, call, { name: 'programs', members: [account.id] })
  const grant = { bucket: 'photos', permissions: ['assets:read'] }
  await addGrant(engine, call, { ...grant, principalId: account.id, prefix: 'in/' })
  await addGrant(engine, call, { ...grant, principalId: group.id, prefix: 'group/' })
  await getAsset(engine, await caller(), asset.id)
  assert.equal((await caller()).principal.grants?.length, 2)
  const question = { permission: 'assets:read', assetId: asset.id } as const
  const told = await explainAccess(engine, call, { ...question, principalId: account.id })
  assert.deepEqual([told.allowed, told.reason], [true, 'granted for photos/in/'])
  const target = { assetId: asset.id }
  const { token, share } = await createShare(engine, await caller(), { target })
  const opens = await openShare(engine, call, { token, password: undefined })
  await shareContent(engine, opens)
  const ofShare = await explainAccess(engine, call, { ...question, principalId: share.id })
  assert.equal(ofShare.allowed, true)
  const write = { ...question, permission: 'assets:write', principalId: share.id } as const
  const { allowed, reason } = await explainAccess(engine, call, write)
  assert.deepEqual([allowed, reason], [false, `not within share link ${share.id}`])
  await updateAccount(engine, call, { id: account.id, patch: { status: 'SUSPENDED' } })
  const late = openShare(engine, call, { token, password: undefined })
  await assert.rejects(late, refused('SHARE_NOT_FOUND'))
})

test('accounts and the tokens of their secrets survive a restart and a rebuild', async () => {
  let opened = await openTestStore()
  const { secret, account, enter } = await made(opened)
  const { accessToken } = await enter()
  for (const how of [undefined, 'rebuild'] as const) {
    opened = await opened.reopen(how)
    await authenticateToken(opened.engine, accessToken)
    await issueClientToken(opened.engine, { clientId: account.clientId, secret })
  }
  await opened[Symbol.asyncDispose]()
})

test('fields that cannot be are named', async () => {
  await using opened = await openTestStore()
  for (const wrong of [
    { name: 'Upper' },
    { name: 'under_score' },
    { environment: 'a b' },
    { roles: ['ROOT'] },
    { permissions: ['assets:fly'] },
    { buckets: ['NO'] },
    { expiresAt: '2001-01-01T00:00:00Z' },
    { expiresAt: 'soon' },
    { secretDays: 0 },
    { secretDays: 366 },
    { description: 'x'.repeat(1001) },
  ]) {
    await assert.rejects(made(opened, wrong), refused('VALIDATION_ERROR'), JSON.stringify(wrong))
  }
})

test('no account moves its own end, itself or by a key', async () => {
  await using opened = await openTestStore()
  const { engine, call, clock } = opened
  const expiresAt = new Date(clock.now() + DAY_MS).toISOString()
  const { account, enter, act } = await made(opened, { roles: ['ADMIN'], expiresAt })
  const own = await act((await enter()).accessToken)
  const { key } = await createKey(engine, own, { name: 'k', permissions: ['*'] })
  const byKey = { ...call, principal: principalOfKey(key) }
  for (const end of [null, new Date(clock.now() + 2 * DAY_MS).toISOString(), expiresAt]) {
    for (const who of [own, byKey]) {
      const change = updateAccount(engine, who, { id: account.id, patch: { expiresAt: end } })
      await assert.rejects(change, refused('FORBIDDEN'), `${end}`)
    }
  }
  assert.equal((await getAccount(engine, call, account.id)).expiresAt, expiresAt)
  await updateAccount(engine, own, { id: account.id, patch: { description: 'mine' } })
  await updateAccount(engine, call, { id: account.id, patch: { expiresAt: null } })
})

test('refresh tokens of a program are good once, with its secret, and never for more', async () => {
  await using opened = await openTestStore({ identity: { accountRefresh: true } })
  const { engine, call } = opened
  const { account, secret, enter, act } = await made(opened, {
    permissions: ['assets:read', 'assets:write', 'metadata:read'],
  })
  const stranger = await made(opened, { name: 'stranger', roles: ['USER'] })
  const renew = async (refreshToken: string | undefined, more: object = {}) =>
    await issueClientToken(engine, { clientId: account.clientId, secret, refreshToken, ...more })
  const first = await enter()
  assert.equal((await act(first.accessToken)).principal.id, account.id)
  await assert.rejects(act(first.refreshToken ?? ''), refused('UNAUTHENTICATED'))
  const origin = { ip: '', agent: '' }
  await assert.rejects(
    refresh(engine, first.refreshToken ?? '', origin),
    refused('UNAUTHENTICATED'),
  )
  await assert.rejects(
    renew(first.refreshToken, { secret: stranger.secret }),
    refused('UNAUTHENTICATED'),
  )
  const theirs = { clientId: stranger.account.clientId, secret: stranger.secret }
  await assert.rejects(renew(first.refreshToken, theirs), refused('GRANT_INVALID'))
  for (const bad of ['', 'x', first.accessToken, `${first.refreshToken}x`]) {
    await assert.rejects(renew(bad), refused('GRANT_INVALID'), bad.slice(0, 9))
  }
  const second = await renew(first.refreshToken)
  const { principal } = await act(second.accessToken)
  assert.deepEqual([principal.kind, principal.id], ['service_account', account.id])
  // In two hands: the session ends, with every token of it.
  await assert.rejects(renew(first.refreshToken), refused('GRANT_INVALID'))
  await assert.rejects(renew(second.refreshToken), refused('GRANT_INVALID'))
  for (const { accessToken } of [first, second]) {
    await assert.rejects(act(accessToken), refused('UNAUTHENTICATED'))
  }
  const narrow = await enter(secret, 'assets:read metadata:read')
  await assert.rejects(
    renew(narrow.refreshToken, { scope: 'assets:write' }),
    refused('SCOPE_INVALID'),
  )
  const kept = await renew(narrow.refreshToken)
  assert.equal(kept.scope, 'assets:read metadata:read')
  const less = await renew(kept.refreshToken, { scope: 'assets:read' })
  assert.deepEqual((await act(less.accessToken)).principal.permissions, ['assets:read'])
  // It ends with the secret that it began with, and with the account.
  const [{ id: secretId = '' } = {}] = account.secrets
  const next = await rotateSecret(engine, call, { id: account.id })
  await removeSecret(engine, call, { id: account.id, secretId })
  await assert.rejects(renew(less.refreshToken, { secret: next.secret }), refused('GRANT_INVALID'))
  await assert.rejects(act(less.accessToken), refused('UNAUTHENTICATED'))
  const last = await enter(next.secret)
  await updateAccount(engine, call, { id: account.id, patch: { status: 'SUSPENDED' } })
  await assert.rejects(act(last.accessToken), refused('UNAUTHENTICATED'))
  await assert.rejects(
    renew(last.refreshToken, { secret: next.secret }),
    refused('ACCOUNT_DISABLED'),
  )
  // What was issued before stays dead when it may work again.
  await updateAccount(engine, call, { id: account.id, patch: { status: 'ACTIVE' } })
  await assert.rejects(act(last.accessToken), refused('UNAUTHENTICATED'))
  await assert.rejects(renew(last.refreshToken, { secret: next.secret }), refused('GRANT_INVALID'))
})

test('of those that trade one refresh token at once, no two get the next', async () => {
  await using opened = await openTestStore({ identity: { accountRefresh: true } })
  const { engine } = opened
  const { account, secret, enter } = await made(opened)
  const { refreshToken } = await enter()
  const named = { clientId: account.clientId, secret }
  const trades = await Promise.allSettled(
    Array.from({ length: 5 }, () => issueClientToken(engine, { ...named, refreshToken })),
  )
  const lost = trades.filter(trade => trade.status === 'rejected')
  assert.ok(lost.length >= 4)
  for (const { reason } of lost) assert.equal(reason.code, 'GRANT_INVALID')
  assert.deepEqual(await engine.catalog.view.identities.list({ kind: 'session', limit: 9 }), [])
})

test('without the setting programs get no refresh token, and those from before end', async () => {
  await using opened = await openTestStore()
  const { account, secret, enter } = await made(opened)
  assert.equal((await enter()).refreshToken, undefined)
  const wanted = { clientId: account.clientId, secret, refreshToken: 'x' }
  await assert.rejects(issueClientToken(opened.engine, wanted), refused('GRANT_TYPE_UNSUPPORTED'))
})
