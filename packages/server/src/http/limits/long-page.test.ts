import assert from 'node:assert/strict'
import { test } from 'node:test'
import { codesOf } from '@holdfast/contract/openapi.ts'
import { routes } from '@holdfast/contract/routes.ts'
import { type AskOptions, startServer, type TestServer } from '../../started-server.test.ts'

const user = { username: 'ann', password: 'Lower-Salmon-71-Kettle' }

for (const [what, line] of [
  ['a short page', 'GET /api/v2/assets?limit=50'],
  ['a long page', 'GET /api/v2/assets?limit=1000'],
  ['an archive', 'POST /api/v2/assets/batch-download'],
] as const) {
  test(`who is shut out while ${what} waits for its turn gets none`, async () => {
    await using server = await startServer()
    const put = await server.ask('PUT /api/v2/buckets/holdfast/assets/a', { body: 'a' })
    const roles = ['AUDITOR']
    const json = { ...user, roles, must_change_password: false }
    const made = await server.ask('POST /api/v2/users', { json })
    const { json: tokens } = await server.ask('POST /api/v2/auth/login', { json: user, key: null })
    const headers = { authorization: `Bearer ${tokens.access_token}` }
    const body = line.startsWith('POST') ? { json: { ids: [put.json.id] } } : {}
    const own: AskOptions = { key: null, headers, ...body }
    assert.equal((await server.ask(line, own)).status, 200)
    const { lists } = server.running.context.engine
    const next = lists.next.bind(lists)
    lists.next = async caller => {
      lists.next = next
      await next(caller)
      const shut = { json: { status: 'INACTIVE' } }
      assert.equal((await server.ask(`PUT /api/v2/users/${made.json.id}`, shut)).status, 200)
    }
    const late = await server.ask(line, own)
    assert.deepEqual([late.status, late.json.code], [401, 'UNAUTHENTICATED'])
  })
}

test('who is shut out while a page is written, a piece in a turn, gets none', async () => {
  await using server = await startServer()
  const fields = Array.from({ length: 5 }, (_, at) => [`f${at}`, 'x'.repeat(700)])
  const metadata = { 'x-metadata': JSON.stringify(Object.fromEntries(fields)) }
  for (let at = 0; at < 150; at += 1) {
    const put = { body: 'a', headers: metadata }
    const { status, text } = await server.ask(`PUT /api/v2/buckets/holdfast/assets/${at}`, put)
    assert.equal(status, 201, text)
  }
  const { json: key } = await server.ask('POST /api/v2/keys', {
    json: { name: 'k', permissions: ['assets:read', 'metadata:read'] },
  })
  const { lists } = server.running.context.engine
  const next = lists.next.bind(lists)
  let turns = 0
  let last = Number.POSITIVE_INFINITY
  lists.next = async caller => {
    await next(caller)
    turns += 1
    if (turns === last) await server.ask(`DELETE /api/v2/keys/${key.id}`)
  }
  const list = 'GET /api/v2/assets?limit=200'
  assert.equal((await server.ask(list, { key: key.key })).status, 200)
  assert.ok(turns > 1, 'it is written in several')
  last = turns
  turns = 0
  const late = await server.ask(list, { key: key.key })
  assert.deepEqual([turns, late.status], [last, 401])
})

/** A user who is logged in, how to ask as that user, and how to change its roles. */
async function person(server: TestServer, roles: readonly string[]) {
  const json = { ...user, roles, must_change_password: false }
  const made = await server.ask('POST /api/v2/users', { json })
  const { json: tokens } = await server.ask('POST /api/v2/auth/login', { json: user, key: null })
  const headers = { authorization: `Bearer ${tokens.access_token}` }
  return {
    ask: async (line: string) => await server.ask(line, { key: null, headers }),
    become: async (...next: string[]) => {
      const asked = await server.ask(`PUT /api/v2/users/${made.json.id}`, { json: { roles: next } })
      assert.equal(asked.status, 200, asked.text)
    },
  }
}

test('a list is found anew for who may less by then', async () => {
  await using server = await startServer()
  const put = await server.ask('PUT /api/v2/buckets/holdfast/assets/a', { body: 'a' })
  const ann = await person(server, ['ADMIN'])
  const { moments } = server.running.context.engine
  const read = moments.read.bind(moments)
  const versions = `GET /api/v2/assets/${put.json.id}/versions`
  assert.equal((await ann.ask(versions)).status, 200)
  moments.read = async (...given) => {
    moments.read = read
    await ann.become('READONLY')
    return await read(...given)
  }
  assert.deepEqual([(await ann.ask(versions)).status, moments.read], [404, read])
  await ann.become('ADMIN')
  let looks = 0
  moments.read = async (...given) => {
    looks += 1
    await ann.become('ADMIN', ...(looks % 2 === 1 ? ['AUDITOR'] : []))
    return await read(...given)
  }
  const late = await ann.ask(versions)
  assert.deepEqual([late.status, late.json.code, looks], [409, 'CHANGED_MEANWHILE', 5])
  assert.ok(codesOf(routes.listVersions).includes('CHANGED_MEANWHILE'))
})
