import assert from 'node:assert/strict'
import { test } from 'node:test'
import { HoldfastError } from '@holdfast/core/errors.ts'
import type { AuditEntry } from '@holdfast/core/identities.ts'
import { adminKey, startServer, type TestServer } from '../../started-server.test.ts'

/** Rows of half a kilobyte each, so that a list of them is written in pieces. */
async function fillLog({ running }: TestServer, rows: number): Promise<void> {
  const { audit, clock } = running.context
  const entry: AuditEntry = {
    at: new Date(clock.now()).toISOString(),
    actor: 'filler',
    actorKind: 'system',
    actorName: 'filler',
    administers: false,
    ip: '127.0.0.1',
    agent: 'x'.repeat(512),
    requestId: 'filled',
    sessionId: null,
    action: 'fill',
    outcome: 'success',
    status: 200,
    code: null,
    resource: {},
    detail: {},
  }
  for (let at = 0; at < rows; at += 1) audit.record(entry)
  await audit.flush()
}

async function rowsOf({ running }: TestServer, requestId: string) {
  const { audit, engine } = running.context
  await audit.flush()
  const rows = await engine.catalog.view.audits.before(Number.MAX_SAFE_INTEGER, 50)
  return rows
    .filter(({ entry }) => entry.requestId === requestId)
    .map(({ entry }) => [entry.action, entry.outcome, entry.status, entry.code])
}

async function makeKey(server: TestServer): Promise<{ id: string; key: string }> {
  const json = { name: 'k', permissions: ['audit:view', 'audit:export'] }
  return (await server.ask('POST /api/v2/keys', { json })).json
}

test('a list that is refused while it is written has one row, of the refusal', async () => {
  await using server = await startServer()
  await fillLog(server, 900)
  const { id, key } = await makeKey(server)
  const { lists } = server.running.context.engine
  const next = lists.next.bind(lists)
  let turns = 0
  let last = Number.POSITIVE_INFINITY
  lists.next = async caller => {
    await next(caller)
    turns += 1
    if (turns === last) await server.ask(`DELETE /api/v2/keys/${id}`)
  }
  const ask = async (requestId: string) => {
    turns = 0
    const headers = { 'x-request-id': requestId }
    return await server.ask('GET /api/v2/audit?limit=1000', { key, headers })
  }
  const whole = await ask('written-whole')
  assert.equal(whole.status, 200)
  assert.ok(whole.text.length > 512 * 1024, 'it is written in pieces')
  last = turns
  assert.equal((await ask('shut-out-meanwhile')).status, 401)
  assert.equal(turns, last)
  assert.deepEqual(await rowsOf(server, 'written-whole'), [['listAudits', 'success', 200, null]])
  const refusal = ['listAudits', 'refused', 401, 'UNAUTHENTICATED']
  assert.deepEqual(await rowsOf(server, 'shut-out-meanwhile'), [refusal])
})

test('a list whose sender may other things while it is written is not sent', async () => {
  await using server = await startServer()
  await fillLog(server, 900)
  const ann = { username: 'ann', password: 'Lower-Salmon-71-Kettle' }
  const json = { ...ann, roles: ['ADMIN'], must_change_password: false }
  const { json: made } = await server.ask('POST /api/v2/users', { json })
  const { json: tokens } = await server.ask('POST /api/v2/auth/login', { json: ann, key: null })
  const { lists } = server.running.context.engine
  const next = lists.next.bind(lists)
  let turns = 0
  let last = Number.POSITIVE_INFINITY
  const become = { json: { roles: ['AUDITOR'] } }
  lists.next = async caller => {
    await next(caller)
    turns += 1
    if (turns === last) await server.ask(`PUT /api/v2/users/${made.id}`, become)
  }
  const ask = async (requestId: string) => {
    turns = 0
    const authorization = `Bearer ${tokens.access_token}`
    const headers = { authorization, 'x-request-id': requestId }
    const { status, json: told } = await server.ask('GET /api/v2/audit?limit=1000', {
      ...{ key: null, headers },
    })
    return [status, told.code]
  }
  assert.deepEqual(await ask('written-whole'), [200, undefined])
  last = turns
  assert.deepEqual(await ask('other-rights'), [409, 'CHANGED_MEANWHILE'])
  assert.deepEqual(await rowsOf(server, 'other-rights'), [])
  last = Number.POSITIVE_INFINITY
  assert.deepEqual(await ask('as-an-auditor'), [200, undefined])
})

test('a list that has no room in memory is not told as shown', async () => {
  await using server = await startServer()
  const { answers } = server.running.context
  answers.hold = () => {
    throw new HoldfastError('TOO_MANY_REQUESTS')
  }
  const headers = { 'x-request-id': 'without-room' }
  assert.equal((await server.ask('GET /api/v2/keys', { headers })).status, 429)
  assert.deepEqual(await rowsOf(server, 'without-room'), [])
})

test('an answer that breaks off after its head was out has a row that tells why', async () => {
  await using server = await startServer()
  await fillLog(server, 1200)
  const { id, key } = await makeKey(server)
  const { lists } = server.running.context.engine
  const next = lists.next.bind(lists)
  let turns = 0
  lists.next = async caller => {
    await next(caller)
    turns += 1
    if (turns === 2) gone.push((await server.ask(`DELETE /api/v2/keys/${id}`)).status)
  }
  const gone: number[] = []
  const headers = { 'x-api-key': key, 'x-request-id': 'broken-off' }
  const answer = await fetch(`${server.url}/api/v2/audit/export`, { headers })
  assert.equal(answer.status, 200)
  await assert.rejects(answer.text(), { name: 'TypeError' })
  assert.deepEqual(gone, [204])
  const broken = ['exportAudits', 'refused', 200, 'UNAUTHENTICATED']
  // The first one is older than the first byte.
  const begun = ['exportAudits', 'success', 200, null]
  assert.deepEqual(await rowsOf(server, 'broken-off'), [broken, begun])
  // Whoever takes all of it is told of as before.
  turns = 100
  const whole = { 'x-api-key': adminKey, 'x-request-id': 'taken-whole' }
  await (await fetch(`${server.url}/api/v2/audit/export`, { headers: whole })).text()
  assert.deepEqual(await rowsOf(server, 'taken-whole'), [['exportAudits', 'success', 200, null]])
})
