import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { createRequire } from 'node:module'
import { type AddressInfo, connect, createServer, type Socket } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, describe, test } from 'node:test'
import { setTimeout as delay } from 'node:timers/promises'
import {
  type RedisServer,
  redisMissing,
  startRedis,
} from '@holdfast/testkit/limits/redis-server.ts'
import { refused, startServer, type TestServer } from '../../started-server.test.ts'

const skip = redisMissing()
const password = 'Canary-redis-5b1d'
let redis: RedisServer

before(async () => {
  if (skip === false) redis = await startRedis({ password })
})
after(async () => {
  await redis?.[Symbol.asyncDispose]()
})

/** Waiting long is no failure of these tests: they are about counts. */
function start(env: Record<string, string> = {}, url = redis.url): Promise<TestServer> {
  return startServer({
    env: { STORAGE_REDIS_URL: url, STORAGE_REDIS_TIMEOUT: '60', ...env },
  })
}

const asked = async (server: TestServer) => {
  return await server.ask('GET /api/v2/buckets/holdfast/assets/none')
}
const health = async (server: TestServer) => {
  await server.running.context.health.check()
  return await server.ask('GET /health/ready', { key: null })
}

async function until(isSo: () => Promise<boolean>): Promise<void> {
  for (let tries = 0; tries < 3000; tries += 1) {
    if (await isSo()) return
    await delay(10)
  }
  throw new Error('it never was so')
}

test('a server without Redis loads nothing of it', async () => {
  await using server = await startServer({ env: { STORAGE_RATE_LIMIT_ADDRESS: '9/1h' } })
  assert.equal((await asked(server)).status, 404)
  assert.equal((await health(server)).json.checks.redis, 'disabled')
  const loaded = Object.keys(createRequire(import.meta.url).cache)
  assert.deepEqual(
    loaded.filter(path => path.includes('ioredis')),
    [],
  )
})

test('an address of Redis that cannot be one is refused, and never told', async () => {
  for (const url of [
    `http://:${password}@host`,
    `redis://:${password}@`,
    `redis://:${password}@host/nine`,
    `redis://:${password}@host/0?x=1`,
    'redis://name@host',
    `unix://:${password}@host/path`,
    password,
  ]) {
    const failure = await startServer({ env: { STORAGE_REDIS_URL: url } }).then(
      async server => await server[Symbol.asyncDispose](),
      (error: unknown) => error,
    )
    assert.ok(failure instanceof Error, url)
    const told = JSON.stringify(failure)
    assert.match(told, /SETTINGS_INVALID.*STORAGE_REDIS_URL/)
    assert.ok(!told.includes(password), told)
  }
})

describe('limits in Redis', { skip }, () => {
  test('a server counts in Redis what its principals do, and says so', async () => {
    const env = { STORAGE_RATE_LIMIT_PRINCIPAL: '6/1h', STORAGE_REDIS_PREFIX: 'together:' }
    await using one = await start({ ...env, STORAGE_CONCURRENCY_LIMIT_ADDRESS: '50' })
    await using other = await start(env)
    // The key of the administrator has another id at each server.
    const each = await Promise.all(Array.from({ length: 8 }, () => asked(one)))
    assert.equal(each.filter(({ status }) => status === 404).length, 6)
    assert.equal((await asked(other)).status, 404)
    const ready = await health(one)
    assert.deepEqual([ready.status, ready.json.status], [200, 'ready'])
    assert.equal(ready.json.dependencies.redis.status, 'up')
    const metrics = await one.ask('GET /metrics', { key: null })
    assert.match(metrics.text, /^redis_connection_status\{use="limits"\} 1$/m)
    assert.match(metrics.text, /^storage_limits_without_redis_total 0$/m)
  })

  test('a bucket is limited at all servers together', async () => {
    const env = { STORAGE_RATE_LIMIT_BUCKET: '10/1h', STORAGE_REDIS_PREFIX: 'bucket:' }
    await using one = await start(env)
    await using other = await start(env)
    const path = '/api/v2/buckets/holdfast/assets/k'
    for (const server of [one, other]) await server.ask(`PUT ${path}`, { body: 'x' })
    const statuses = []
    for (let n = 0; n < 20; n += 1) {
      statuses.push((await (n % 2 === 0 ? one : other).ask(`GET ${path}`)).status)
    }
    assert.equal(statuses.filter(status => status === 200).length, 8)
    assert.deepEqual(
      statuses.slice(8),
      Array.from({ length: 12 }, () => 429),
    )
  })

  test('the limit of a service account is counted there, and no restart ends it', async () => {
    const dir = mkdtempSync(join(tmpdir(), 'holdfast-account-'))
    try {
      const env = { STORAGE_REDIS_PREFIX: 'account:' }
      let server = await startServer({ dir, env: { STORAGE_REDIS_URL: redis.url, ...env } })
      const fields = { name: 'runner', permissions: ['assets:*'], rate_limit: 1 }
      const made = await server.ask('POST /api/v2/service-accounts', { json: fields })
      const { client_id, client_secret } = made.json
      const json = { client_id, client_secret }
      const token = (await server.ask('POST /api/v2/auth/token', { json, key: null })).json
      const headers = { authorization: `Bearer ${token.access_token}` }
      const own = async () => await server.ask('GET /api/v2/assets', { key: null, headers })
      assert.equal((await own()).headers['x-ratelimit-remaining'], '0')
      await server[Symbol.asyncDispose]()
      server = await startServer({ dir, env: { STORAGE_REDIS_URL: redis.url, ...env } })
      refused(await own(), 429, 'RATE_LIMITED')
      await server[Symbol.asyncDispose]()
      const alone = { STORAGE_REDIS_URL: 'redis://127.0.0.1:1', STORAGE_REDIS_TIMEOUT: '1' }
      const without = { STORAGE_LIMITS_WITHOUT_REDIS: 'refuse' }
      server = await startServer({ dir, env: { ...alone, ...without } })
      refused(await own(), 503, 'LIMITS_UNAVAILABLE')
      // Whoever has no limit needs nobody who counts.
      assert.equal((await server.ask('GET /api/v2/assets')).status, 200)
      await server[Symbol.asyncDispose]()
    } finally {
      rmSync(dir, { recursive: true, force: true })
    }
  })

  test('while Redis is away each server counts for itself, says so, and comes back', async () => {
    await using own = await startRedis({ password })
    const env = { STORAGE_RATE_LIMIT_ADDRESS: '1000/1h' }
    await using server = await start(env, own.url)
    assert.equal((await asked(server)).status, 404)
    await own.stop()
    await until(async () => {
      assert.equal((await asked(server)).status, 404)
      return server.logLines.some(line => line.includes('Redis does not count limits'))
    })
    const ready = await health(server)
    assert.deepEqual([ready.status, ready.json.status], [200, 'degraded'])
    assert.deepEqual(
      [ready.json.checks.redis, ready.json.dependencies.redis.critical],
      ['down', false],
    )
    const metrics = await server.ask('GET /metrics', { key: null })
    assert.match(metrics.text, /^redis_connection_status\{use="limits"\} 0$/m)
    assert.match(metrics.text, /^storage_limits_without_redis_total [1-9]\d*$/m)
    await own.start()
    await until(async () => (await health(server)).json.checks.redis === 'up')
    assert.equal((await asked(server)).status, 404)
    assert.ok(server.logLines.some(line => line.includes('Redis counts limits again')))
    assert.ok(!server.logLines.join('').includes(password))
  })

  test('without an answer of Redis requests are refused where the settings want that', async () => {
    await using own = await startRedis({ password })
    await own.stop()
    const env = { STORAGE_RATE_LIMIT_ADDRESS: '1000/1h', STORAGE_LIMITS_WITHOUT_REDIS: 'refuse' }
    await using server = await start(env, own.url)
    refused(await asked(server), 503, 'LIMITS_UNAVAILABLE')
    const put = await server.ask('PUT /api/v2/buckets/holdfast/assets/k', { body: 'x' })
    refused(put, 503, 'LIMITS_UNAVAILABLE')
    const ready = await health(server)
    assert.deepEqual([ready.status, ready.json.checks.redis], [503, 'down'])
    await own.start()
    await until(async () => (await health(server)).status === 200)
    assert.equal((await asked(server)).status, 404)
  })

  test('a bucket that a caller may not know of is as if not there, without Redis too', async () => {
    await using own = await startRedis({ password })
    const env = { STORAGE_RATE_LIMIT_BUCKET: '100/1h', STORAGE_LIMITS_WITHOUT_REDIS: 'refuse' }
    await using server = await start(env, own.url)
    const json = { name: 'k', permissions: ['assets:read'], buckets: ['elsewhere'] }
    const made = (await server.ask('POST /api/v2/keys', { json })).json
    const seen = async (bucket: string) => {
      const line = `GET /api/v2/buckets/${bucket}/assets/k?`
      const { status, json } = await server.ask(line, { key: made.key ?? made.secret })
      return [status, json.code]
    }
    const before = [await seen('holdfast'), await seen('nowhere')]
    await own.stop()
    assert.deepEqual([await seen('holdfast'), await seen('nowhere')], before)
    refused(await server.ask('GET /api/v2/buckets/holdfast/assets/k?'), 503, 'LIMITS_UNAVAILABLE')
  })

  test('nobody guesses credentials faster because nobody may count', async () => {
    await using own = await startRedis({ password })
    await own.stop()
    const env = { STORAGE_RATE_LIMIT_CREDENTIALS: '2/2h', STORAGE_LIMITS_WITHOUT_REDIS: 'refuse' }
    await using server = await start(env, own.url)
    const guess = async (key: string) => await server.ask('GET /api/v2/assets', { key })
    refused(await guess('hf_wrong-1'), 401, 'UNAUTHENTICATED')
    refused(await guess('hf_wrong-2'), 429, 'RATE_LIMITED')
    assert.equal((await server.ask('GET /health/live', { key: null })).status, 200)
  })

  test('a Redis that does not let the server in ends its start without a secret', async () => {
    const wrong = redis.url.replace(password, 'Wrong-canary-9c')
    for (const url of [wrong, `unix://${redis.socket}`]) {
      const logs: string[] = []
      const logTo = { write: (line: string) => logs.push(line) }
      const failure = await startServer({ logTo, env: { STORAGE_REDIS_URL: url } }).then(
        async server => await server[Symbol.asyncDispose](),
        (error: unknown) => error,
      )
      assert.ok(failure instanceof Error, url)
      const told = `${JSON.stringify(failure)} ${failure.stack} ${logs.join('')}`
      assert.match(told, /SETTINGS_INVALID.*STORAGE_REDIS_URL.*(WRONGPASS|unauth|NOAUTH)/)
      assert.ok(!told.includes('anary'), told)
    }
  })
})

/** So it answers and counts nothing: a replica, without one where it is due, without room. */
const useless = [
  ['REPLICAOF', '127.0.0.1', '1'],
  ['CONFIG', 'SET', 'min-replicas-to-write', '1'],
  ['CONFIG', 'SET', 'maxmemory', '1'],
]

for (const words of useless) {
  const name = `a Redis that counts nothing (${words.join(' ')}) is left for the one at its address`
  test(name, { skip }, async () => {
    await using first = await startRedis()
    await using second = await startRedis()
    let behind = first.socket
    const open = new Set<Socket>()
    const address = createServer(from => {
      const to = connect(behind)
      for (const socket of [from, to]) open.add(socket.on('error', () => {}))
      from.pipe(to).pipe(from)
    }).listen(0, '127.0.0.1')
    await once(address, 'listening')
    const { port } = address.address() as AddressInfo
    const env = { STORAGE_RATE_LIMIT_ADDRESS: '1000/1h', STORAGE_LIMITS_WITHOUT_REDIS: 'refuse' }
    await using server = await start(env, `redis://127.0.0.1:${port}`)
    try {
      assert.equal((await asked(server)).status, 404)
      behind = second.socket
      const said = spawnSync('redis-cli', ['-s', first.socket, ...words])
      assert.equal(said.stdout.toString().trim(), 'OK')
      assert.equal((await asked(server)).status, 503, 'it counts nothing')
      await until(async () => (await asked(server)).status === 404)
    } finally {
      for (const socket of open) socket.destroy()
      address.close()
    }
  })
}
