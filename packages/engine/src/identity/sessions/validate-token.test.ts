import assert from 'node:assert/strict'
import { test } from 'node:test'
import { toBase64Url } from '../../base64url.ts'
import { callOf, openTestStore, refused, type TestStore } from '../../test-store.test.ts'
import { createAccount } from '../accounts/accounts.ts'
import { issueClientToken } from '../accounts/client-token.ts'
import type { Issuer } from '../outside/issuers/issuer.ts'
import { createUser, removeUser, updateUser } from '../users/users.ts'
import { authenticateToken } from './authenticate-token.ts'
import { login, logout, refresh } from './login.ts'
import { listSessions } from './sessions.ts'
import { validateToken } from './validate-token.ts'

const password = 'Correct-Horse-7-Battery'
const origin = { ip: '', agent: '' }

async function enter({ engine, call }: TestStore, username: string) {
  const known = await engine.catalog.view.identities.byName('user', username)
  const input = { username, password, roles: ['USER'], mustChangePassword: false }
  const user = known ?? (await createUser(engine, call, input))
  const { tokens } = await login(engine, { name: username, password }, origin)
  const principal = await authenticateToken(engine, tokens.accessToken)
  return { user, ...tokens, call: { ...call, principal } }
}

test('owners and administrators are told of a token, nobody else, and never why not', async () => {
  await using opened = await openTestStore()
  const { engine, call, clock } = opened
  const [ann, bob] = [await enter(opened, 'ann'), await enter(opened, 'bob')]
  const key = callOf({ ...call.principal, kind: 'api_key', permissions: ['assets:read'] })
  for (const who of [ann.call, call]) {
    const access = await validateToken(engine, who, ann.accessToken)
    assert.deepEqual([access?.use, access?.kind, access?.name], ['access', 'user', 'ann'])
    assert.deepEqual([access?.subject, access?.issuer], [ann.user.id, 'holdfast'])
    assert.match(access?.scope ?? '', /assets:write/)
    assert.doesNotMatch(access?.scope ?? '', /admin:users/)
    const next = await validateToken(engine, who, ann.refreshToken)
    assert.deepEqual([next?.use, next?.subject, next?.scope], ['refresh', ann.user.id, undefined])
    assert.ok((next?.expiresMs ?? 0) > (access?.expiresMs ?? 0))
  }
  for (const who of [bob.call, key]) {
    assert.equal(await validateToken(engine, who, ann.accessToken), undefined)
    assert.equal(await validateToken(engine, who, ann.refreshToken), undefined)
  }
  const forged = `${ann.accessToken.slice(0, -6)}AAAAAA`
  for (const none of [forged, 'hf_a-key-of-somebody-0123456789', 'eyJ.e30.x', 'x', '']) {
    assert.equal(await validateToken(engine, call, none), undefined, none)
  }
  await clock.advance(31 * 60_000)
  assert.equal(await validateToken(engine, call, ann.accessToken), undefined, 'expired')
  assert.notEqual(await validateToken(engine, call, ann.refreshToken), undefined)
  await clock.advance(8 * 24 * 3_600_000)
  assert.equal(await validateToken(engine, call, ann.refreshToken), undefined, 'expired')
})

test('what ended with session, user or rotation is not good, and asking ends nothing', async () => {
  await using opened = await openTestStore()
  const { engine, call, clock } = opened
  const ann = await enter(opened, 'ann')
  const before = await listSessions(engine, call, ann.user.id)
  await clock.advance(60_000)
  await validateToken(engine, call, ann.accessToken)
  assert.deepEqual(await listSessions(engine, call, ann.user.id), before, 'not used by a question')
  const { tokens } = await refresh(engine, ann.refreshToken, origin)
  assert.equal(await validateToken(engine, call, ann.refreshToken), undefined, 'traded')
  assert.notEqual(await validateToken(engine, call, tokens.refreshToken), undefined)
  await logout(engine, ann.call)
  assert.equal(await validateToken(engine, call, tokens.accessToken), undefined)
  assert.equal(await validateToken(engine, call, tokens.refreshToken), undefined)
  const closed = await enter(opened, 'ann')
  await updateUser(engine, call, { id: ann.user.id, patch: { status: 'INACTIVE' } })
  assert.equal(await validateToken(engine, call, closed.accessToken), undefined)
  const bob = await enter(opened, 'bob')
  for (let guess = 0; guess < 5; guess += 1) {
    const wrong = login(engine, { name: 'bob', password: 'wrong' }, origin)
    await assert.rejects(wrong, refused('UNAUTHENTICATED'))
  }
  assert.equal(await validateToken(engine, call, bob.accessToken), undefined, 'locked')
  assert.equal(await validateToken(engine, call, bob.refreshToken), undefined, 'locked')
  await removeUser(engine, call, bob.user.id)
  assert.equal(await validateToken(engine, call, bob.refreshToken), undefined)
})

test('tokens of programs are told by their client, narrowed to their scope', async () => {
  await using opened = await openTestStore({ identity: { accountRefresh: true } })
  const { engine, call, clock } = opened
  const input = { name: 'crawler', permissions: ['assets:read', 'buckets:read'] }
  const { account, secret } = await createAccount(engine, call, input)
  const credentials = { clientId: account.clientId, secret }
  const { accessToken, refreshToken = '' } = await issueClientToken(engine, {
    ...credentials,
    scope: 'assets:read',
  })
  const own = { ...call, principal: await authenticateToken(engine, accessToken) }
  const access = await validateToken(engine, own, accessToken)
  assert.deepEqual(
    [access?.kind, access?.name, access?.scope],
    ['service_account', account.clientId, 'assets:read'],
  )
  const next = await validateToken(engine, own, refreshToken)
  assert.deepEqual([next?.use, next?.name], ['refresh', account.clientId])
  await issueClientToken(engine, { ...credentials, refreshToken })
  assert.equal(await validateToken(engine, own, refreshToken), undefined, 'traded')
  await clock.advance(91 * 24 * 3_600_000)
  assert.equal(await validateToken(engine, call, accessToken), undefined)
})

test('a token whose issuer has no keys yet is answered like any that is not good', async () => {
  const issuer: Issuer = {
    ...{ issuer: 'https://away.example', audiences: ['holdfast'], algorithm: 'RS256' },
    keys: { place: 'away', load: async () => await Promise.reject(new Error('away')) },
    ...{ refreshSeconds: 300, skewSeconds: 0, maxAgeSeconds: undefined, tokenType: undefined },
    claims: { subject: ['sub'], name: ['name'], email: ['email'] },
    ...{ maps: [], buckets: null, always: { roles: [], permissions: [], groups: [] } },
  }
  await using opened = await openTestStore({ outside: { issuers: [issuer] } })
  const head = toBase64Url(Buffer.from('{"alg":"RS256","kid":"k"}'))
  const claims = '{"iss":"https://away.example","aud":"holdfast","sub":"x","exp":9999999999}'
  const token = `${head}.${toBase64Url(Buffer.from(claims))}.${'A'.repeat(342)}`
  const used = async () => await authenticateToken(opened.engine, token)
  await assert.rejects(used, refused('IDENTITY_UNAVAILABLE'))
  assert.equal(await validateToken(opened.engine, opened.call, token), undefined)
})
