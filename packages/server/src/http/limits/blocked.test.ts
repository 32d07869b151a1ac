import assert from 'node:assert/strict'
import { BlockList } from 'node:net'
import { test } from 'node:test'

import { MemoryLimitStore } from '@holdfast/drivers/limits/memory-limit-store.ts'
import { cryptoRandom } from '@holdfast/drivers/random/crypto-random.ts'
import { FakeClock } from '@holdfast/testkit/fake-clock.ts'
import { pino } from 'pino'
import { Metrics } from '../../telemetry/metrics.ts'
import { Limits } from './limits.ts'

test('an address that never comes back is forgotten when its time is over', async () => {
  const clock = new FakeClock()
  const credentials = { name: 'credentials', rate: { quota: 1, windowMs: 10_000 } }
  const none = { address: undefined, principal: undefined, bucket: undefined }
  const limits = new Limits({
    policies: {
      rates: { ...none, login: undefined, credentials },
      places: none,
      everyRequest: false,
    },
    store: new MemoryLimitStore({ clock, random: cryptoRandom }),
    metrics: new Metrics(() => Promise.reject(new Error('nobody asks'))),
    ...{ clock, proxies: new BlockList(), log: pino({ enabled: false }) },
  })
  await limits.countWrong('192.0.2.1')
  await clock.advance(5_000)
  await limits.countWrong('192.0.2.2')
  assert.equal(limits.mayConcern, true)
  await clock.advance(5_000)
  assert.equal(limits.isBlocked('192.0.2.2'), true)
  assert.equal(limits.blocksAny, true)
  await clock.advance(5_000)
  // Nobody has asked about either: requests go the short way again.
  assert.equal(limits.mayConcern, false)
  assert.equal(limits.blocksAny, false)
})
