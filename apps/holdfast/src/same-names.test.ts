import assert from 'node:assert/strict'
import { createHmac } from 'node:crypto'
import { join } from 'node:path'
import test from 'node:test'
import { scratch, startServer } from './running-program.test.ts'

const secret = 'a-secret-of-the-gateway-in-this-test'

test('nobody is taken for somebody else by a name of their own choice', async t => {
  const issuer = { issuer: 'gateway', audience: 'holdfast', algorithm: 'HS256', secret }
  const server = await startServer(t, join(scratch(t), 'data'), {
    env: {
      STORAGE_INITIAL_ADMIN_USERNAME: 'chief',
      STORAGE_INITIAL_ADMIN_PASSWORD: 'First-Password-1',
      STORAGE_EXTERNAL_ISSUERS: JSON.stringify([{ ...issuer, always: ['USER'] }]),
    },
  })
  const token = signed({ sub: 'eve', preferred_username: 'Chief' })
  const headers = { authorization: `Bearer ${token}` }
  const me = await (await fetch(`${server.url}/api/v2/auth/me`, { headers })).text()
  assert.match(me, /"Chief"/)
  const asked = await server.holdfast('users', 'deactivate', 'chief')
  assert.equal(asked.code, 2, asked.stdout)
  assert.match(asked.stderr, /more than one user.*\(local\)/)
})

function signed(claims: object): string {
  const now = Math.floor(Date.now() / 1000)
  const payload = { ...claims, iss: 'gateway', aud: 'holdfast', iat: now, exp: now + 600 }
  const text = [{ alg: 'HS256', typ: 'JWT' }, payload]
    .map(part => Buffer.from(JSON.stringify(part)).toString('base64url'))
    .join('.')
  return `${text}.${createHmac('sha256', secret).update(text).digest('base64url')}`
}
