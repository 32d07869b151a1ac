import assert from 'node:assert/strict'
import { test } from 'node:test'
import { setTimeout as delay } from 'node:timers/promises'
import { startServer } from '../started-server.test.ts'
import { loggedPath } from './hidden-credentials.ts'

test('the credential of a link is never logged, whether or not its route is found', async () => {
  await using server = await startServer({ env: { STORAGE_LOG_LEVEL: 'trace' } })
  const token = 'c2VjcmV0LXRva2Vu.bm90LWZvci1sb2dz'
  for (const line of [
    `GET /api/v2/presigned/${token}`,
    `PATCH /api/v2/presigned/${token}`,
    `DELETE /api/v2/presigned/${token}?x=1`,
    `GET /api/v2/presigned/${token}/`,
    `GET //api/v2/presigned/${token}`,
    `GET /api/v2/presigned//${token}`,
    `GET /api/v2/%70resigned/${token}`,
    `GET /api/v2/presigned%2F${token}`,
    `GET /api/v2/%2570resigned%252f${token}`,
    `GET /API/v2/Presigned/${token}`,
    `GET /api/v2/presigned/%zz${token}`,
  ]) {
    await server.ask(line)
  }
  await server.ask('GET /api/v2/assets')
  await delay(50)
  assert.ok(server.logLines.some(line => line.includes('/api/v2/assets')))
  assert.ok(server.logLines.some(line => line.includes('(hidden)')))
  assert.deepEqual(
    server.logLines.filter(line => line.includes(token)),
    [],
  )
})

test('a key or token in an address is not logged', async () => {
  await using server = await startServer()
  const key = `hf_${'Ab-_5'.repeat(8)}xyz`
  const client = `hfc_${'Cd-_6'.repeat(8)}xyz`
  const token = 'eyJhbGciOiJSUzI1NiJ9.eyJzdWIiOiJ4In0.c2lnbmF0dXJl'
  for (const secret of [key, client, token, encodeURIComponent(token).replaceAll('e', '%65')]) {
    await server.ask(`GET /api/v2/assets/${secret}`)
    await server.ask(`GET /nothing/${secret}?token=${secret}`)
  }
  await delay(50)
  const log = server.logLines.join('\n')
  assert.equal(log.split('"path":"(hidden)"').length - 1, 8)
  for (const secret of [key, client, token]) assert.ok(!log.includes(secret.slice(-12)))
})

test('a credential at the S3 port, or in the place of a name, is written nowhere', async () => {
  const env = {
    STORAGE_BOOTSTRAP_S3_ACCESS_KEY_ID: 'HOLDFASTTESTKEY00001',
    STORAGE_BOOTSTRAP_S3_SECRET_ACCESS_KEY: 'test-secret-0123456789-abcdefghijklmnop',
  }
  await using server = await startServer({ env })
  const secrets = {
    key: `hf_${'Ab-_5'.repeat(8)}xyz`,
    client: `hfc_${'Cd-_6'.repeat(8)}xyz`,
    share: `hfs_${'Ef-_7'.repeat(8)}xyz`,
    token: 'eyJhbGciOiJSUzI1NiJ9.eyJzdWIiOiJ4In0.c2lnbmF0dXJl',
    link: 'c2VjcmV0LXRva2Vu.bm90LWZvci1sb2dz',
  }
  const { key, client, share, token, link } = secrets
  const paths = [key, `/kept-name/a/${client}`, `/s/${share}`, `/api/${token}/x`]
  for (const path of [...paths, `/api/v2/presigned/${link}`]) {
    assert.equal((await fetch(new URL(path, server.running.s3Url))).ok, false)
    assert.equal((await fetch(new URL(path, server.url))).ok, false)
  }
  await server.ask(`GET /api/v2/users/${key}`, { key: null })
  await server.ask(`GET /api/v2/buckets/kept-name/assets/${share}`, { key: null })
  await server.running.context.audit.flush()
  const rows = (await server.ask('GET /api/v2/audit?limit=100')).text
  assert.match(rows, /kept-name/)
  assert.ok(rows.includes('(hidden)'))
  await server.running.stop()
  const log = server.logLines.join('\n')
  assert.equal(log.split('"path":').length - 1, 13)
  for (const [name, secret] of Object.entries(secrets)) {
    assert.ok(!log.includes(secret.slice(-12)), `${name} is in the log`)
    assert.ok(!rows.includes(secret.slice(-12)), `${name} is in the audit log`)
  }
})

test('what only looks like a token is logged, however long it is', () => {
  const head = 'eyJhbGciOiJSUzI1NiJ9'
  for (const plain of ['/eyJ.a.b', '/eyJa.b', '/eyJa..b', '/eyJa.b/c', `/${'eyJ'.repeat(5200)}`]) {
    assert.equal(loggedPath(plain), plain.slice(0, 512))
  }
  for (const secret of [`/${head}.e30.x`, `/a.${head}.e30.x.y`, `/eyJeyJ=${head}.e30.-`]) {
    assert.equal(loggedPath(secret), '(hidden)')
  }
})

test('a path is logged in visible ASCII alone', () => {
  assert.equal(
    loggedPath('/a\u0000\n\u001b[31m b\u007f\u0085\u009b\u00e9\u00ff'),
    '/a%00%0A%1B[31m%20b%7F%85%9B%E9%FF',
  )
  assert.equal(loggedPath('/\u2028\ud800'), '/%E2%80%A8%EF%BF%BD')
  assert.equal(loggedPath('/a"b\\<c>%20'), '/a"b\\<c>%20')
})
