import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Route } from '@holdfast/contract/route.ts'
import { routes } from '@holdfast/contract/routes.ts'
import { startServer } from '../../started-server.test.ts'
import { isGuess } from '../limits/guesses.ts'
import { isProof } from './why-unauthenticated.ts'

const root = { username: 'root', password: 'Chief-Password-2026' }

test('a refused login, a refused token and none are told apart, wrong names not', async () => {
  await using server = await startServer({
    env: {
      STORAGE_INITIAL_ADMIN_USERNAME: root.username,
      STORAGE_INITIAL_ADMIN_PASSWORD: root.password,
    },
  })
  const told = async (line: string, options: Parameters<typeof server.ask>[1]) => {
    const { status, json } = await server.ask(line, { key: null, ...options })
    assert.deepEqual([status, json.code], [401, 'UNAUTHENTICATED'])
    return json.details
  }
  const login = 'POST /api/v2/auth/login'
  const wrong = await told(login, { json: { ...root, password: 'wrong' } })
  assert.deepEqual(wrong, { reason: 'the name or the password is wrong' })
  assert.deepEqual(await told(login, { json: { ...root, username: 'nobody' } }), wrong)
  const me = 'GET /api/v2/auth/me'
  assert.equal((await told(me, {})).credential, 'missing')
  assert.equal((await told(me, { key: 'hf_unknown' })).credential, 'refused')
  const { json } = await server.ask(login, { json: root, key: null })
  const headers = { authorization: `Bearer ${json.access_token}` }
  const confirm = 'POST /api/v2/auth/confirm'
  const again = await told(confirm, { headers, json: { password: 'wrong' } })
  assert.match(again.reason, /password or the code/)
  assert.equal((await told(confirm, { json: { password: 'wrong' } })).credential, 'missing')
})

test('every operation that takes a proof says which kind was wrong', () => {
  for (const [name, route] of Object.entries<Route>(routes)) {
    if (isGuess(route)) assert.ok(isProof(name), `${name} has no sentence`)
  }
})
