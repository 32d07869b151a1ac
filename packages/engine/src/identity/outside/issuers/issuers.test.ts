import assert from 'node:assert/strict'
import { createHmac, generateKeyPairSync, sign } from 'node:crypto'
import { test } from 'node:test'
import type { Principal } from '@holdfast/core/principal.ts'
import { CompactSign } from 'jose'
import { decide } from '../../../access/decide.ts'
import { explainAccess } from '../../../access/explain.ts'
import { presignDownload } from '../../../access/links/presign.ts'
import { principalNow } from '../../../access/rights-now.ts'
import { getAsset } from '../../../assets/get.ts'
import type { Engine } from '../../../engine.ts'
import {
  callOf,
  openTestStore,
  put,
  refused,
  refusedWith,
  type TestStore,
} from '../../../test-store.test.ts'
import { addGrant, createGroup, removeGrant } from '../../groups/groups.ts'
import { authenticateToken } from '../../sessions/authenticate-token.ts'
import { login } from '../../sessions/login.ts'
import { validateToken } from '../../sessions/validate-token.ts'
import { createUser, removeUser, resetPassword, updateUser } from '../../users/users.ts'
import { standingOf } from '../mapping.ts'
import { subjectId } from '../subject-id.ts'
import type { Issuer } from './issuer.ts'
import { IssuerKeys } from './issuer-keys.ts'
import { mappingOf, nowS, secretIssuer, testIssuer } from './test-issuer.test.ts'

const none = new AbortController().signal

async function storeWith(...issuers: readonly { readonly issuer: Issuer }[]): Promise<TestStore> {
  const opened = await openTestStore({ outside: { issuers: issuers.map(one => one.issuer) } })
  await loadAll(opened.engine, issuers)
  return opened
}

async function loadAll({ identity }: Engine, issuers: readonly { readonly issuer: Issuer }[]) {
  for (const { issuer } of issuers) {
    const keys = identity.issuers.get(issuer.issuer)?.keys
    if (keys instanceof IssuerKeys) assert.equal(await keys.load(none), true)
  }
}

async function enter({ engine }: TestStore, token: string): Promise<Principal> {
  return await authenticateToken(engine, token)
}

const withRole = { realm_access: { roles: ['storage-user', 'unknown'] } }

test('a token of a configured issuer acts with the roles of its map alone', async () => {
  const idp = testIssuer('https://idp.example.org')
  await using opened = await storeWith(idp)
  const principal = await enter(opened, await idp.sign(withRole))
  assert.deepEqual([principal.kind, principal.name], ['external', 'u-1'])
  assert.equal(principal.id, subjectId('https://idp.example.org', 'u-1'))
  assert.deepEqual(principal.permissions, ['buckets:read', 'buckets:create'])
  assert.ok(principal.ownPermissions?.includes('assets:write'))
  // It owns what it puts, and sees no more than that.
  const call = callOf(principal)
  const own = await put({ engine: opened.engine, call }, 'mine.txt', 'x', { ownerId: principal.id })
  await put(opened, 'theirs.txt', 'y')
  await getAsset(opened.engine, call, own.asset.id)
  const nothing = await enter(opened, await idp.sign({ sub: 'u-2' }))
  assert.deepEqual([nothing.permissions, nothing.ownPermissions], [[], []])
  await refusedWith(getAsset(opened.engine, callOf(nothing), own.asset.id), 'FORBIDDEN')
})

test('who came with a token is the same when asked for again, but for what is gone', async () => {
  const idp = testIssuer('https://idp.example.org')
  await using opened = await storeWith(idp)
  const { engine, call } = opened
  const token = await idp.sign(withRole)
  const bare = await enter(opened, token)
  // What is found for somebody is found anew where anything of it differs.
  assert.deepStrictEqual(await principalNow(engine, bare), bare)
  const grant = { bucket: 'photos', prefix: 'a/', permissions: ['assets:read'] } as const
  const added = await addGrant(engine, call, { principalId: bare.id, ...grant })
  assert.deepStrictEqual(await principalNow(engine, bare), bare)
  const granted = await enter(opened, token)
  assert.equal(granted.grants?.length, 1)
  assert.deepStrictEqual(await principalNow(engine, granted), granted)
  await removeGrant(engine, call, added.id)
  assert.deepEqual((await principalNow(engine, granted)).grants ?? [], [])
})

test('no claim of a wrong shape gives anything', async () => {
  const idp = testIssuer('https://idp.example.org')
  await using opened = await storeWith(idp)
  const shapes: unknown[] = [
    'storage-user',
    { roles: { 'storage-user': true } },
    { roles: 'xstorage-user' },
    { roles: [['storage-user']] },
    { roles: [{ name: 'storage-user' }] },
    { roles: ['STORAGE-USER', ' storage-user', 'ADMIN', '*', 'constructor', '__proto__'] },
    ['storage-user'],
    null,
    7,
  ]
  for (const [index, realm_access] of shapes.entries()) {
    const token = await idp.sign({ sub: `s-${index}`, realm_access })
    const principal = await enter(opened, token)
    const rights = [principal.permissions, principal.ownPermissions]
    assert.deepEqual(rights, [[], []], JSON.stringify(realm_access))
  }
  const inherited = JSON.parse('{"__proto__":{"realm_access":{"roles":["storage-user"]}}}')
  assert.deepEqual((await enter(opened, await idp.sign({ ...inherited }))).permissions, [])
  const words = await idp.sign({ sub: 'w', realm_access: { roles: 'other storage-user' } })
  assert.deepEqual((await enter(opened, words)).permissions, ['buckets:read', 'buckets:create'])
})

test('half a character names nobody, and no end of a token is beyond all time', async () => {
  const idp = testIssuer('https://idp.example.org')
  await using opened = await storeWith(idp)
  // As bytes both are U+FFFD, and so one id.
  for (const sub of ['\ud800', 'u\udfff1', 'x'.repeat(256)]) {
    await assert.rejects(enter(opened, await idp.sign({ sub })), refused('UNAUTHENTICATED'))
  }
  await enter(opened, await idp.sign({ sub: '\ufffd' }))
  for (const exp of [1e15, 1.7e308]) {
    const token = await idp.sign({ sub: 'u-9', exp })
    await enter(opened, token)
    const told = await validateToken(opened.engine, opened.call, token)
    assert.equal(told?.expiresMs, 8.64e15)
  }
  const { 1: claims = '' } = (await idp.sign()).split('.')
  const text = Buffer.from(claims, 'base64url').toString()
  for (const time of ['"iat":-1e400', '"exp":1e400', '"nbf":-1e400']) {
    const [name] = time.split(':')
    const other = new RegExp(`${name}:[^,}]*`)
    const told = other.test(text) ? text.replace(other, time) : text.replace('{', `{${time},`)
    const token = await new CompactSign(Buffer.from(told))
      .setProtectedHeader({ alg: 'RS256' })
      .sign(idp.privateKey)
    await assert.rejects(enter(opened, token), refused('UNAUTHENTICATED'), told)
    const looked = validateToken(opened.engine, opened.call, token)
    assert.equal(await looked, undefined, told)
  }
})

test('scopes, groups, names with dots and common rights are mapped as configured', async () => {
  const gateway = secretIssuer('gateway', 'a-shared-secret-of-at-least-32-bytes', {
    claims: { subject: ['user_id'], name: ['user_id'], email: ['email'] },
    maps: [
      {
        claim: ['scope'],
        mapping: mappingOf({ 'storage:read': ['assets:read', 'metadata:read'] }),
      },
      { claim: ['https://example.org/teams'], mapping: mappingOf({ blue: ['group:Blue Team'] }) },
    ],
    always: standingOf(['READONLY']),
    buckets: ['photos'],
  })
  await using opened = await storeWith(gateway)
  const { engine, call } = opened
  const group = await createGroup(engine, call, { name: 'Blue Team' })
  const token = await gateway.sign({
    ...{ sub: undefined, user_id: 42, email: 'Kim@Example.org' },
    ...{ scope: 'openid storage:read storage:admin', 'https://example.org/teams': ['blue', 'red'] },
  })
  const kim = await enter(opened, token)
  assert.deepEqual(kim.permissions, ['buckets:read', 'assets:read', 'metadata:read'])
  assert.deepEqual([kim.groups, kim.buckets, kim.name], [[group.id], ['photos'], '42'])
  const record = await engine.catalog.view.identities.byId('user', kim.id)
  assert.deepEqual([record?.source, record?.email], ['token', 'Kim@Example.org'])
  assert.deepEqual([record?.outside?.issuer, record?.outside?.subject], ['gateway', '42'])
})

test('grants and access lists of this store count for a subject, and are explained', async () => {
  const idp = testIssuer('https://idp.example.org', {}, 'ES256')
  await using opened = await storeWith(idp)
  const { engine, call } = opened
  const { id } = await enter(opened, await idp.sign())
  await addGrant(engine, call, {
    ...{ principalId: id, bucket: 'photos', prefix: 'team/' },
    permissions: ['assets:read'],
  })
  const granted = await put(opened, 'team/a.txt', 'a')
  const listed = await put(opened, 'listed.txt', 'b', { acl: { read: [id], write: [] } })
  const closed = await put(opened, 'closed.txt', 'c')
  const subject = callOf(await enter(opened, await idp.sign({ jti: '2' })))
  await getAsset(engine, subject, granted.asset.id)
  await getAsset(engine, subject, listed.asset.id)
  await refusedWith(getAsset(engine, subject, closed.asset.id), 'ASSET_NOT_FOUND')
  const question = { principalId: id, permission: 'assets:read' } as const
  const why = async (assetId: string) => await explainAccess(engine, call, { ...question, assetId })
  assert.equal((await why(granted.asset.id)).reason, 'granted for photos/team/')
  assert.equal((await why(listed.asset.id)).reason, 'named in the access list of the asset')
  assert.equal((await why(closed.asset.id)).allowed, false)
})

test('no forged, foreign or misdirected token is taken', async () => {
  const idp = testIssuer('https://idp.example.org')
  const other = testIssuer('https://other.example.org', {
    maps: [{ claim: ['realm_access', 'roles'], mapping: mappingOf({ 'storage-user': ['ADMIN'] }) }],
  })
  const curve = testIssuer('https://curve.example.org', {}, 'ES256')
  const gateway = secretIssuer('gateway', 'a-shared-secret-of-at-least-32-bytes')
  await using opened = await storeWith(idp, other, curve, gateway)
  const good = await idp.sign(withRole)
  const [head = '', body = '', signature = ''] = good.split('.')
  const code = (value: object) => Buffer.from(JSON.stringify(value)).toString('base64url')
  const payload = JSON.parse(Buffer.from(body, 'base64url').toString())
  const header = JSON.parse(Buffer.from(head, 'base64url').toString())
  const stranger = generateKeyPairSync('rsa', { modulusLength: 2048 })
  const byStranger = (given: object, claims: object = payload) => {
    const text = `${code(given)}.${code(claims)}`
    return `${text}.${sign('sha256', Buffer.from(text), stranger.privateKey).toString('base64url')}`
  }
  const hmac = (given: object, secret: string | Buffer, claims: object = payload) => {
    const text = `${code(given)}.${code(claims)}`
    return `${text}.${createHmac('sha256', secret).update(text).digest('base64url')}`
  }
  const strangerJwk = { ...stranger.publicKey.export({ format: 'jwk' }), kid: header.kid }
  const forged: Record<string, string> = {}
  for (const alg of ['none', 'None', '', 'RS384', 'PS256', 'ES256', 'HS256', 'EdDSA']) {
    forged[`alg ${alg}, no signature`] = `${code({ ...header, alg })}.${body}.`
    forged[`alg ${alg}, old signature`] = `${code({ ...header, alg })}.${body}.${signature}`
  }
  const pem = idp.publicKey.export({ type: 'spki', format: 'pem' })
  const der = idp.publicKey.export({ type: 'spki', format: 'der' })
  for (const secret of [pem, der, JSON.stringify(idp.jwk), String(idp.jwk.n), '']) {
    forged[`HS256 with ${String(secret).slice(0, 20)}`] = hmac({ ...header, alg: 'HS256' }, secret)
  }
  for (const kid of [
    '../../../../dev/null',
    '/proc/self/environ',
    "' OR 1=1 --",
    "x' UNION SELECT 'a",
    'https://evil.example/jwks.json',
    '__proto__',
    'constructor',
    '',
    header.kid,
    other.jwk.kid,
  ]) {
    forged[`kid ${kid}`] = byStranger({ ...header, kid })
  }
  for (const more of [
    { jwk: strangerJwk },
    { jku: 'http://127.0.0.1:1/jwks' },
    { x5u: 'http://127.0.0.1:1/x' },
    { x5c: ['AAAA'] },
    { crit: ['b64'], b64: false },
    { crit: ['exp'] },
  ]) {
    forged[`header ${Object.keys(more)[0]}`] = byStranger({ ...header, ...more })
  }
  for (const [claim, value] of Object.entries({
    sub: 'admin',
    exp: nowS + 99_999,
    aud: 'x',
    realm_access: { roles: ['storage-user', 'x'] },
  })) {
    forged[`${claim} changed`] = `${head}.${code({ ...payload, [claim]: value })}.${signature}`
  }
  forged['no audience'] = await idp.sign({ aud: undefined })
  forged['another audience'] = await idp.sign({ aud: 'holdfast2' })
  forged['audience as a part of one'] = await idp.sign({ aud: ['hold', 'xholdfast'] })
  forged['no expiry'] = await idp.sign({ exp: undefined })
  forged['expiry as text'] = byText({ exp: String(nowS + 600) })
  forged['not yet valid'] = await idp.sign({ nbf: nowS + 31 })
  forged['no subject'] = await idp.sign({ sub: undefined })
  forged['empty subject'] = await idp.sign({ sub: '' })
  forged['subject as a list'] = byText({ sub: ['u-1'] })
  forged['long subject'] = await idp.sign({ sub: 'x'.repeat(256) })
  forged['unknown issuer'] = await idp.sign({ iss: 'https://evil.example.org' })
  forged['issuer with a slash'] = await idp.sign({ iss: 'https://idp.example.org/' })
  forged['issuer in other case'] = await idp.sign({ iss: 'https://IDP.example.org' })
  forged['no issuer'] = await idp.sign({ iss: undefined })
  forged['signed by one issuer in the name of another'] = await idp.sign({
    ...withRole,
    iss: other.issuer.issuer,
  })
  forged['the same, with the other key id'] = await idp.sign(
    { ...withRole, iss: other.issuer.issuer },
    { kid: other.jwk.kid },
  )
  forged['shared secret in the name of an RSA issuer'] = await gateway.sign({
    iss: idp.issuer.issuer,
  })
  forged['RSA in the name of the shared secret'] = await idp.sign({ iss: 'gateway' })
  forged['in the name of this store'] = await idp.sign(
    {
      ...{ iss: 'holdfast', type: 'access', sid: 'x', jti: 'y', nbf: nowS },
    },
    { typ: 'at+jwt' },
  )
  forged['P1363 signature cut'] = (await curve.sign()).slice(0, -8)
  forged['zero signature (CVE-2022-21449)'] = `${(await curve.sign())
    .split('.')
    .slice(0, 2)
    .join('.')}.${Buffer.alloc(64).toString('base64url')}`
  forged['DER signature'] = derSigned()
  for (const [what, token] of Object.entries(forged)) {
    await assert.rejects(enter(opened, token), refused('UNAUTHENTICATED'), what)
  }
  const { identities } = opened.engine.catalog.view
  assert.equal((await identities.list({ kind: 'user', limit: 10 })).length, 0)
  await enter(opened, good)
  await enter(opened, await curve.sign())
  await enter(opened, await gateway.sign())

  function byText(claims: object): string {
    const text = `${head}.${code({ ...payload, ...claims })}`
    const made = sign('sha256', Buffer.from(text), idp.privateKey)
    return `${text}.${made.toString('base64url')}`
  }
  function derSigned(): string {
    const claims = { ...payload, iss: curve.issuer.issuer }
    const text = `${code({ alg: 'ES256', kid: curve.jwk.kid })}.${code(claims)}`
    return `${text}.${sign('sha256', Buffer.from(text), curve.privateKey).toString('base64url')}`
  }
})

test('tokens of a gateway that name nobody are taken from one issuer', async () => {
  const gateway = secretIssuer('gateway', 'a-shared-secret-of-at-least-32-bytes', {
    ...{ audiences: undefined, maxAgeSeconds: 900 },
    claims: { subject: ['user_id'], name: ['email'], email: ['email'] },
  })
  const other = secretIssuer('other', 'another-secret-of-at-least-32-bytes')
  const nameless = { iss: undefined, aud: undefined, sub: undefined, user_id: 'u-7' }
  const claims = { ...nameless, email: 'kim@example.org', nbf: nowS, exp: nowS + 900 }
  {
    await using without = await storeWith(other)
    await assert.rejects(enter(without, await gateway.sign(claims)), refused('UNAUTHENTICATED'))
  }
  await using opened = await storeWith(gateway, other)
  const kim = await enter(opened, await gateway.sign(claims))
  assert.equal(kim.id, subjectId('gateway', 'u-7'))
  // Without a role, and without any in the settings, it may nothing.
  assert.deepEqual([kim.permissions, kim.ownPermissions], [[], []])
  const forged: Record<string, string> = {
    'secret of another': await other.sign(claims),
    'named after all': await gateway.sign({ ...claims, iss: 'gateway' }),
    'an issuer that is no text': await gateway.sign({ ...claims, iss: 7 }),
    'an empty issuer': await gateway.sign({ ...claims, iss: '' }),
    'for somebody else': await gateway.sign({ ...claims, aud: 'elsewhere' }),
    'nobody named by the other': await other.sign({ iss: undefined }),
    'subject under the usual name': await gateway.sign({ ...claims, user_id: undefined, sub: 'u' }),
    'not yet valid': await gateway.sign({ ...claims, nbf: nowS + 31 }),
    'issued later': await gateway.sign({ ...claims, iat: nowS + 31 }),
    HS384: await gateway.sign(claims, { alg: 'HS384' }),
  }
  for (const claim of ['exp', 'iat', 'nbf']) {
    forged[`without ${claim}`] = await gateway.sign({ ...claims, [claim]: undefined })
  }
  const [head = '', body = '', signature = ''] = (await gateway.sign(claims)).split('.')
  const none = Buffer.from('{"alg":"none"}').toString('base64url')
  forged.unsigned = `${none}.${body}.`
  forged['algorithm none'] = `${none}.${body}.${signature}`
  forged['signature cut'] = `${head}.${body}.${signature.slice(0, -2)}`
  for (const [what, token] of Object.entries(forged)) {
    await assert.rejects(enter(opened, token), refused('UNAUTHENTICATED'), what)
  }
  const old = await gateway.sign({ ...claims, iat: nowS - 931, nbf: nowS - 931 })
  await assert.rejects(enter(opened, old), refused('CREDENTIAL_EXPIRED'))
  // Remembered, it ends all the same: whatever its own expiry says.
  const long = await gateway.sign({ ...claims, exp: nowS + 86_400 })
  await enter(opened, long)
  opened.clock.jump(931_000)
  await assert.rejects(enter(opened, long), refused('CREDENTIAL_EXPIRED'))
})

test('clocks may differ by the skew of the issuer and no more', async () => {
  const idp = testIssuer('https://idp.example.org')
  await using opened = await storeWith(idp)
  await enter(opened, await idp.sign({ exp: nowS - 29 }))
  await enter(opened, await idp.sign({ nbf: nowS + 29 }))
  await assert.rejects(
    enter(opened, await idp.sign({ exp: nowS - 30 })),
    refused('CREDENTIAL_EXPIRED'),
  )
  const token = await idp.sign({ exp: nowS + 60 })
  await enter(opened, token)
  opened.clock.jump(91_000)
  await assert.rejects(enter(opened, token), refused('CREDENTIAL_EXPIRED'))
})

test('a subject is its issuer and its name: the same name elsewhere is somebody else', async () => {
  const one = testIssuer('https://idp.example.org')
  const two = testIssuer('https://idp.example.org/2')
  await using opened = await storeWith(one, two)
  const ids = new Set([
    (await enter(opened, await one.sign())).id,
    (await enter(opened, await two.sign())).id,
    (await enter(opened, await one.sign({ sub: '7' }))).id,
    (await enter(opened, await one.sign({ sub: 7 }))).id,
    subjectId('ab', 'c'),
    subjectId('a', 'bc'),
    subjectId('a\nb', 'c'),
    subjectId('a', 'b\nc'),
    subjectId('a', 'B\nC'),
  ])
  assert.equal(ids.size, 9)
  // A local user is never met by a claim.
  const input = { username: 'u-1', password: 'Correct-Horse-7-Battery' }
  const local = await createUser(opened.engine, opened.call, input)
  assert.ok(!ids.has(local.id))
})

test('an administrator shuts a subject out at once, and nobody gives it a password', async () => {
  const idp = testIssuer('https://idp.example.org')
  await using opened = await storeWith(idp)
  const { engine, call } = opened
  const token = await idp.sign(withRole)
  const { id } = await enter(opened, token)
  await updateUser(engine, call, { id, patch: { buckets: ['photos'] } })
  assert.deepEqual((await enter(opened, token)).buckets, ['photos'])
  await updateUser(engine, call, { id, patch: { status: 'INACTIVE' } })
  await assert.rejects(enter(opened, token), refused('UNAUTHENTICATED'))
  opened.clock.jump(120_000)
  await assert.rejects(enter(opened, await idp.sign(withRole)), refused('UNAUTHENTICATED'))
  await updateUser(engine, call, { id, patch: { status: 'ACTIVE' } })
  await enter(opened, token)
  const given = { id, password: 'Correct-Horse-7-Battery', mustChange: false }
  await refusedWith(resetPassword(engine, call, given), 'USER_OUTSIDE')
  await refusedWith(updateUser(engine, call, { id, patch: { roles: ['ADMIN'] } }), 'USER_OUTSIDE')
  await refusedWith(updateUser(engine, call, { id, patch: { email: 'a@b.c' } }), 'USER_OUTSIDE')
  const credentials = { name: 'u-1', password: '' }
  await refusedWith(login(engine, credentials, { ip: '', agent: '' }), 'UNAUTHENTICATED')
  await removeUser(engine, call, id)
  await assert.rejects(enter(opened, token), refused('UNAUTHENTICATED'))
})

test('the rights of a foreign token end with it: no link outlives it', async () => {
  const idp = testIssuer('https://idp.example.org')
  await using opened = await storeWith(idp)
  const principal = await enter(opened, await idp.sign(withRole))
  const { asset } = await put(opened, 'a.txt', 'a', { ownerId: principal.id })
  const wanted = { assetId: asset.id }
  await refusedWith(presignDownload(opened.engine, callOf(principal), wanted), 'FORBIDDEN')
  assert.equal(decide(principal, 'assets:read', { asset }).allowed, true)
})
