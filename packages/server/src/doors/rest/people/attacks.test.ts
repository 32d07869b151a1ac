import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import {
  adminKey,
  refused,
  startServer,
  type TestServer,
  type Tree,
} from '../../../started-server.test.ts'

// What T10 and T12 of the torture suite ask at large is here in small, beside what they leave out.
const password = 'Correct-Horse-7-Battery'
const bucket = '/api/v2/buckets/holdfast/assets'
let server: TestServer
let mallory: Tree
let victim: Tree

before(async () => {
  server = await startServer()
  mallory = await person('mallory')
  victim = await person('victim')
})
after(async () => {
  await server[Symbol.asyncDispose]()
})

/** A user with the role USER, and how to ask as that user. */
async function person(username: string): Promise<Tree> {
  const json = { username, password, roles: ['USER'], must_change_password: false }
  const made = await server.ask('POST /api/v2/users', { json })
  assert.equal(made.status, 201, made.text)
  const login = await server.ask('POST /api/v2/auth/login', { json: { username, password } })
  const headers = { authorization: `Bearer ${login.json.access_token}` }
  return { id: made.json.id, by: { key: null, headers }, tokens: login.json }
}

async function put(who: Tree, key: string): Promise<Tree> {
  const answer = await server.ask(`PUT ${bucket}/${key}`, { ...who.by, body: key })
  assert.equal(answer.status, 201, answer.text)
  return answer.json
}

const missing = '0199d0c0-0000-7000-8000-00000000dead'

test('no request gives its sender another role', async () => {
  const more = {
    roles: ['ADMIN'],
    role: 'ADMIN',
    permissions: ['*'],
    is_system: true,
    kind: 'user',
  }
  const own = `/api/v2/users/${mallory.id}`
  for (const line of [`PUT ${own}`, 'POST /api/v2/users', `POST ${own}/unlock`]) {
    refused(await server.ask(line, { ...mallory.by, json: { roles: ['ADMIN'] } }), 403, 'FORBIDDEN')
  }
  const bodies: [string, Tree][] = [
    ['login', { username: 'mallory', password }],
    ['refresh', { refresh_token: mallory.tokens.refresh_token }],
    ['password', { username: 'mallory', password, new_password: 'Another-Horse-8-Battery' }],
  ]
  for (const [name, body] of bodies) {
    for (const [field, value] of Object.entries(more)) {
      const json = { ...body, [field]: value }
      const answer = await server.ask(`POST /api/v2/auth/${name}`, { json, key: null })
      refused(answer, 422, 'VALIDATION_ERROR')
    }
    const text = JSON.stringify(body).replace('{', '{"__proto__":{"roles":["ADMIN"]},')
    const headers = { 'content-type': 'application/json' }
    const answer = await server.ask(`POST /api/v2/auth/${name}`, { body: text, headers, key: null })
    assert.ok([400, 422].includes(answer.status), answer.text)
  }
  for (const query of ['roles=ADMIN', 'permissions=*', '__proto__[roles]=ADMIN']) {
    const answer = await server.ask(`GET /api/v2/auth/me?${query}`, mallory.by)
    refused(answer, 422, 'VALIDATION_ERROR')
  }
  const me = await server.ask('GET /api/v2/auth/me', mallory.by)
  assert.deepEqual(me.json.permissions, ['buckets:read', 'buckets:create'])
  assert.equal(Object.hasOwn(Object.prototype, 'roles'), false)
})

test('ids of others, wherever they stand, are like ids of nothing', async () => {
  const mine = await put(mallory, 'mallory/a')
  const theirs = await put(victim, 'victim/a')
  const other = await put(victim, 'victim/b')
  const link = { type: 'kin', asset_id: other.id }
  const made = await server.ask(`POST /api/v2/assets/${theirs.id}/links`, {
    ...victim.by,
    json: link,
  })
  const own = `/api/v2/assets/${mine.id}`
  const questions: ((ids: { asset: string; version: string; link: string }) => [string, Tree?])[] =
    [
      ({ asset }) => [`POST ${own}/links`, { type: 'kin', asset_id: asset }],
      ({ asset }) => [`DELETE ${own}/links?type=kin&asset_id=${asset}`],
      ({ link: id }) => [`DELETE ${own}/links/${id}`],
      ({ version }) => [`GET ${own}/versions/${version}`],
      ({ version }) => [`GET ${own}/versions/${version}/download`],
      ({ version }) => [`POST ${own}/versions/${version}/rollback`],
      ({ version }) => [`DELETE ${own}/versions/${version}`],
      ({ version }) => [`GET ${own}/versions/compare?from=1&to=${version}`],
      ({ asset }) => ['POST /api/v2/assets/batch-download', { ids: [mine.id, asset] }],
      ({ asset }) => ['POST /api/v2/assets/batch-delete', { ids: [asset] }],
      ({ asset }) => [`POST /api/v2/assets/${asset}/copy`, { key: 'taken' }],
      ({ asset }) => [`GET /api/v2/assets/${asset}/presigned-url`],
      ({ asset }) => [
        'POST /api/v2/access/explain',
        { permission: 'assets:read', asset_id: asset },
      ],
      ({ asset }) => [`GET /api/v2/assets?owner_id=${asset === missing ? missing : victim.id}`],
    ]
  const real = { asset: theirs.id, version: theirs.version_id, link: made.json.id }
  const none = { asset: missing, version: missing, link: missing }
  for (const question of questions) {
    const told = async (ids: typeof real) => {
      const [line, json] = question(ids)
      const answer = await server.ask(line, { ...mallory.by, ...(json && { json }) })
      const all = [...Object.values(ids), victim.id, answer.headers['x-request-id']]
      return `${answer.status} ${all.reduce((text, id) => text.replaceAll(id, '…'), answer.text)}`
    }
    assert.equal(await told(real), await told(none), question(real)[0])
  }
  const still = await server.ask(`GET /api/v2/assets/${theirs.id}`, victim.by)
  assert.equal(still.json.is_deleted, false)
})

test('nobody chooses the address that the audit log tells', async () => {
  const lies = [
    { 'x-forwarded-for': '6.6.6.6' },
    { 'x-forwarded-for': ['6.6.6.6', '127.0.0.1'] },
    { 'X-Forwarded-For': ' 6.6.6.6 ,6.6.6.6' },
    { 'x-forwarded-for': '127.0.0.1, 6.6.6.6' },
    { forwarded: 'for=6.6.6.6;proto=https' },
    { 'x-real-ip': '6.6.6.6' },
    { 'true-client-ip': '6.6.6.6' },
    { 'cf-connecting-ip': '6.6.6.6' },
    { 'x-client-ip': '6.6.6.6' },
    { 'x-cluster-client-ip': '6.6.6.6' },
    { x_forwarded_for: '6.6.6.6' },
    { via: '1.1 6.6.6.6' },
  ]
  for (const headers of lies) {
    refused(await server.ask('GET /api/v2/keys', { key: null, headers }), 401, 'UNAUTHENTICATED')
  }
  await server.running.context.audit.flush()
  const list = await server.ask('GET /api/v2/audit?action=listKeys&limit=100')
  const rows: Tree[] = list.json.items.filter(({ outcome }: Tree) => outcome === 'refused')
  assert.equal(rows.length, lies.length)
  for (const { ip } of rows) assert.equal(ip, '127.0.0.1')
  assert.ok(!list.text.includes('6.6.6.6'))
})

test('what an attack was refused is in the audit log, without what it tried with', async () => {
  const forged = 'eyJhbGciOiJub25lIn0.eyJzdWIiOiJyb290In0.'
  const tried = [
    ['GET /api/v2/users', { key: null, headers: { authorization: `Bearer ${forged}` } }],
    ['GET /api/v2/users', mallory.by],
    [`PUT /api/v2/users/${victim.id}`, { ...mallory.by, json: { roles: ['ADMIN'] } }],
  ] as const
  for (const [line, options] of tried) await server.ask(line, options)
  await server.running.context.audit.flush()
  const { json, text } = await server.ask('GET /api/v2/audit?outcome=refused&limit=3')
  const told = json.items.map(({ action, code, actor_name: name }: Tree) => [action, code, name])
  assert.deepEqual(told.toReversed(), [
    ['listUsers', 'UNAUTHENTICATED', 'anonymous'],
    ['listUsers', 'FORBIDDEN', 'mallory'],
    ['updateUser', 'FORBIDDEN', 'mallory'],
  ])
  assert.ok(!text.includes(forged))
})

test('a credential in an address, a cookie or a body is none, and no answer sets one', async () => {
  const { access_token: token, refresh_token: refresh } = mallory.tokens
  await put(mallory, 'mallory/c')
  const nobody = { key: null }
  for (const credential of [adminKey, token]) {
    for (const name of ['key', 'api_key', 'token', 'access_token', 'x-api-key', 'authorization']) {
      const query = `${new URLSearchParams({ [name]: credential })}`
      const cookie = { ...nobody, headers: { cookie: query } }
      for (const path of ['/api/v2/auth/me', '/api/v2/keys']) {
        refused(await server.ask(`GET ${path}?${query}`, nobody), 401, 'UNAUTHENTICATED')
        refused(await server.ask(`GET ${path}`, cookie), 401, 'UNAUTHENTICATED')
      }
      const direct = `GET ${bucket}/mallory/c`
      refused(await server.ask(`${direct}?${query}`, nobody), 422, 'VALIDATION_ERROR')
      refused(await server.ask(direct, cookie), 401, 'UNAUTHENTICATED')
      const json = { name: 'k', permissions: ['*'], [name]: credential }
      refused(await server.ask('POST /api/v2/keys', { json, key: null }), 401, 'UNAUTHENTICATED')
    }
  }
  for (const [line, json] of [
    ['POST /api/v2/auth/login', { username: 'victim', password }],
    ['POST /api/v2/auth/refresh', { refresh_token: refresh }],
    ['POST /api/v2/auth/logout', {}],
  ] as const) {
    const { status, headers } = await server.ask(line, { ...victim.by, json })
    assert.ok(status < 300, `${line}: ${status}`)
    assert.equal(headers['set-cookie'], undefined)
  }
})

test('a key that is confined to a bucket is told nothing of the store', async () => {
  const confined = { name: 'confined', permissions: ['*'], buckets: ['holdfast'] }
  const { key } = (await server.ask('POST /api/v2/keys', { json: confined })).json
  for (const line of [
    'GET /api/v2/audit',
    'GET /api/v2/audit/export',
    'POST /api/v2/audit/verify',
    'GET /api/v2/keys',
    'GET /api/v2/users',
    'POST /api/v2/admin/verify',
    'POST /api/v2/admin/collect-garbage',
  ]) {
    const answer = await server.ask(line, { key })
    refused(answer, 403, 'FORBIDDEN')
  }
})
