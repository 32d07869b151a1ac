import assert from 'node:assert/strict'
import { createHmac, createPublicKey, generateKeyPairSync, sign } from 'node:crypto'
import { test } from 'node:test'
import { calculateJwkThumbprint, type JWTPayload, SignJWT } from 'jose'
import { commit } from '../../commit.ts'
import { systemCall } from '../../engine.ts'
import { callOf, openTestStore, refused, type TestStore } from '../../test-store.test.ts'
import { createUser } from '../users/users.ts'
import { authenticateToken } from './authenticate-token.ts'
import { login, refresh } from './login.ts'
import { publicKeys, rotateSigningKey } from './signing-keys.ts'
import { checkToken, type TokenPair } from './tokens.ts'

const origin = { ip: '127.0.0.1', agent: 'tests' }
const password = 'Correct-Horse-7-Battery'

async function loggedIn(opened: TestStore): Promise<TokenPair> {
  const input = { username: 'ann', password, mustChangePassword: false }
  await createUser(opened.engine, opened.call, input)
  return await again(opened)
}

async function again({ engine }: TestStore): Promise<TokenPair> {
  return (await login(engine, { name: 'ann', password }, { ip: '', agent: '' })).tokens
}

const code = (value: object | string) =>
  Buffer.from(typeof value === 'string' ? value : JSON.stringify(value)).toString('base64url')
const parts = (token: string) => {
  const [header = '', payload = '', signature = ''] = token.split('.')
  const read = (text: string) => JSON.parse(Buffer.from(text, 'base64url').toString())
  return { header: read(header), payload: read(payload), body: payload, signature }
}

test('a key before is taken until the overlap ends, and longer to refresh', async () => {
  const identity = { overlapSeconds: 60, accessSeconds: 3600 }
  await using opened = await openTestStore({ identity })
  const { engine, call, clock } = opened
  const { accessToken, refreshToken } = await loggedIn(opened)
  await rotateSigningKey(engine, call)
  clock.jump(59_000)
  await checkToken(engine, accessToken, 'access')
  clock.jump(1_000)
  await assert.rejects(checkToken(engine, accessToken, 'access'), refused('UNAUTHENTICATED'))
  await refresh(engine, refreshToken, origin)
})

test('no forged token is taken', async () => {
  await using opened = await openTestStore()
  const { engine } = opened
  const { accessToken, refreshToken } = await loggedIn(opened)
  const { header, payload, signature } = parts(accessToken)
  const [jwk] = await publicKeys(engine)
  assert.ok(jwk !== undefined)
  const pem = createPublicKey({ key: { ...jwk }, format: 'jwk' })
  const pems = (['spki', 'pkcs1'] as const).map(type => pem.export({ type, format: 'pem' }))
  const foreign = generateKeyPairSync('rsa', { modulusLength: 2048 })
  const foreignJwk = foreign.publicKey.export({ format: 'jwk' })
  const signed = (head: object, body: object, key = foreign.privateKey) => {
    const text = `${code(head)}.${code(body)}`
    return `${text}.${sign('sha256', Buffer.from(text), key).toString('base64url')}`
  }
  const hmac = (head: object, secret: string | Buffer) => {
    const text = `${code(head)}.${code(payload)}`
    return `${text}.${createHmac('sha256', secret).update(text).digest('base64url')}`
  }
  const forged: Record<string, string> = { refresh: refreshToken }
  for (const alg of ['none', 'NONE', 'nOnE', '', 'RS384', 'RS512', 'PS256', 'ES256', 'HS512']) {
    forged[`alg ${alg}, no signature`] = `${code({ ...header, alg })}.${code(payload)}.`
    forged[`alg ${alg}, old signature`] =
      `${code({ ...header, alg })}.${code(payload)}.${signature}`
  }
  for (const secret of [...pems, JSON.stringify(jwk), jwk.n, '', String(jwk.kid)]) {
    forged[`HS256 with ${String(secret).slice(0, 30)}`] = hmac({ ...header, alg: 'HS256' }, secret)
  }
  const kids = [
    '../../dev/null',
    '/etc/passwd',
    "' OR 1=1 --",
    "x' UNION SELECT record FROM identities --",
    'http://127.0.0.1:1/jwks',
    '',
    '__proto__',
    'constructor',
    await calculateJwkThumbprint({ ...foreignJwk, kty: 'RSA' }),
    jwk.kid,
  ]
  for (const kid of kids) forged[`kid ${kid}`] = signed({ ...header, kid }, payload)
  for (const more of [
    { jwk: foreignJwk },
    { jku: 'http://127.0.0.1:1/jwks' },
    { x5u: 'http://127.0.0.1:1/x' },
    { x5c: ['AAAA'] },
    { crit: ['b64'], b64: false },
    { zip: 'DEF' },
  ]) {
    forged[`header ${Object.keys(more)[0]}`] = signed({ ...header, ...more }, payload)
  }
  for (const claim of ['roles', 'sub', 'exp', 'iss', 'aud', 'sid', 'type']) {
    const changed = { ...payload, [claim]: claim === 'exp' ? 4102444800 : ['ADMIN'] }
    forged[`${claim} changed`] = `${code(header)}.${code(changed)}.${signature}`
  }
  forged['no kid'] = signed({ alg: 'RS256', typ: 'at+jwt' }, payload)
  forged['header of 64 kB'] = signed({ ...header, x: 'x'.repeat(65_536) }, payload)
  forged['two signatures'] = `${accessToken}.${signature}`
  forged['half a signature'] = accessToken.slice(0, -4)
  forged['last bit'] = accessToken.slice(0, -2) + (accessToken.endsWith('A') ? 'AQ' : 'AA')
  forged['not JSON'] = `${code('{')}.${code('[]')}.${signature}`
  for (const [what, token] of Object.entries(forged)) {
    await assert.rejects(
      async () => await authenticateToken(engine, token),
      refused('UNAUTHENTICATED'),
      what,
    )
    if (what !== 'refresh') {
      await assert.rejects(refresh(engine, token, origin), refused('UNAUTHENTICATED'), what)
    }
  }
  assert.equal((await authenticateToken(engine, accessToken)).name, 'ann')
})

test('an access token never refreshes', async () => {
  await using opened = await openTestStore()
  const { accessToken } = await loggedIn(opened)
  await assert.rejects(refresh(opened.engine, accessToken, origin), refused('UNAUTHENTICATED'))
})

test('tokens are good for their time, not longer and not before', async () => {
  await using opened = await openTestStore()
  const { engine, clock } = opened
  const { accessToken, refreshToken } = await loggedIn(opened)
  const act = async () => await authenticateToken(engine, accessToken)
  clock.jump(1799_000)
  await act()
  clock.jump(2_000)
  await assert.rejects(act, refused('CREDENTIAL_EXPIRED'))
  clock.jump(-86_400_000)
  await assert.rejects(act, refused('UNAUTHENTICATED'))
  clock.jump(86_400_000 + 7 * 86_400_000)
  await assert.rejects(refresh(engine, refreshToken, origin), refused('CREDENTIAL_EXPIRED'))
})

test('tokens of another issuer or another store are not ours', async () => {
  await using one = await openTestStore()
  await using other = await openTestStore()
  await using renamed = await openTestStore({ identity: { issuer: 'elsewhere' } })
  await loggedIn(one)
  for (const store of [other, renamed]) {
    const { accessToken } = await loggedIn(store)
    await assert.rejects(async () => await authenticateToken(one.engine, accessToken))
  }
})

test('what our own key signed for another place or by another name is not taken', async () => {
  let opened = await openTestStore()
  const { accessToken, refreshToken } = await loggedIn(opened)
  const { engine } = opened
  const { key, kid } = await engine.identity.ring.signer()
  const sealed = async (token: string, claims: JWTPayload) => {
    const { header, payload } = parts(token)
    const body = { ...payload, ...claims }
    return await new SignJWT(body).setProtectedHeader({ ...header, kid }).sign(key)
  }
  await checkToken(engine, await sealed(accessToken, {}), 'access')
  for (const claims of [{ aud: 'elsewhere' }, { iss: 'elsewhere' }]) {
    for (const [token, use] of [
      [accessToken, 'access'],
      [refreshToken, 'refresh'],
    ] as const) {
      const other = checkToken(engine, await sealed(token, claims), use)
      await assert.rejects(other, refused('UNAUTHENTICATED'), JSON.stringify(claims))
    }
  }
  opened = await opened.reopen(undefined, { identity: { issuer: 'elsewhere' } })
  await assert.rejects(refresh(opened.engine, refreshToken, origin), refused('UNAUTHENTICATED'))
  await opened[Symbol.asyncDispose]()
})

test('a key rotates without a restart, and tokens of the key before stay good', async () => {
  await using opened = await openTestStore()
  const { engine, clock, call } = opened
  const first = await loggedIn(opened)
  const kidOf = (token: string) => parts(token).header.kid
  await rotateSigningKey(engine, call)
  const second = await again(opened)
  assert.notEqual(kidOf(first.accessToken), kidOf(second.accessToken))
  await authenticateToken(engine, first.accessToken)
  assert.equal((await publicKeys(engine)).length, 2)
  clock.jump(24 * 3_600_000)
  const third = await again(opened)
  assert.notEqual(kidOf(third.accessToken), kidOf(second.accessToken))
  // The refresh token of the first key outlives the key's time in the JWKS.
  clock.jump(2 * 3_600_000)
  assert.equal((await publicKeys(engine)).length, 2)
  await refresh(engine, first.refreshToken, origin)
  const outsider = callOf({ permissions: ['keys:admin'] })
  await assert.rejects(rotateSigningKey(engine, outsider), refused('FORBIDDEN'))
})

test('keys made by request are bounded, those of the interval are not', async () => {
  await using opened = await openTestStore({ identity: { askedKeysMax: 2 } })
  const { engine, clock } = opened
  const boss = callOf({ id: 'boss', permissions: ['*'] })
  await loggedIn(opened)
  await rotateSigningKey(engine, boss)
  clock.jump(3_600_000)
  await rotateSigningKey(engine, boss)
  const details = { limit: 2, retry_after: 25 * 3600 }
  await assert.rejects(rotateSigningKey(engine, boss), refused('TOO_MANY_REQUESTS', details))
  assert.equal((await publicKeys(engine)).length, 3)
  clock.jump(24 * 3_600_000)
  await again(opened)
  await assert.rejects(rotateSigningKey(engine, boss), refused('TOO_MANY_REQUESTS'))
  clock.jump(3_600_000)
  await rotateSigningKey(engine, boss)
})

test('a key that leaked is distrusted at once, with all that its tokens held open', async () => {
  await using opened = await openTestStore({ identity: { askedKeysMax: 1 } })
  const { engine, call, clock } = opened
  const boss = callOf({ id: 'boss', permissions: ['*'] })
  const old = await loggedIn(opened)
  await rotateSigningKey(engine, boss)
  const { accessToken, refreshToken } = await again(opened)
  for (const token of [old.accessToken, accessToken]) await authenticateToken(engine, token)
  const weak = callOf({ permissions: ['admin:users'] })
  const distrust = { distrustFormer: true }
  await assert.rejects(rotateSigningKey(engine, weak, distrust), refused('FORBIDDEN'))
  await authenticateToken(engine, accessToken)
  // However many were asked for before: they are all gone.
  const keys = await rotateSigningKey(engine, boss, distrust)
  assert.equal(keys.length, 1)
  assert.equal((await publicKeys(engine)).length, 1)
  for (const token of [old.accessToken, accessToken]) {
    const taken = async () => await authenticateToken(engine, token)
    await assert.rejects(taken, refused('UNAUTHENTICATED'))
    await assert.rejects(checkToken(engine, token, 'access'), refused('UNAUTHENTICATED'))
  }
  await assert.rejects(refresh(engine, refreshToken, origin), refused('UNAUTHENTICATED'))
  const sessions = await engine.catalog.view.identities.list({ kind: 'session', limit: 9 })
  assert.deepEqual(sessions, [])
  await authenticateToken(engine, (await again(opened)).accessToken)
  // Nor does the key that is being made in its time keep those of before.
  clock.jump(25 * 3_600_000)
  const [late] = await Promise.all([again(opened), rotateSigningKey(engine, call, distrust)])
  const left = await engine.identity.ring.list()
  assert.ok(
    left.every(key => key.createdAt > (keys[0]?.createdAt ?? '~')),
    String(late),
  )
  const reopened = await opened.reopen('rebuild')
  await using _ = reopened
  const taken = async () => await authenticateToken(reopened.engine, accessToken)
  await assert.rejects(taken, refused('UNAUTHENTICATED'))
})

test('one key signs and is published, also where more than a thousand are kept', async () => {
  await using opened = await openTestStore()
  const { engine, clock } = opened
  const add = (n: number) => {
    const signsUntil = new Date(clock.now() + 3_600_000).toISOString()
    const made = { kid: `k${n}`, publicJwk: { kid: `k${n}` }, sealedPrivate: '', signsUntil }
    const life = { overlapMs: 3_600_000, refreshMs: 90 * 86_400_000 }
    const args = { ...made, ...life, former: 'keep' as const }
    return commit(engine, systemCall('test'), { name: 'signing.add', args })
  }
  await Promise.all(Array.from({ length: 1001 }, (_, n) => add(n)))
  // Ids of one moment have no order.
  clock.jump(1000)
  // The last one cannot be opened, so another is made once.
  const kids = [await loggedIn(opened), await again(opened)].map(({ accessToken }) => {
    return parts(accessToken).header.kid
  })
  assert.equal(kids[0], kids[1])
  assert.ok((await publicKeys(engine)).some(({ kid }) => kid === kids[0]))
})

test('the private keys do not lie open in the catalog', async () => {
  await using opened = await openTestStore()
  await loggedIn(opened)
  const [key] = await opened.engine.identity.ring.list()
  assert.ok(key !== undefined)
  assert.doesNotMatch(JSON.stringify(key), /"d":|"p":|PRIVATE/)
})
