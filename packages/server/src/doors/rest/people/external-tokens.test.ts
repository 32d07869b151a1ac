import assert from 'node:assert/strict'
import { generateKeyPairSync } from 'node:crypto'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { isHoldfastError } from '@holdfast/core/errors.ts'
import { SignJWT } from 'jose'
import { parseSettings } from '../../../config/parse-settings.ts'
import { adminKey, refused, startServer, type TestServer } from '../../../started-server.test.ts'

const secret = 'the-secret-that-the-gateway-and-we-share'
const siteSecret = 'the-secret-of-the-site-gateway-51b8c2'
const rsa = generateKeyPairSync('rsa', { modulusLength: 2048 })
const curve = generateKeyPairSync('ec', { namedCurve: 'P-256' })
const dir = mkdtempSync(join(tmpdir(), 'holdfast-issuers-'))
let server: TestServer
let loads = 0
const idp = createServer((_, response) => {
  loads += 1
  response.end(JSON.stringify({ keys: [{ ...rsa.publicKey.export({ format: 'jwk' }), kid: 'k' }] }))
})

before(async () => {
  await new Promise<void>(resolve => idp.listen(0, '127.0.0.1', resolve))
  const address = idp.address()
  assert.ok(typeof address === 'object' && address !== null)
  const keys = { keys: [{ ...curve.publicKey.export({ format: 'jwk' }), kid: 'c' }] }
  writeFileSync(join(dir, 'jwks.json'), JSON.stringify(keys))
  const issuers = [
    {
      issuer: 'https://idp.example.org',
      audience: ['holdfast'],
      algorithm: 'RS256',
      jwks_url: `http://127.0.0.1:${address.port}/jwks`,
      maps: [{ claim: 'realm_access.roles', values: { archivists: ['USER', 'audit:view'] } }],
    },
    {
      issuer: 'https://curve.example.org',
      audience: 'holdfast',
      algorithm: 'ES256',
      jwks_file: join(dir, 'jwks.json'),
    },
    {
      issuer: 'gateway',
      audience: 'holdfast',
      algorithm: 'HS256',
      secret,
      claims: { subject: 'user_id', name: 'email' },
      always: ['USER'],
      buckets: ['holdfast'],
    },
    {
      issuer: 'site gateway',
      unnamed: true,
      algorithm: 'HS256',
      secret: siteSecret,
      claims: { subject: 'user_id', name: 'email' },
      always: ['assets:read', 'metadata:read'],
      buckets: ['holdfast'],
    },
  ]
  server = await startServer({ env: { STORAGE_EXTERNAL_ISSUERS: JSON.stringify(issuers) } })
  for (let n = 0; loads === 0 && n < 500; n += 1) await new Promise(r => setTimeout(r, 10))
})
after(async () => {
  await server[Symbol.asyncDispose]()
  idp.closeAllConnections()
  await new Promise(resolve => idp.close(resolve))
  rmSync(dir, { recursive: true })
})

async function token(iss: string, claims: object = {}): Promise<string> {
  const [alg, kid, key] =
    iss === 'gateway'
      ? (['HS256', undefined, new TextEncoder().encode(secret)] as const)
      : iss === 'https://curve.example.org'
        ? (['ES256', 'c', curve.privateKey] as const)
        : (['RS256', 'k', rsa.privateKey] as const)
  return await new SignJWT({ sub: 'kim', ...claims })
    .setProtectedHeader({ alg, ...(kid && { kid }) })
    .setIssuer(iss)
    .setAudience('holdfast')
    .setExpirationTime('5 min')
    .sign(key)
}

function by(bearer: string) {
  return { key: null, headers: { authorization: `Bearer ${bearer}` } }
}

test('subjects of every kind of issuer work with exactly what is mapped', async () => {
  const mapped = { realm_access: { roles: ['archivists', 'admin'] } }
  const kim = await token('https://idp.example.org', { preferred_username: 'Kim', ...mapped })
  const me = await server.ask('GET /api/v2/auth/me', by(kim))
  assert.deepEqual([me.json.kind, me.json.name], ['external', 'Kim'])
  assert.deepEqual(me.json.permissions, ['buckets:read', 'buckets:create', 'audit:view'])
  const path = '/api/v2/buckets/holdfast/assets/kim/note.txt'
  const made = await server.ask(`PUT ${path}`, { ...by(kim), body: 'a note' })
  assert.equal(made.status, 201, made.text)
  assert.equal(made.json.owner_id, me.json.id)
  // Twice, since the second answer goes the short way.
  for (let n = 0; n < 2; n += 1) {
    assert.equal((await server.ask(`GET ${path}`, by(kim))).text, 'a note')
  }
  const gateway = await token('gateway', { user_id: 'g-1', email: 'g@example.org' })
  assert.equal((await server.ask(`GET ${path}`, by(gateway))).status, 404)
  const nobody = await token('https://curve.example.org')
  assert.deepEqual((await server.ask('GET /api/v2/auth/me', by(nobody))).json.permissions, [])
  refused(await server.ask(`DELETE ${path}`, by(nobody)), 403, 'FORBIDDEN')
  refused(await server.ask('GET /api/v2/users', by(kim)), 403, 'FORBIDDEN')
  refused(await server.ask('POST /api/v2/auth/logout', by(kim)), 403, 'FORBIDDEN')
})

test('tokens of others are told to who asks, and nobody is recorded by that', async () => {
  const unseen = await token('https://idp.example.org', {
    sub: 'unseen',
    preferred_username: 'Una',
  })
  const validate = async (text: string, as: object = {}) =>
    (await server.ask('POST /api/v2/auth/validate', { ...as, json: { token: text } })).json
  const told = await validate(unseen)
  assert.deepEqual([told.active, told.kind, told.username], [true, 'external', 'Una'])
  assert.equal(told.iss, 'https://idp.example.org')
  const path = `GET /api/v2/users/${told.sub}`
  refused(await server.ask(path), 404, 'USER_NOT_FOUND')
  assert.deepEqual(await validate(`${unseen.slice(0, -6)}AAAAAA`), { active: false })
  assert.deepEqual(await validate(await token('https://unknown.example.org')), { active: false })
  assert.equal((await server.ask('GET /api/v2/auth/me', by(unseen))).json.id, told.sub)
  assert.equal((await validate(unseen, by(unseen))).active, true)
  const gateway = await token('gateway', { user_id: 'g-2', email: 'g2@example.org' })
  assert.deepEqual(await validate(gateway, by(unseen)), { active: false })
  const off = { json: { status: 'INACTIVE' } }
  assert.equal((await server.ask(`PUT /api/v2/users/${told.sub}`, off)).status, 200)
  assert.deepEqual(await validate(unseen), { active: false })
})

test('a refusal of a subject stands in the audit log, and is explained', async () => {
  const kim = await token('https://idp.example.org')
  const me = await server.ask('GET /api/v2/auth/me', by(kim))
  refused(await server.ask('GET /api/v2/keys', by(kim)), 403, 'FORBIDDEN')
  refused(
    await server.ask('GET /api/v2/keys', by(`${kim.slice(0, -6)}AAAAAA`)),
    401,
    'UNAUTHENTICATED',
  )
  await server.running.context.audit.flush()
  const rows = (await server.ask('GET /api/v2/audit?action=listKeys')).json.items
  const [byNobody, byKim] = rows
  assert.deepEqual(
    [byKim.actor, byKim.actor_kind, byKim.outcome],
    [me.json.id, 'external', 'refused'],
  )
  assert.deepEqual([byNobody.actor_kind, byNobody.code], ['anonymous', 'UNAUTHENTICATED'])
  const question = { principal_id: me.json.id, permission: 'keys:admin' }
  const why = await server.ask('POST /api/v2/access/explain', { json: question })
  assert.deepEqual([why.json.allowed, why.json.reason], [false, 'no scope grants it'])
  const listed = (await server.ask('GET /api/v2/users?search=kim')).json.items
  assert.ok(
    listed.some(({ id, source }: { id: string; source: string }) => {
      return id === me.json.id && source === 'token'
    }),
  )
})

test('a token of the site gateway, as it makes them, has what the settings name', async () => {
  const nowS = Math.floor(server.running.context.clock.now() / 1000)
  const sign = async (key: string, claims: object = {}) => {
    const times = { iat: nowS, nbf: nowS, exp: nowS + 900 }
    const named = { user_id: 'u-7', email: 'kim@example.org' }
    return await new SignJWT({ ...named, ...times, ...claims })
      .setProtectedHeader({ alg: 'HS256', typ: 'JWT' })
      .sign(Buffer.from(key))
  }
  const kim = by(await sign(siteSecret))
  const me = await server.ask('GET /api/v2/auth/me', kim)
  assert.equal(me.status, 200, me.text)
  assert.deepEqual([...me.json.permissions].sort(), ['assets:read', 'metadata:read'])
  refused(
    await server.ask('PUT /api/v2/buckets/holdfast/assets/s', { ...kim, body: 'x' }),
    403,
    'FORBIDDEN',
  )
  for (const bad of [
    await sign(secret),
    await sign(siteSecret, { iss: 'site gateway' }),
    await sign(siteSecret, { aud: 'deployer' }),
    await sign(siteSecret, { nbf: undefined }),
  ]) {
    refused(await server.ask('GET /api/v2/auth/me', by(bad)), 401, 'UNAUTHENTICATED')
  }
})

test('neither the shared secret nor a token is in the log or in an answer', async () => {
  const kim = await token('gateway', { user_id: 'quiet' })
  await server.ask('GET /api/v2/auth/me', by(kim))
  await server.ask('GET /api/v2/auth/me', by(`${kim}x`))
  const log = server.logLines.join('\n')
  for (const hidden of [secret, siteSecret, kim.slice(-30), adminKey])
    assert.ok(!log.includes(hidden))
})

test('issuers that would open the store are refused at the start', () => {
  const good = { issuer: 'a', audience: 'b', algorithm: 'RS256', jwks_url: 'https://a.example/j' }
  const shared = { algorithm: 'HS256', secret: 'x'.repeat(32) }
  const unnamed = { issuer: 'a', unnamed: true, ...shared }
  const bad: [object | string, RegExp][] = [
    ['{', /JSON list/],
    [{}, /JSON list/],
    [[{ ...good, audience: undefined }], /audience/],
    [[{ ...good, audience: [] }], /audience/],
    [[{ ...good, unnamed: true }], /needs an audience, or unnamed/],
    [[{ ...good, audience: undefined, unnamed: true }], /only HS256/],
    [[unnamed, { ...unnamed, issuer: 'b' }], /more than one/],
    [[{ ...unnamed, max_age_seconds: 86_401 }], /max_age/],
    [[{ ...good, algorithm: 'none' }], /algorithm/],
    [[{ ...good, algorithm: 'RS512' }], /algorithm/],
    [[{ ...good, algorithm: 'HS256' }], /HS256/],
    [[{ ...good, secret: 'x'.repeat(32), jwks_url: undefined }], /HS256/],
    [[{ ...good, secret: 'x'.repeat(32) }], /exactly one/],
    [[{ ...good, jwks_url: undefined }], /exactly one/],
    [[{ ...good, algorithm: 'HS256', secret: 'short', jwks_url: undefined }], /secret/],
    [[{ ...good, jwks_url: 'http://a.example/j' }], /https/],
    [[{ ...good, jwks_url: 'http://127.0.0.1.evil.example/j' }], /https/],
    [[{ ...good, jwks_url: 'file:///etc/passwd' }], /https/],
    [[{ ...good, jwks_url: 'https://user:pw@a.example/j' }], /user/],
    [[good, { ...good, audience: 'c' }], /twice/],
    [[{ ...good, issuer: 'holdfast' }], /TOKEN_ISSUER/],
    [[{ ...good, issuer: 'ldap' }], /directory/],
    [[{ ...good, issuer: 'openid https://idp.example.org' }], /directory/],
    [[{ ...good, roles: { x: ['ADMIN'] } }], /roles/],
    [[{ ...good, maps: [{ claim: 'roles', values: { x: ['ROOT'] } }] }], /ROOT/],
    [[{ ...good, maps: [{ claim: 'roles', values: { x: 'ADMIN' } }] }], /list of texts/],
    [[{ ...good, always: ['everything'] }], /everything/],
    [[{ ...good, buckets: ['No Bucket'] }], /No Bucket/],
  ]
  const parse = (value: object | string) => {
    const text = typeof value === 'string' ? value : JSON.stringify(value)
    return parseSettings({ env: { STORAGE_EXTERNAL_ISSUERS: text } })
  }
  assert.equal(parse([good]).settings.externalIssuers?.length, 1)
  assert.equal(parse([unnamed]).settings.externalIssuers?.[0]?.maxAgeSeconds, 900)
  for (const [value, reason] of bad) {
    const said = JSON.stringify(value)
    assert.throws(
      () => parse(value),
      error => {
        assert.ok(isHoldfastError(error) && error.code === 'SETTINGS_INVALID', said)
        const told = JSON.stringify(error.details)
        assert.match(told, reason, said)
        assert.ok(!told.includes('x'.repeat(32)), 'a secret is told')
        return true
      },
      said,
    )
  }
})

test('the list of the guide is one that the server takes', () => {
  const guide = readFileSync(new URL('../../../../../../docs/issuers.md', import.meta.url), 'utf8')
  const list = /```json\n(.*?)```/s.exec(guide)?.[1] ?? ''
  const { settings } = parseSettings({ env: { STORAGE_EXTERNAL_ISSUERS: list } })
  assert.equal(settings.externalIssuers?.length, 3)
})
