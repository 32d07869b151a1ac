import assert from 'node:assert/strict'
import { test } from 'node:test'
import { startServer } from '../started-server.test.ts'

const preflight = (origin: string) => ({
  key: null,
  headers: {
    origin,
    'access-control-request-method': 'PUT',
    'access-control-request-headers': 'x-api-key,content-type',
  },
})

test('outside development only listed origins may call', async () => {
  const env = {
    STORAGE_ENVIRONMENT: 'testing',
    STORAGE_CORS_ORIGINS: 'https://app.example',
  }
  await using server = await startServer({ env })
  const good = await server.ask('OPTIONS /api/v2/assets', preflight('https://app.example'))
  assert.equal(good.status, 204)
  assert.equal(good.headers['access-control-allow-origin'], 'https://app.example')
  assert.equal(good.headers['access-control-allow-headers'], 'x-api-key,content-type')
  assert.equal(good.headers['access-control-allow-credentials'], undefined)
  const bad = await server.ask('OPTIONS /api/v2/assets', preflight('https://evil.example'))
  assert.equal(bad.headers['access-control-allow-origin'], undefined)
  const local = await server.ask('OPTIONS /api/v2/assets', preflight('http://localhost:4200'))
  assert.equal(local.headers['access-control-allow-origin'], undefined)
  const headers = { origin: 'https://app.example' }
  const get = await server.ask('GET /api/v2/assets', { headers })
  assert.equal(get.headers['access-control-allow-origin'], 'https://app.example')
  assert.match(String(get.headers['access-control-expose-headers']), /ETag/)
  assert.match(String(get.headers.vary), /Origin/)
  const failed = await server.ask('GET /api/v2/assets/x', { headers })
  assert.equal(failed.headers['access-control-allow-origin'], 'https://app.example')
})

test('a bucket may name origins of its own', async () => {
  await using server = await startServer({ env: { STORAGE_ENVIRONMENT: 'testing' } })
  const json = { name: 'web', cors_origins: ['https://web.example'] }
  await server.ask('POST /api/v2/buckets', { json })
  const ask = async (path: string) =>
    (await server.ask(`OPTIONS ${path}`, preflight('https://web.example'))).headers[
      'access-control-allow-origin'
    ]
  assert.equal(await ask('/api/v2/buckets/web/assets/x'), 'https://web.example')
  assert.equal(await ask('/api/v2/buckets/holdfast/assets/x'), undefined)
  assert.equal(await ask('/api/v2/buckets/%zz/assets/x'), undefined)
  assert.equal(await ask('/api/v2/assets'), undefined)
})

test('in development pages of this machine may call', async () => {
  await using server = await startServer()
  const local = await server.ask('OPTIONS /api/v2/assets', preflight('http://localhost:4200'))
  assert.equal(local.headers['access-control-allow-origin'], 'http://localhost:4200')
  for (const origin of ['http://localhost.evil.example', 'null', 'http://127.0.0.1.nip.io']) {
    const other = await server.ask('OPTIONS /api/v2/assets', preflight(origin))
    assert.equal(other.headers['access-control-allow-origin'], undefined, origin)
  }
})
