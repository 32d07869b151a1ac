import assert from 'node:assert/strict'
import { test } from 'node:test'
import { openRaw } from '../raw-client.test.ts'
import { startServer } from '../started-server.test.ts'

/** Whoever is shut out while a body comes changes nothing with it. */

const password = 'Correct-Horse-7-Battery'

test('an administrator who is dismissed meanwhile makes no other one', async () => {
  await using server = await startServer()
  const username = 'former'
  const json = { username, password, roles: ['ADMIN'], must_change_password: false }
  const { id } = (await server.ask('POST /api/v2/users', { json })).json
  const credentials = { json: { username, password }, key: null }
  const { access_token } = (await server.ask('POST /api/v2/auth/login', credentials)).json
  for (const change of [{ roles: ['USER'] }, { status: 'INACTIVE' }]) {
    await server.ask(`PUT /api/v2/users/${id}`, { json: { roles: ['ADMIN'] } })
    const body = JSON.stringify({ ...json, username: 'successor' })
    const head = [
      'POST /api/v2/users HTTP/1.1',
      'Host: x',
      `Authorization: Bearer ${access_token}`,
      'Content-Type: application/json',
      `Content-Length: ${body.length}`,
    ]
    const client = openRaw(server.port)
    client.send([...head, '', body.slice(0, 20)].join('\r\n'))
    const { load } = server.running.context
    for (let wait = 0; wait < 500 && load.active === 0; wait += 1) {
      await new Promise(resolve => setTimeout(resolve, 1))
    }
    // The one who asks is known by now.
    await server.ask('GET /api/v2/users?limit=1')
    assert.equal((await server.ask(`PUT /api/v2/users/${id}`, { json: change })).status, 200)
    const answer = await client.ask(body.slice(20))
    client.end()
    assert.match(answer, 'status' in change ? /^HTTP\/1\.1 401/ : /^HTTP\/1\.1 403/)
  }
  const users = (await server.ask('GET /api/v2/users')).text
  assert.ok(!users.includes('successor'))
})
