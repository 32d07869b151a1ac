import assert from 'node:assert/strict'
import { test } from 'node:test'
import { refused, startServer, type Tree } from '../../../started-server.test.ts'

const password = 'Correct-Horse-7-Battery'

test('sessions are listed and ended, by their user and by administrators', async () => {
  await using server = await startServer()
  const json = { username: 'ann', password, roles: ['USER'], must_change_password: false }
  const { id: userId } = (await server.ask('POST /api/v2/users', { json })).json
  const enter = async (agent: string): Promise<Tree> => {
    const credentials = { username: 'ann', password }
    const headers = { 'user-agent': agent }
    const answer = await server.ask('POST /api/v2/auth/login', {
      ...{ json: credentials, headers, key: null },
    })
    return { key: null, headers: { authorization: `Bearer ${answer.json.access_token}` } }
  }
  const [phone, laptop, lost] = [
    await enter('Phone/1 (of ann)'),
    await enter('Laptop/2'),
    await enter('x'.repeat(2000)),
  ]
  const shown = (await server.ask('GET /api/v2/auth/sessions', phone)).json
  assert.equal(shown.total, 3)
  assert.deepEqual(
    shown.items.map(({ agent, current }: Tree) => [agent.slice(0, 8), current]),
    [
      ['xxxxxxxx', false],
      ['Laptop/2', false],
      ['Phone/1 ', true],
    ],
  )
  assert.equal(shown.items[0].agent.length, 256)
  const wrong = { ...phone, json: { password: 'wrong' } }
  refused(await server.ask('POST /api/v2/auth/confirm', wrong), 401, 'UNAUTHENTICATED')
  const attempt = /^auth_attempts_total\{operation="confirmSession",result="UNAUTHENTICATED"\} 1$/m
  assert.match((await server.ask('GET /metrics')).text, attempt)
  const ended = await server.ask(`DELETE /api/v2/auth/sessions/${shown.items[0].id}`, phone)
  assert.equal(ended.status, 204)
  refused(await server.ask('GET /api/v2/auth/me', lost), 401, 'UNAUTHENTICATED')
  const others = await server.ask('DELETE /api/v2/auth/sessions?keep_current=true', phone)
  assert.deepEqual(others.json, { ended: 1 })
  refused(await server.ask('GET /api/v2/auth/me', laptop), 401, 'UNAUTHENTICATED')
  const path = `/api/v2/users/${userId}/sessions`
  refused(await server.ask(`GET ${path}`, phone), 403, 'FORBIDDEN')
  refused(await server.ask(`DELETE ${path}`, phone), 403, 'FORBIDDEN')
  const [left] = (await server.ask(`GET ${path}`)).json.items
  assert.deepEqual([left.current, left.ip], [false, '127.0.0.1'])
  assert.equal((await server.ask(`DELETE ${path}/${left.id}`)).status, 204)
  refused(await server.ask('GET /api/v2/auth/me', phone), 401, 'UNAUTHENTICATED')
  assert.deepEqual((await server.ask(`DELETE ${path}`)).json, { ended: 0 })
  assert.deepEqual((await server.ask('GET /api/v2/auth/sessions')).json.items, [])
  const { items } = (await server.ask('GET /api/v2/audit?action=endSessions')).json
  assert.deepEqual(items[0]?.detail, { ended: 1 })
})
