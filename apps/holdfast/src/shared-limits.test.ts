import assert from 'node:assert/strict'
import { join } from 'node:path'
import { test } from 'node:test'
import { redisMissing, startRedis } from '@holdfast/testkit/limits/redis-server.ts'
import { adminKey, scratch, startServer } from './running-program.test.ts'

test('processes that share a Redis keep a limit together', { skip: redisMissing() }, async t => {
  await using redis = await startRedis()
  const dir = scratch(t)
  const env = {
    STORAGE_REDIS_URL: redis.url,
    STORAGE_REDIS_TIMEOUT: '60',
    STORAGE_RATE_LIMIT_ADDRESS: '20/24h',
  }
  const one = await startServer(t, join(dir, 'one'), { env })
  const other = await startServer(t, join(dir, 'other'), { env })
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
  const again = await startServer(t, join(dir, 'other'), { env })
  assert.equal(await ask(again.port), 429)
})
