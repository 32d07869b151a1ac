import assert from 'node:assert/strict'
import { createHmac, hash } from 'node:crypto'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import type { Route } from '@holdfast/contract/route.ts'
import { routes } from '@holdfast/contract/routes.ts'
import { topicOf } from '@holdfast/core/audit-entries.ts'
import { openDatabase } from '@holdfast/drivers/catalog/sqlite/database.ts'
import { parseSettings } from '../../../config/parse-settings.ts'
import { dutyOf } from '../../../http/caller/audited.ts'
import { openOffline } from '../../../offline.ts'
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
  const { clock } = server.running.context
  const beganMs = clock.now()
  const headers = { 'user-agent': agent, 'x-request-id': 'request-0001' }
  const json = { name: 'audited-bucket' }
  await server.ask('POST /api/v2/buckets', { json, headers })
  const path = '/api/v2/buckets/audited-bucket'
  await server.ask(`PUT ${path}`, { json: { public_read: true }, headers })
  const [row] = await rows('action=updateBucket')
  assert.equal(row.actor_name, 'administrator')
  assert.match(row.at, /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/)
  assert.ok(Date.parse(row.at) >= beganMs && Date.parse(row.at) <= clock.now(), row.at)
  assert.deepEqual([row.ip, row.agent, row.request_id], ['127.0.0.1', agent, 'request-0001'])
  assert.deepEqual([row.outcome, row.status, row.code], ['success', 200, null])
  assert.deepEqual(row.resource, { bucket: 'audited-bucket' })
  const name = 'audited-bucket'
  assert.deepEqual(row.detail, {
    before: { name, publicRead: false },
    after: { name, publicRead: true },
  })
})

test('requests of one id, given by their callers, have a row each', async () => {
  const headers = { 'x-request-id': 'rotation' }
  for (const name of ['same-id-1', 'same-id-2']) {
    assert.equal((await server.ask('POST /api/v2/groups', { json: { name }, headers })).status, 201)
  }
  const found = (await rows('action=createGroup&limit=2')).map(row => {
    return [row.request_id, row.detail.after.name, row.actor_type]
  })
  assert.deepEqual(found, [
    ['rotation', 'same-id-2', 'service_account'],
    ['rotation', 'same-id-1', 'service_account'],
  ])
})

test('what was made is told as it is, what was taken away as it was before', async () => {
  const make = async (path: string, json: object) =>
    (await server.ask(`POST ${path}`, { json })).json
  const permissions = ['assets:read']
  const key = await make('/api/v2/keys', { name: 'gone-key', permissions })
  const pair = await make('/api/v2/s3/keys', { name: 'gone-pair', permissions })
  await make('/api/v2/buckets', { name: 'gone-bucket' })
  const [{ detail }] = await rows('action=createBucket')
  assert.deepEqual([detail.before, detail.after.name], [null, 'gone-bucket'])
  const share = await make('/api/v2/shares', { bucket: 'holdfast', prefix: 'gone/' })
  for (const [path, action, field, value] of [
    [`/api/v2/keys/${key.id}`, 'revokeKey', 'name', 'gone-key'],
    [`/api/v2/s3/keys/${pair.id}`, 'revokeS3Key', 'name', 'gone-pair'],
    ['/api/v2/buckets/gone-bucket', 'removeBucket', 'publicRead', false],
    [`/api/v2/shares/${share.id}`, 'revokeShare', 'prefix', 'gone/'],
  ] as const) {
    assert.equal((await server.ask(`DELETE ${path}`)).status, 204, path)
    const [row] = await rows(`action=${action}`)
    assert.deepEqual([row.detail.before[field], row.detail.after], [value, null], action)
  }
})

test('of many runs through the whole log at once two of a caller are made', async () => {
  const json = { name: 'other-reader', permissions: ['audit:view'] }
  const { key } = (await server.ask('POST /api/v2/keys', { json })).json
  const { lists } = server.running.context.engine
  const next = lists.next.bind(lists)
  const { promise: goOn, resolve: letGo } = Promise.withResolvers<void>()
  let come = 0
  // All of them have come, and were refused or wait, before one goes on.
  const oneCame = () => {
    come += 1
    if (come === 5) letGo()
  }
  lists.next = async caller => {
    oneCame()
    await goOn
    await next(caller)
  }
  const report = 'GET /api/v2/audit/report'
  const many = [report, 'POST /api/v2/audit/verify', report, report].map(async line => {
    const { status, json: told } = await server.ask(line)
    if (status === 429) oneCame()
    return [status, told.code]
  })
  assert.equal((await server.ask(report, { key })).status, 200)
  const refusal = [429, 'TOO_MANY_REQUESTS']
  const made = [200, undefined]
  assert.deepEqual((await Promise.all(many)).sort(), [made, made, refusal, refusal])
  lists.next = next
  assert.equal((await server.ask(report)).status, 200)
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
  const path = '/api/v2/buckets/holdfast/assets/a.txt'
  const { id } = (await server.ask(`PUT ${path}`, { body: 'hello' })).json
  // With a question mark it takes the long way, on which others are told.
  const reads = [path, `${path}?`, `/api/v2/assets/${id}`, `/api/v2/assets/${id}/download?`]
  for (const read of [...reads, '/api/v2/assets']) {
    assert.equal((await server.ask(`GET ${read}`)).status, 200, read)
  }
  assert.equal((await rows('action=listKeys')).length >= 1, true)
  for (const action of ['getByKey', 'getAsset', 'downloadAsset', 'listAssets', 'putByKey']) {
    assert.deepEqual(await rows(`action=${action}`), [], action)
  }
})

test("looks at what others have are told, looks at what is one's own are not", async () => {
  const password = 'Correct-Horse-9-Battery'
  const user = { username: 'shown-user', password, roles: ['USER'] }
  const made = await server.ask('POST /api/v2/users', { json: user })
  assert.equal(made.status, 201, made.text)
  const { id } = made.json
  await server.ask('POST /api/v2/s3/keys', { json: { name: 'shown', user_id: id } })
  await server.ask('PUT /api/v2/buckets/holdfast/assets/shown.txt', { body: 'x' })
  const share = { bucket: 'holdfast', prefix: 'shown' }
  const own = await server.ask('POST /api/v2/shares', { json: share })
  assert.equal(own.status, 201, own.text)
  await server.ask(`GET /api/v2/shares/${own.json.id}`)
  await server.ask('GET /api/v2/shares')
  assert.deepEqual(await rows('action=getShare'), [])
  assert.deepEqual(await rows('action=listShares'), [])
  const other = { name: 'other', permissions: ['*'] }
  const { key } = (await server.ask('POST /api/v2/keys', { json: other })).json
  await server.ask(`GET /api/v2/shares/${own.json.id}`, { key })
  await server.ask('GET /api/v2/shares?all=true', { key })
  await server.ask('GET /api/v2/s3/keys', { key })
  const question = { principal_id: id, permission: 'assets:read', bucket: 'holdfast' }
  await server.ask('POST /api/v2/access/explain', { json: question, key })
  for (const action of ['getShare', 'listShares', 'listS3Keys', 'explainAccess']) {
    const [row] = await rows(`action=${action}`)
    assert.equal(row?.actor_name, 'other', action)
  }
  const [explained] = await rows('action=explainAccess')
  assert.equal(explained.detail.principal_id, id)
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

test('what a spreadsheet takes for a formula, or for two cells, is neither in a CSV', async () => {
  const agents = ['@SUM(1)', 'a;=SUM(1);b; "+1', 'x\t=SUM(1)']
  for (const agent of agents)
    await server.ask('GET /api/v2/keys', { headers: { 'user-agent': agent } })
  await server.running.context.audit.flush()
  const csv = (await server.ask('GET /api/v2/audit/export?format=csv&action=listKeys')).text
  for (const cell of [`,'@SUM(1),`, `,"a;'=SUM(1);b;' ""+1",`, String.raw`,"x\u0009=SUM(1)",`]) {
    assert.ok(csv.includes(cell), cell)
  }
})

test('what a terminal would obey is written out in exports', async () => {
  // 0x9b alone begins a sequence of control; names in paths can hold any character.
  const headers = { 'user-agent': 'agent\x9b31m' }
  await server.ask('GET /api/v2/buckets/holdfast/assets/%1b%5b31m%c2%9b%e2%80%ae', {
    key: null,
    headers,
  })
  await server.running.context.audit.flush()
  const csv = (await server.ask('GET /api/v2/audit/export?format=csv')).text
  const lines = await exported()
  for (const text of [lines, csv]) {
    assert.doesNotMatch(text.replaceAll(/\r?\n/g, ''), /[\p{Cc}\p{Cf}]/u)
    assert.ok(text.includes(String.raw`agent\u009b31m`))
  }
  const rows = lines
    .trim()
    .split('\n')
    .map(line => JSON.parse(line))
  assert.ok(rows.some(({ agent }) => agent === 'agent\x9b31m'))
})

test('an exported row can be proven alone', async () => {
  const lines = (await exported()).trim().split('\n')
  const row = JSON.parse(lines.at(-1) ?? '')
  const { engine } = server.running.context
  const entry = [row.at, row.actor, row.actor_kind, row.actor_name, row.actor_type]
  const how = [row.ip, row.agent, row.request_id, row.session_id]
  const rest = [...how, row.action, row.outcome, row.severity, row.status, row.code]
  const text = JSON.stringify([row.seq, row.previous, ...entry, ...rest, row.resource, row.detail])
  assert.equal(hash('sha256', text), row.hash)
  const [key] = engine.auditKeys.ring
  const mac = createHmac('sha256', key.secret).update(`row\n${row.seq}\n${row.hash}`)
  assert.equal(row.seal, `${key.id}:${mac.digest('base64url')}`)
})

test('a log that was tampered with is found by the server', async () => {
  const sound = await server.ask('POST /api/v2/audit/verify')
  assert.deepEqual([sound.json.ok, sound.json.problems, sound.json.unproven], [true, [], []])
  const { head } = sound.json
  const later = await server.ask(`POST /api/v2/audit/verify?head=${head}`)
  assert.deepEqual([later.json.ok, later.json.rows], [true, Number(head.split(':')[0]) + 1])
  const lost = await server.ask(`POST /api/v2/audit/verify?head=99999:${'a'.repeat(64)}`)
  assert.match(lost.json.problems.join(), /end is cut off: rows \d+ to 99999 are missing/)
  const db = openDatabase(`${server.dir}/catalog.db`)
  db.exec(`UPDATE audits SET record = replace(record, 'known', 'unknown')`)
  db.close()
  const broken = await server.ask('POST /api/v2/audit/verify')
  assert.equal(broken.json.ok, false)
  assert.match(broken.json.problems.join(), /row \d+ was changed/)
})

test('a server whose log was cut starts, and says so wherever somebody looks', async () => {
  const dir = mkdtempSync(join(tmpdir(), 'holdfast-audit-'))
  const env = { STORAGE_AUDIT_KEY: 'an-audit-key-of-32-characters-001' }
  try {
    {
      await using first = await startServer({ dir, env })
      for (let n = 0; n < 5; n += 1) await first.ask('GET /api/v2/keys')
    }
    const db = openDatabase(`${dir}/catalog.db`)
    db.exec('DELETE FROM audits WHERE seq > 3')
    db.close()
    {
      await using cut = await startServer({ dir, env })
      const told = cut.logLines.map(line => JSON.parse(line))
      const line = told.find(({ message }) => message === 'THE AUDIT LOG IS BROKEN')
      assert.match(line.problems.join(), /end is cut off: rows 4 to \d+ are missing/)
      const health = await cut.ask('GET /health', { key: null })
      assert.deepEqual([health.status, health.json.status], [200, 'degraded'])
      assert.equal(health.json.checks.audit, 'degraded')
      const { items } = (await cut.ask('GET /api/v2/audit?action=audit.chain.broken')).json
      assert.deepEqual([items.length, items[0].seq, items[0].actor], [1, 4, 'system'])
      assert.equal((await cut.ask('POST /api/v2/audit/verify')).json.ok, false)
    }
    await using later = await startServer({ dir, env })
    assert.ok(later.logLines.join().includes('the audit log was found broken before'))
    assert.equal((await later.ask('POST /api/v2/audit/verify')).json.ok, false)
  } finally {
    rmSync(dir, { recursive: true, force: true })
  }
})

test('programs that look at a stopped store leave its audit log as it is', async () => {
  const dir = mkdtempSync(join(tmpdir(), 'holdfast-audit-'))
  const env = { STORAGE_AUDIT_KEY: 'an-audit-key-of-32-characters-001' }
  try {
    {
      await using first = await startServer({ dir, env })
      await first.ask('GET /api/v2/keys')
    }
    const before = readFileSync(`${dir}/notes/audit-head`, 'utf8')
    const { settings } = parseSettings({ env: { STORAGE_DATA_DIR: dir } })
    const store = await openOffline({ settings })
    const report = await store.verifyAudits()
    await store.close()
    assert.deepEqual(report.problems, [])
    assert.match(report.unproven.join(), /sealed with the key/)
    assert.equal(readFileSync(`${dir}/notes/audit-head`, 'utf8'), before)
    await using again = await startServer({ dir, env })
    const { json } = await again.ask('POST /api/v2/audit/verify')
    assert.deepEqual([json.ok, json.problems], [true, []])
  } finally {
    rmSync(dir, { recursive: true, force: true })
  }
})

test('health calls a broken log so until somebody acknowledges it, who is named', async () => {
  await using own = await startServer()
  const { context } = own.running
  const health = async () => {
    await context.health.check()
    return (await own.ask('GET /health', { key: null })).json.components.audit.status
  }
  await own.ask('GET /api/v2/keys')
  await context.audit.settle()
  assert.equal(await health(), 'up')
  const db = openDatabase(join(own.dir, 'catalog.db'))
  db.exec('DELETE FROM audits WHERE seq = (SELECT max(seq) FROM audits)')
  db.close()
  await own.ask('GET /api/v2/keys')
  await context.audit.settle()
  assert.equal(await health(), 'degraded')
  const json = { reason: 'the disk was put back from Monday' }
  const made = { name: 'auditor', permissions: ['audit:view', 'audit:export'] }
  const { key } = (await own.ask('POST /api/v2/keys', { json: made })).json
  const path = 'POST /api/v2/audit/acknowledge'
  refused(await own.ask(path, { json, key }), 403, 'FORBIDDEN')
  refused(await own.ask(path, { json: {} }), 422, 'VALIDATION_ERROR')
  assert.equal(await health(), 'degraded')
  const { findings } = (await own.ask(path, { json })).json
  assert.match(findings.join(), /tells that the log was found broken/)
  assert.equal(await health(), 'up')
  const { ok, problems, acknowledged } = (await own.ask('POST /api/v2/audit/verify')).json
  assert.deepEqual([ok, problems, acknowledged], [true, [], findings])
  const query = 'action=acknowledgeAudits&outcome=success'
  const [row] = (await own.ask(`GET /api/v2/audit?${query}`)).json.items
  assert.deepEqual([row.actor_name, row.detail.reason], ['administrator', json.reason])
})

test('nothing is acknowledged in a log that cannot be written', async () => {
  await using own = await startServer()
  await own.ask('GET /api/v2/keys')
  await own.running.context.audit.settle()
  const db = openDatabase(join(own.dir, 'catalog.db'))
  // No number is left behind it.
  const columns = 'at, actor, action, outcome, severity, actor_type, session, ip, record'
  db.exec(`INSERT INTO audits (seq, ${columns})
    SELECT 9223372036854775807, ${columns} FROM audits WHERE seq = 1`)
  db.close()
  await own.ask('GET /api/v2/keys')
  const json = { reason: 'somebody wrote there' }
  const refusal = await own.ask('POST /api/v2/audit/acknowledge', { json })
  refused(refusal, 503, 'STORAGE_UNAVAILABLE')
  assert.equal((await own.ask('POST /api/v2/audit/verify')).json.ok, false)
})

test('rows tell how grave they are, what kind of actor it was, and its login', async () => {
  const chief = { username: 'grave-chief', password: 'Correct-Horse-7-Battery' }
  const json = { ...chief, roles: ['ADMIN'], must_change_password: false }
  assert.equal((await server.ask('POST /api/v2/users', { json })).status, 201)
  const entered = await server.ask('POST /api/v2/auth/login', { json: chief, key: null })
  const headers = { authorization: `Bearer ${entered.json.access_token}` }
  const ask = async (line: string, body: object) =>
    await server.ask(line, { key: null, headers, json: body })
  assert.equal((await ask('POST /api/v2/groups', { name: 'grave' })).status, 201)
  refused(await ask('POST /api/v2/groups', { name: 'grave' }), 409, 'GROUP_EXISTS')
  refused(await server.ask('GET /api/v2/users', { key: null }), 401, 'UNAUTHENTICATED')
  const told = async (query: string) =>
    (await rows(query)).map(row => [row.action, row.severity, row.actor_type])
  const { sid } = JSON.parse(
    Buffer.from(entered.json.access_token.split('.')[1], 'base64url').toString(),
  )
  assert.deepEqual(await told(`session_id=${sid}`), [
    ['createGroup', 'error', 'admin_user'],
    ['createGroup', 'notice', 'admin_user'],
    ['login', 'info', 'admin_user'],
  ])
  assert.deepEqual(await told('action=listUsers&actor_type=anonymous&severity=warning'), [
    ['listUsers', 'warning', 'anonymous'],
  ])
  assert.deepEqual(await told('action=createUser&actor_type=service_account&limit=1'), [
    ['createUser', 'notice', 'service_account'],
  ])
  assert.equal((await server.ask('GET /api/v2/audit?severity=grave')).status, 422)
  const asCsv = `${server.url}/api/v2/audit/export?format=csv&session_id=${sid}`
  const csv = await (await fetch(asCsv, { headers: { 'x-api-key': adminKey } })).text()
  const [names = '', login = ''] = csv.split('\r\n')
  for (const [name, value] of Object.entries({ severity: 'info', session_id: sid })) {
    assert.equal(login.split(',')[names.split(',').indexOf(name)], value)
  }
})

test('a report tells of a period, and stands in the log itself', async () => {
  const own = await startServer({ env: { STORAGE_AUDIT_RETENTION_DAYS: '400' } })
  try {
    await own.ask('POST /api/v2/groups', { json: { name: 'reported' } })
    refused(await own.ask('GET /api/v2/audit/report', { key: null }), 401, 'UNAUTHENTICATED')
    const { status, json } = await own.ask('GET /api/v2/audit/report')
    assert.equal(status, 200)
    // With the row of the key that the settings give.
    assert.deepEqual([json.complete, json.rights_changes, json.rows], [true, 1, 3])
    assert.deepEqual([json.by_action.createGroup, json.by_severity.warning], [1, 1])
    const { ok, rows: all, key, retention_days: days } = json.chain
    const [{ id }] = own.running.context.engine.auditKeys.ring
    assert.deepEqual([ok, all, key, days], [true, 3, id, 400])
    const again = await own.ask('GET /api/v2/audit/report')
    assert.deepEqual([again.json.rows, again.json.administrative_reads], [4, 1])
    const wrong = await own.ask('GET /api/v2/audit/report?from=2026-02-02T00:00:00Z&to=x')
    assert.equal(wrong.status, 422)
  } finally {
    await own[Symbol.asyncDispose]()
  }
})

test('whatever only administrators may do or see has a row', () => {
  const table: Readonly<Record<string, Route>> = routes
  const theirs = Object.entries(table).filter(([, { permission }]) => {
    return /^(admin|audit):|:admin$/.test(permission)
  })
  assert.ok(theirs.length > 40)
  const silent = theirs.filter(([id, route]) => dutyOf(id, route, false) === 'none')
  assert.deepEqual(silent, [])
})

test('every change that must be told before its answer is about something', () => {
  const table: Readonly<Record<string, Route>> = routes
  const changes = Object.entries(table).filter(([id, route]) => {
    return dutyOf(id, route, false) === 'before-answer'
  })
  assert.ok(changes.length > 40)
  const told = new Set(changes.map(([id]) => id))
  for (const id of ['login', 'loginWithCode', 'redeemOpenId', 'issueToken', 'refresh', 'logout']) {
    assert.ok(told.has(id), id)
  }
  const nameless = changes.map(([id]) => id).filter(id => topicOf(id) === undefined)
  assert.deepEqual(nameless, [])
})
