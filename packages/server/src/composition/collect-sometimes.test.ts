import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Clock } from '@holdfast/core/ports/clock.ts'
import { startServer, type TestServer } from '../started-server.test.ts'
import { collectSometimes } from './collect-sometimes.ts'

const HOUR_MS = 3_600_000

async function withDead(count: number): Promise<TestServer> {
  const env = { STORAGE_GARBAGE_INTERVAL: '0', STORAGE_GARBAGE_GRACE: '0' }
  const server = await startServer({ env })
  for (let i = 0; i < count; i += 1) {
    const path = `/api/v2/buckets/holdfast/assets/k${i}`
    assert.equal((await server.ask(`PUT ${path}`, { body: `content ${i}` })).status, 201)
    assert.equal((await server.ask(`DELETE ${path}?hard_delete=true`)).status, 204)
  }
  await server.running.context.clock.sleep(2)
  return server
}

/** One interval goes by at once, and the next never; `rested` is called at each other sleep. */
function hourly(clock: Clock, stop: AbortController, rested: () => void): Clock {
  let hours = 0
  return {
    now: () => clock.now(),
    monotonic: () => clock.monotonic(),
    async sleep(ms, signal) {
      if (ms === HOUR_MS) hours += 1
      else rested()
      if (hours > 1) stop.abort()
      signal?.throwIfAborted()
    },
  }
}

async function collect(server: TestServer, rested: (stop: AbortController) => void = () => {}) {
  const { engine, clock } = server.running.context
  const stop = new AbortController()
  const lines: { blobs: number; more: boolean }[] = []
  const errors: unknown[] = []
  const log = {
    info: (line: { blobs: number; more: boolean }) => lines.push(line),
    error: (line: unknown) => errors.push(line),
  }
  const ownClock = hourly(clock, stop, () => rested(stop))
  const settings = { garbageSeconds: HOUR_MS / 1000 }
  const of = { engine: { ...engine, clock: ownClock }, clock: ownClock, settings, log, limit: 3 }
  await collectSometimes(of, stop.signal)
  assert.deepEqual(errors, [])
  const { deadBlobs } = await engine.catalog.view.blobs.totals()
  return { told: lines.map(({ blobs, more }) => [blobs, more]), deadBlobs }
}

test('goes on in the same interval until nothing dead is left, and tells of each run', async () => {
  await using server = await withDead(7)
  const { told, deadBlobs } = await collect(server)
  assert.deepEqual(told, [
    [3, true],
    [3, true],
    [1, false],
  ])
  assert.equal(deadBlobs, 0)
})

test('ends between two batches when the server stops', async () => {
  await using server = await withDead(7)
  const { told, deadBlobs } = await collect(server, stop => stop.abort())
  assert.deepEqual(told, [])
  assert.ok(deadBlobs > 0)
})
