import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import type { Tree } from '../../../started-server.test.ts'
import { type S3TestServer, startS3 } from '../../s3/started-s3.test.ts'

const root = { username: 'root', password: 'Chief-Password-2026' }
const password = 'Correct-Horse-7-Battery'
let s3: S3TestServer

before(async () => {
  s3 = await startS3({
    env: {
      STORAGE_INITIAL_ADMIN_USERNAME: root.username,
      STORAGE_INITIAL_ADMIN_PASSWORD: root.password,
    },
  })
})
after(async () => {
  await s3[Symbol.asyncDispose]()
})

async function enter(credentials: { username: string; password: string }) {
  const answer = await s3.server.ask('POST /api/v2/auth/login', { json: credentials, key: null })
  assert.equal(answer.status, 200, answer.text)
  const token: string = answer.json.access_token
  return { key: null, headers: { authorization: `Bearer ${token}` } }
}

async function person(username: string, roles: string[]) {
  const json = { username, password, roles, must_change_password: false }
  const made = await s3.server.ask('POST /api/v2/users', { ...(await enter(root)), json })
  assert.equal(made.status, 201, made.text)
  return { id: String(made.json.id), by: await enter({ username, password }) }
}

const pair = ({ id, secret }: Tree) => ({ key: { id: String(id), secret: String(secret) } })

test('a user makes a key for oneself, works with it, and revokes it', async () => {
  const uwe = await person('uwe', ['USER'])
  const made = await s3.server.ask('POST /api/v2/s3/keys', { ...uwe.by, json: { name: 'laptop' } })
  assert.equal(made.status, 201, made.text)
  assert.equal(made.headers['cache-control'], 'no-store')
  assert.deepEqual([made.json.user_id, made.json.permissions], [uwe.id, ['*']])
  const put = await s3.send('PUT /holdfast/uwe/a.txt', { ...pair(made.json), body: 'by uwe' })
  assert.equal(put.status, 200, put.text)
  const path = '/api/v2/buckets/holdfast/assets/uwe/a.txt'
  const seen = await s3.server.ask(`GET ${path}?info=true`, uwe.by)
  assert.deepEqual([seen.status, seen.json.owner_id], [200, uwe.id])
  const listed = await s3.server.ask('GET /api/v2/s3/keys', uwe.by)
  assert.deepEqual([listed.json.total, listed.json.items[0].id], [1, made.json.id])
  assert.ok(!listed.text.includes(String(made.json.secret)))
  const foreign = await person('ute', ['USER'])
  const line = `DELETE /api/v2/s3/keys/${made.json.id}`
  assert.equal((await s3.server.ask(line, foreign.by)).status, 404)
  assert.equal((await s3.server.ask('GET /api/v2/s3/keys', foreign.by)).json.total, 0)
  assert.equal((await s3.server.ask(line, uwe.by)).status, 204)
  const late = await s3.send('GET /holdfast/uwe/a.txt', pair(made.json))
  assert.deepEqual([late.status, late.code], [403, 'InvalidAccessKeyId'])
})

test('administrators make keys for others, and keys that stand alone', async () => {
  const { ask } = s3.server
  const ina = await person('ina', ['USER'])
  const refusedFor = async (options: object, json: object) =>
    (await ask('POST /api/v2/s3/keys', { ...options, json })).status
  assert.equal(await refusedFor(ina.by, { name: 'x', user_id: null, permissions: ['*'] }), 403)
  assert.equal(await refusedFor({}, { name: 'x' }), 422)
  assert.equal(await refusedFor({ key: null }, { name: 'x', permissions: ['*'] }), 401)
  const given = await ask('POST /api/v2/s3/keys', { json: { name: 'given', user_id: ina.id } })
  assert.deepEqual([given.status, given.json.principal_id], [201, ina.id])
  const alone = await ask('POST /api/v2/s3/keys', {
    json: { name: 'reader', permissions: ['assets:read'], buckets: ['holdfast'] },
  })
  assert.equal(alone.status, 201, alone.text)
  assert.equal(alone.json.user_id, null)
  const put = await s3.send('PUT /holdfast/x', { ...pair(alone.json), body: 'x' })
  assert.deepEqual([put.status, put.code], [403, 'AccessDenied'])
  const narrow = await ask('POST /api/v2/keys', {
    json: { name: 'maker', permissions: ['keys:admin', 'assets:read'] },
  })
  const maker = { key: String(narrow.json.key) }
  assert.equal(await refusedFor(maker, { name: 'x', permissions: ['assets:write'] }), 403)
  assert.equal(await refusedFor(maker, { name: 'x', permissions: ['assets:read'] }), 201)
  const theirs = await ask(`GET /api/v2/s3/keys?user_id=${ina.id}`)
  assert.deepEqual([theirs.json.total, theirs.json.items[0].name], [1, 'given'])
})

test('keys are audited before they are told, without their secrets', async () => {
  const { ask } = s3.server
  const json = { name: 'audited', permissions: ['assets:read'] }
  const made = await ask('POST /api/v2/s3/keys', { json })
  await ask(`DELETE /api/v2/s3/keys/${made.json.id}`)
  const log = await ask('GET /api/v2/audit?limit=100')
  assert.equal(log.status, 200, log.text)
  assert.ok(!log.text.includes(String(made.json.secret)))
  const actions = log.json.items.map((entry: Tree) => entry.action)
  assert.ok(actions.includes('createS3Key') && actions.includes('revokeS3Key'), log.text)
  assert.ok(log.text.includes(String(made.json.id)))
})
