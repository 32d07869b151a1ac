import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { createLocalJWKSet, jwtVerify } from 'jose'
import { refused, startServer, type TestServer, type Tree } from '../../../started-server.test.ts'

const root = { username: 'root', password: 'Chief-Password-2026' }
const password = 'Correct-Horse-7-Battery'
let server: TestServer
let admin: Tree

before(async () => {
  server = await startServer({
    env: {
      STORAGE_INITIAL_ADMIN_USERNAME: root.username,
      STORAGE_INITIAL_ADMIN_PASSWORD: root.password,
      STORAGE_TRUSTED_PROXIES: '127.0.0.1',
    },
  })
  admin = await enter(root)
})
after(async () => {
  await server[Symbol.asyncDispose]()
})

async function enter(credentials: { username: string; password: string }): Promise<Tree> {
  const answer = await server.ask('POST /api/v2/auth/login', { json: credentials, key: null })
  assert.equal(answer.status, 200, answer.text)
  return answer.json
}

function by(tokens: Tree) {
  return { key: null, headers: { authorization: `Bearer ${tokens.access_token}` } }
}

async function person(username: string, roles: string[]): Promise<Tree> {
  const json = { username, password, roles, must_change_password: false }
  const answer = await server.ask('POST /api/v2/users', { ...by(admin), json })
  assert.equal(answer.status, 201, answer.text)
  return answer.json
}

test('people of different roles work with exactly the rights they have', async () => {
  await person('ulla', ['USER'])
  await person('rita', ['READONLY'])
  await person('audrey', ['AUDITOR'])
  await person('otto', ['OPERATOR'])
  const [ulla, rita, audrey, otto] = await Promise.all(
    ['ulla', 'rita', 'audrey', 'otto'].map(username => enter({ username, password })),
  )
  const path = '/api/v2/buckets/holdfast/assets/ulla/note.txt'
  const made = await server.ask(`PUT ${path}`, { ...by(ulla), body: 'a note' })
  assert.equal(made.status, 201, made.text)
  const statuses = async (line: string, body?: string) => {
    const asked = [ulla, rita, audrey, otto].map(who =>
      server.ask(line, { ...by(who), ...(body === undefined ? {} : { body }) }),
    )
    return (await Promise.all(asked)).map(({ status }) => status)
  }
  assert.deepEqual(await statuses(`GET ${path}`), [200, 404, 200, 200])
  assert.deepEqual(await statuses(`GET /api/v2/assets/${made.json.id}`), [200, 404, 200, 200])
  assert.deepEqual(await statuses(`DELETE ${path}`), [204, 403, 403, 403])
  assert.deepEqual(await statuses(`PUT ${path}`, 'changed'), [201, 403, 403, 403])
  assert.deepEqual(await statuses('GET /api/v2/users'), [403, 403, 403, 403])
  assert.deepEqual(await statuses('GET /api/v2/quotas'), [403, 403, 403, 200])
  assert.deepEqual(await statuses('GET /api/v2/buckets'), [200, 200, 200, 200])
  assert.deepEqual(await statuses('GET /api/v2/keys'), [403, 403, 403, 403])
  const totals = [ulla, rita, audrey].map(async who => {
    return (await server.ask('GET /api/v2/assets', by(who))).json.total
  })
  assert.deepEqual(await Promise.all(totals), [1, 0, 1])
})

test('a session: who am I, refresh, log out', async () => {
  await person('sessa', ['USER'])
  const tokens = await enter({ username: 'sessa', password })
  assert.deepEqual([tokens.token_type, tokens.expires_in], ['Bearer', 1800])
  const me = await server.ask('GET /api/v2/auth/me', by(tokens))
  assert.deepEqual([me.json.kind, me.json.name], ['user', 'sessa'])
  const renew = (token: string) =>
    server.ask('POST /api/v2/auth/refresh', { json: { refresh_token: token }, key: null })
  refused(await renew(tokens.access_token), 401, 'UNAUTHENTICATED')
  refused(
    await server.ask('GET /api/v2/auth/me', by({ access_token: tokens.refresh_token })),
    401,
    'UNAUTHENTICATED',
  )
  const next = (await renew(tokens.refresh_token)).json
  assert.equal((await server.ask('POST /api/v2/auth/logout', by(next))).status, 204)
  refused(await server.ask('GET /api/v2/auth/me', by(next)), 401, 'UNAUTHENTICATED')
  refused(await renew(next.refresh_token), 401, 'UNAUTHENTICATED')
  refused(await server.ask('GET /api/v2/auth/me', { key: null }), 401, 'UNAUTHENTICATED')
})

test('tokens verify with the published keys alone', async () => {
  const { json } = await server.ask('GET /api/v2/auth/jwks.json', { key: null })
  for (const key of json.keys)
    assert.deepEqual(Object.keys(key).sort(), ['alg', 'e', 'kid', 'kty', 'n', 'use'])
  const { payload } = await jwtVerify(admin.access_token, createLocalJWKSet(json), {
    algorithms: ['RS256'],
    issuer: 'holdfast',
    audience: 'holdfast',
  })
  assert.deepEqual([payload.type, payload.username, payload.roles], ['access', 'root', ['ADMIN']])
  const rotated = await server.ask('POST /api/v2/auth/signing-keys/rotate', by(admin))
  assert.deepEqual(
    rotated.json.items.map(({ state }: Tree) => state),
    ['signing', 'verifying'],
  )
  assert.equal((await server.ask('GET /api/v2/auth/me', by(admin))).status, 200)
})

test('keys of before are distrusted from the answer on, and the log tells of it', async () => {
  const rotate = 'POST /api/v2/auth/signing-keys/rotate'
  const me = async (tokens: Tree) => await server.ask('GET /api/v2/auth/me', by(tokens))
  await person('lena', ['USER'])
  const lena = await enter({ username: 'lena', password })
  assert.equal((await me(lena)).status, 200)
  const unknown = { ...by(admin), json: { distrust: true } }
  refused(await server.ask(rotate, unknown), 422, 'VALIDATION_ERROR')
  const json = { name: 'users alone', permissions: ['admin:users'] }
  const { key } = (await server.ask('POST /api/v2/keys', { json })).json
  const distrust = { json: { distrust_former: true } }
  refused(await server.ask(rotate, { ...distrust, key }), 403, 'FORBIDDEN')
  const kept = await server.ask(rotate, { ...by(admin), json: { distrust_former: false } })
  assert.ok(kept.json.items.length > 1)
  assert.equal((await me(lena)).status, 200)
  const rotated = await server.ask(rotate, { ...by(admin), ...distrust })
  assert.equal(rotated.status, 200, rotated.text)
  assert.deepEqual(
    rotated.json.items.map(({ state }: Tree) => state),
    ['signing'],
  )
  for (const tokens of [lena, admin]) {
    refused(await me(tokens), 401, 'UNAUTHENTICATED')
    const renewal = { json: { refresh_token: tokens.refresh_token }, key: null }
    refused(await server.ask('POST /api/v2/auth/refresh', renewal), 401, 'UNAUTHENTICATED')
  }
  const { keys } = (await server.ask('GET /api/v2/auth/jwks.json', { key: null })).json
  assert.deepEqual(
    keys.map(({ kid }: Tree) => kid),
    [rotated.json.items[0].kid],
  )
  admin = await enter(root)
  await server.running.context.audit.flush()
  const query = 'action=rotateSigningKey&outcome=success&limit=1'
  const [row] = (await server.ask(`GET /api/v2/audit?${query}`, by(admin))).json.items
  const { before: was, after: is } = row.detail
  assert.deepEqual([was.kid, was.taken], [kept.json.items[0].kid, kept.json.items.length])
  assert.deepEqual([is.kid, is.taken], [rotated.json.items[0].kid, 1])
})

test('the answer to a wrong password tells nothing about the name', async () => {
  await person('known', ['USER'])
  const tell = async (username: string) => {
    const json = { username, password: 'wrong' }
    const answer = await server.ask('POST /api/v2/auth/login', { json, key: null })
    const { request_id: _, ...body } = answer.json
    const { date: __, 'x-request-id': ___, ...headers } = answer.headers
    return { status: answer.status, body, headers }
  }
  for (let n = 0; n < 5; n += 1) {
    const known = await tell('known')
    assert.equal(known.status, 401)
    assert.deepEqual(await tell('stranger'), known)
  }
  const [known, stranger] = [await tell('known'), await tell('stranger')]
  assert.equal(known.status, 423)
  assert.equal(stranger.status, 423)
  assert.deepEqual(Object.keys(known.headers), Object.keys(stranger.headers))
})

test('no field but the documented ones changes a user', async () => {
  const { id } = await person('mass', ['USER'])
  for (const more of [
    { is_system: true },
    { password: 'x' },
    { failures: 0 },
    { id: 'x' },
    { permissions: ['*'] },
    JSON.parse('{"__proto__":{"roles":["ADMIN"]}}'),
    { status: 'DELETED' },
    { status: 'LOCKED' },
    { roles: ['ROOT'] },
    {},
  ]) {
    const answer = await server.ask(`PUT /api/v2/users/${id}`, { ...by(admin), json: more })
    refused(answer, 422, 'VALIDATION_ERROR')
  }
  const signUp = { username: 'massa', password, is_system: true }
  const made = await server.ask('POST /api/v2/users', { ...by(admin), json: signUp })
  refused(made, 422, 'VALIDATION_ERROR')
})

test('a password that an administrator chose is good for its change alone', async () => {
  const json = { username: 'newcomer', password, roles: ['USER'] }
  const { id } = (await server.ask('POST /api/v2/users', { ...by(admin), json })).json
  const log = async (given: string) => {
    const asked = { json: { username: 'newcomer', password: given }, key: null }
    return await server.ask('POST /api/v2/auth/login', asked)
  }
  refused(await log(password), 403, 'PASSWORD_CHANGE_REQUIRED')
  const reset = { password: 'Another-Horse-8-Battery' }
  const path = `PUT /api/v2/users/${id}/password`
  assert.equal((await server.ask(path, { ...by(admin), json: reset })).status, 204)
  refused(await log(reset.password), 403, 'PASSWORD_CHANGE_REQUIRED')
})

test('the own address is changed with the own password, those of others without', async () => {
  const { id } = await person('chief', ['ADMIN'])
  const chief = await enter({ username: 'chief', password })
  const change = (who: Tree, json: object) =>
    server.ask(`PUT /api/v2/users/${id}`, { ...by(who), json })
  const email = 'chief@example.org'
  refused(await change(chief, { email }), 403, 'FORBIDDEN')
  const wrong = { email, current_password: 'Wrong-Horse-7-Battery' }
  refused(await change(chief, wrong), 401, 'UNAUTHENTICATED')
  assert.equal((await change(chief, { email, current_password: password })).json.email, email)
  assert.equal((await change(admin, { email: null })).json.email, null)
})

test('no answer holds a hash, and no log line a password or a token', async () => {
  const { id } = await person('quiet', ['USER'])
  const tokens = await enter({ username: 'quiet', password })
  const change = { username: 'quiet', password, new_password: 'Another-Horse-8-Battery' }
  assert.equal((await server.ask('POST /api/v2/auth/password', { json: change })).status, 204)
  refused(await server.ask('GET /api/v2/auth/me', by(tokens)), 401, 'UNAUTHENTICATED')
  const shown = await server.ask(`GET /api/v2/users/${id}`, by(admin))
  const list = await server.ask('GET /api/v2/users?search=QUI&role=USER', by(admin))
  assert.equal(list.json.total, 1)
  assert.doesNotMatch(shown.text + list.text, /\$2b\$|hash|history/)
  const log = server.logLines.join('\n')
  for (const secret of [password, change.new_password, tokens.access_token.slice(-40)]) {
    assert.ok(!log.includes(secret), 'a secret is in the log')
  }
})

test('the address of the caller is believed only from a trusted proxy', async () => {
  await person('proxied', ['USER'])
  const headers = { 'x-forwarded-for': '6.6.6.6, 203.0.113.9, 127.0.0.1' }
  const json = { username: 'proxied', password }
  const answer = await server.ask('POST /api/v2/auth/login', { json, headers, key: null })
  assert.equal(answer.status, 200)
  const { identities } = server.running.context.engine.catalog.view
  const sessions = await identities.list({ kind: 'session', limit: 1000 })
  const own = sessions.map(({ ip }) => ip)
  assert.ok(own.includes('203.0.113.9'), own.join())
  assert.ok(!own.includes('6.6.6.6'))
})

test('without a setting passwords lie as bcrypt of cost 12', async () => {
  await using plain = await startServer({ passwordCost: undefined })
  const json = { username: 'hashed', password: 'Correct-Horse-7-Battery' }
  assert.equal((await plain.ask('POST /api/v2/users', { json })).status, 201)
  const { identities } = plain.running.context.engine.catalog.view
  const user = await identities.byName('user', 'hashed')
  assert.match(user?.password?.hash ?? '', /^\$2[aby]\$12\$/)
})

test('whoever sets no account up has none', async () => {
  await using plain = await startServer()
  for (const path of ['users', 'service-accounts']) {
    assert.equal((await plain.ask(`GET /api/v2/${path}`)).json.total, 0, path)
  }
  const keys = (await plain.ask('GET /api/v2/keys')).json.items
  assert.deepEqual(
    keys.map(({ name }: Tree) => name),
    ['administrator'],
  )
})
