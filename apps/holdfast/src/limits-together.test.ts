import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { connect } from 'node:net'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { createServer } from 'node:tls'
import { redisMissing, startRedis } from '@holdfast/testkit/limits/redis-server.ts'
import { adminKey, scratch, startServer, until } from './running-program.test.ts'

/** TLS in front of a Redis, with a certificate that only who is told trusts. */
async function encrypted(t: TestContext, socket: string, dir: string) {
  const [cert, key] = [join(dir, 'redis.crt'), join(dir, 'redis.key')]
  const kind = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes', '-days', '3650']
  const subject = ['-subj', '/CN=redis', '-addext', 'subjectAltName=IP:127.0.0.1']
  const args = ['req', '-x509', ...kind, ...subject, '-keyout', key, '-out', cert]
  execFileSync('openssl', args, { stdio: 'ignore' })
  const options = { cert: readFileSync(cert), key: readFileSync(key) }
  const proxy = createServer(options, outer => {
    const inner = connect(socket)
    inner.on('error', () => outer.destroy()).on('close', () => outer.destroy())
    outer.on('error', () => inner.destroy()).on('close', () => inner.destroy())
    outer.pipe(inner).pipe(outer)
  })
  proxy.on('tlsClientError', () => undefined)
  proxy.listen(0, '127.0.0.1')
  await once(proxy, 'listening')
  t.after(() => proxy.close())
  const address = proxy.address()
  assert.ok(typeof address === 'object' && address !== null)
  return { cert, url: `rediss://127.0.0.1:${address.port}/0` }
}

test('processes that share a Redis keep a limit together', { skip: redisMissing() }, async t => {
  await using redis = await startRedis()
  const dir = scratch(t)
  const env = {
    STORAGE_REDIS_URL: redis.url,
    STORAGE_REDIS_TIMEOUT: '60',
    STORAGE_RATE_LIMIT_ADDRESS: '20/24h',
  }
  const one = await startServer(t, join(dir, 'one'), { env })
  const tls = await encrypted(t, redis.socket, dir)
  const overTls = { ...env, STORAGE_REDIS_URL: tls.url }
  const trusting = { env: { ...overTls, NODE_EXTRA_CA_CERTS: tls.cert } }
  const other = await startServer(t, join(dir, 'other'), trusting)
  const ask = async (port: number) => {
    const url = `http://127.0.0.1:${port}/api/v2/assets`
    const answer = await fetch(url, { headers: { 'x-api-key': adminKey } })
    await answer.arrayBuffer()
    return answer.status
  }
  const ports = [one.port, other.port]
  const all = await Promise.all(Array.from({ length: 60 }, (_, n) => ask(ports[n % 2] ?? one.port)))
  assert.equal(all.filter(status => status === 200).length, 20)
  assert.equal(all.filter(status => status === 429).length, 40)
  // What was taken is not forgotten with the process that took it.
  await other.stop('SIGKILL')
  const again = await startServer(t, join(dir, 'other'), trusting)
  assert.equal(await ask(again.port), 429)
  // Nobody is believed to be that Redis without its certificate.
  const wary = await startServer(t, join(dir, 'wary'), { env: overTls })
  assert.equal(await ask(wary.port), 200)
  const told = /certificate.*Redis does not count limits/
  await until(() => told.exec(wary.running.output().stdout) ?? undefined)
})
