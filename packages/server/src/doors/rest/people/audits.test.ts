import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { openDatabase } from '@holdfast/drivers/catalog/sqlite/database.ts'
import {
  adminKey,
  refused,
  startServer,
  type TestServer,
  type Tree,
} from '../../../started-server.test.ts'

const agent = 'audit-tests/1.0'
let server: TestServer

before(async () => {
  server = await startServer()
})
after(async () => {
  await server[Symbol.asyncDispose]()
})

async function rows(query: string): Promise<Tree[]> {
  await server.running.context.audit.flush()
  const answer = await server.ask(`GET /api/v2/audit?${query}`)
  assert.equal(answer.status, 200, answer.text)
  return answer.json.items
}

/** Lines of JSON are no JSON, so the client of the other tests cannot read them. */
async function exported(): Promise<string> {
  const headers = { 'x-api-key': adminKey }
  return await (await fetch(`${server.url}/api/v2/audit/export`, { headers })).text()
}

test('an administrative change is told with who, whence, before and after', async () => {
  const headers = { 'user-agent': agent, 'x-request-id': 'request-0001' }
  const json = { name: 'audited-bucket' }
  await server.ask('POST /api/v2/buckets', { json, headers })
  const path = '/api/v2/buckets/audited-bucket'
  await server.ask(`PUT ${path}`, { json: { public_read: true }, headers })
  const [row] = await rows('action=updateBucket')
  assert.equal(row.actor_name, 'administrator')
  assert.deepEqual([row.ip, row.agent, row.request_id], ['127.0.0.1', agent, 'request-0001'])
  assert.deepEqual([row.outcome, row.status, row.code], ['success', 200, null])
  assert.deepEqual(row.resource, { bucket: 'audited-bucket' })
  assert.deepEqual([row.detail.before.publicRead, row.detail.after.publicRead], [false, true])
})

test('refusals and logins are told, without what was secret in them', async () => {
  const password = 'Wrong-Password-1'
  const json = { username: 'nobody', password }
  refused(await server.ask('POST /api/v2/auth/login', { json, key: null }), 401, 'UNAUTHENTICATED')
  refused(await server.ask('GET /api/v2/keys', { key: null }), 401, 'UNAUTHENTICATED')
  refused(await server.ask('GET /api/v2/keys', { key: 'hf_wrong-key' }), 401, 'UNAUTHENTICATED')
  const made = { name: 'weak', permissions: ['assets:read'] }
  const { key } = (await server.ask('POST /api/v2/keys', { json: made })).json
  refused(await server.ask('DELETE /api/v2/buckets/holdfast', { key }), 403, 'FORBIDDEN')
  const [failed] = await rows('action=login')
  // Nobody has that name: it may be a password in the wrong field.
  assert.deepEqual([failed.outcome, failed.status, failed.detail.username], ['refused', 401, null])
  const user = { username: 'known', password: 'Correct-Horse-7-Battery' }
  assert.equal((await server.ask('POST /api/v2/users', { json: user })).status, 201)
  for (const username of ['KNOWN', 'Typed-My-Password-2']) {
    await server.ask('POST /api/v2/auth/login', { json: { username, password }, key: null })
  }
  const [typed, known] = await rows('action=login')
  assert.deepEqual([typed.detail.username, known.detail.username], [null, 'known'])
  const [forbidden] = await rows('action=removeBucket&outcome=refused')
  assert.deepEqual([forbidden.code, forbidden.actor_name], ['FORBIDDEN', 'weak'])
  const all = await exported()
  for (const secret of [password, key, 'hf_wrong-key', 'Typed-My-Password-2'])
    assert.ok(!all.includes(secret))
})

test('looks at what only administrators see are told, reads of assets are not', async () => {
  await server.ask('GET /api/v2/keys')
  await server.ask('PUT /api/v2/buckets/holdfast/assets/a.txt', { body: 'hello' })
  await server.ask('GET /api/v2/buckets/holdfast/assets/a.txt')
  assert.equal((await rows('action=listKeys')).length >= 1, true)
  assert.deepEqual(await rows('action=getByKey'), [])
  assert.deepEqual(await rows('action=putByKey'), [])
})

test('changes of assets are told where the settings ask for it', async () => {
  await using other = await startServer({ env: { STORAGE_AUDIT_DATA_CHANGES: 'on' } })
  await other.ask('PUT /api/v2/buckets/holdfast/assets/a.txt', { body: 'hello' })
  await other.running.context.audit.flush()
  const { json } = await other.ask('GET /api/v2/audit?action=putByKey')
  assert.deepEqual(json.items[0].resource, { bucket: 'holdfast', key: 'a.txt' })
})

test('the log pages by cursor and exports as JSON lines and CSV', async () => {
  const first = await server.ask('GET /api/v2/audit?limit=2')
  const { items, next_cursor: cursor, total } = first.json
  assert.equal(items.length, 2)
  assert.ok(total > 2)
  const next = await server.ask(`GET /api/v2/audit?limit=2&cursor=${cursor}`)
  assert.equal(next.json.items[0].seq, items[1].seq - 1)
  refused(await server.ask('GET /api/v2/audit?cursor=x'), 400, 'INVALID_CURSOR')
  refused(await server.ask('GET /api/v2/audit?from=yesterday'), 422, 'VALIDATION_ERROR')
  const headers = { 'user-agent': '=HYPERLINK("http://evil")' }
  await server.ask('GET /api/v2/keys', { headers })
  await server.running.context.audit.flush()
  const lines = (await exported()).trim().split('\n')
  assert.deepEqual(
    lines.map(line => JSON.parse(line).seq),
    lines.map((_, index) => index + 1),
  )
  const csv = (await server.ask('GET /api/v2/audit/export?format=csv&action=listKeys')).text
  assert.match(csv, /^seq,at,actor,.*\r\n/)
  assert.match(csv, /"'=HYPERLINK\(""http:\/\/evil""\)"/)
})

test('a log that was tampered with is found by the server', async () => {
  const sound = await server.ask('POST /api/v2/audit/verify')
  assert.deepEqual([sound.json.ok, sound.json.problems], [true, []])
  const db = openDatabase(`${server.dir}/catalog.db`)
  db.exec(`UPDATE audits SET record = replace(record, 'known', 'unknown')`)
  db.close()
  const broken = await server.ask('POST /api/v2/audit/verify')
  assert.equal(broken.json.ok, false)
  assert.match(broken.json.problems.join(), /row \d+ was changed/)
})
