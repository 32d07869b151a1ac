import assert from 'node:assert/strict'
import { test } from 'node:test'
import { startServer } from '../started-server.test.ts'

test('headers that drip in are cut, and others are served meanwhile', async () => {
  await using server = await startServer()
  const started = performance.now()
  const drips = Array.from({ length: 200 }, () => ['X-A: b\r\n', 100] as const).flat()
  const slow = Array.from({ length: 50 }, () => server.raw('GET / HTTP/1.1\r\n', ...drips))
  const silent = Array.from({ length: 5 }, () => server.raw())
  const answer = await server.ask('GET /health/live')
  assert.equal(answer.status, 200)
  for (const text of await Promise.all([...slow, ...silent])) assert.match(text, /^HTTP\/1\.1 408 /)
  assert.ok(performance.now() - started < 25_000)
})
