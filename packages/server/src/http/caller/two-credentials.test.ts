import assert from 'node:assert/strict'
import { test } from 'node:test'
import { adminKey, refused, startServer } from '../../started-server.test.ts'

test('two different credentials are refused, each of which is good', async () => {
  await using server = await startServer()
  const json = { name: 'other', permissions: ['*'] }
  const { key: other } = (await server.ask('POST /api/v2/keys', { json })).json
  const credentials = { username: 'ann', password: 'Correct-Horse-7-Battery' }
  const user = { ...credentials, roles: ['ADMIN'], must_change_password: false }
  assert.equal((await server.ask('POST /api/v2/users', { json: user })).status, 201)
  const login = { json: credentials, key: null }
  const { access_token: token } = (await server.ask('POST /api/v2/auth/login', login)).json
  const path = '/api/v2/buckets/holdfast/assets/two.txt'
  assert.equal((await server.ask(`PUT ${path}`, { body: 'one' })).status, 201)
  for (const line of ['GET /api/v2/auth/me', `GET ${path}`, `PUT ${path}`]) {
    const body = line.startsWith('PUT') ? { body: 'two' } : {}
    const ask = async (key: string, bearer: string) => {
      const headers = { authorization: `Bearer ${bearer}` }
      return await server.ask(line, { ...body, key, headers })
    }
    for (const [key, bearer] of [
      [adminKey, other],
      [other, adminKey],
      [adminKey, token],
      [token, adminKey],
    ]) {
      refused(await ask(key, bearer), 401, 'UNAUTHENTICATED')
    }
    assert.ok((await ask(other, other)).status < 300, line)
  }
})
