import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import { after, before, describe, test } from 'node:test'
import { setTimeout as delay } from 'node:timers/promises'
import type { PlacesPolicy, RatePolicy } from '@holdfast/core/ports/limit-store.ts'
import { RedisLimitStore } from '@holdfast/drivers/limits/redis/redis-limit-store.ts'
import { RedisFailure, RedisLink, scriptOf } from '@holdfast/drivers/limits/redis/redis-link.ts'
import { cryptoRandom } from '@holdfast/drivers/random/crypto-random.ts'
import { FakeClock } from '@holdfast/testkit/fake-clock.ts'
import { limitStoreSuite } from '@holdfast/testkit/limit-store-suite.ts'
import {
  type RedisServer,
  redisMissing,
  startRedis,
} from '@holdfast/testkit/limits/redis-server.ts'
import { type RedisTime, timedRunner } from './redis-time.ts'

const skip = redisMissing()
/** Long enough for the slowest machine: these tests are about counts, not about being quick. */
const TIMEOUT_MS = 60_000
const slow: RatePolicy = { name: 'slow', rate: { quota: 5, windowMs: 3_600_000 } }
const one: PlacesPolicy = { name: 'one', places: 1 }

let redis: RedisServer
let named = 0

before(async () => {
  if (skip === false) redis = await startRedis()
})
after(async () => {
  await redis?.[Symbol.asyncDispose]()
})

function openLink(): RedisLink {
  const at = { socket: redis.socket }
  const address = { at, tls: false, username: undefined, password: undefined, db: 0 }
  return new RedisLink(address, TIMEOUT_MS)
}

function storeAt({ socket }: RedisServer, timeoutMs: number) {
  const at = { socket }
  const address = { at, tls: false, username: undefined, password: undefined, db: 0 }
  const link = new RedisLink(address, timeoutMs)
  const parts = { link, clock: new FakeClock(), random: cryptoRandom, prefix: 'x:' }
  const store = new RedisLimitStore(parts)
  const close = async () => {
    await store[Symbol.asyncDispose]()
    await link[Symbol.asyncDispose]()
  }
  return { store, [Symbol.asyncDispose]: close }
}

async function ask(link: RedisLink, lua: string): Promise<unknown> {
  return await link.run(scriptOf(lua), [], [])
}

interface Opened extends AsyncDisposable {
  readonly store: RedisLimitStore
  readonly link: RedisLink
  readonly clock: FakeClock
  readonly time: RedisTime
}

/** Several with one prefix are processes that count together. */
async function open(prefix = `t${named++}:`, keysMax?: number): Promise<Opened> {
  const link = openLink()
  const clock = new FakeClock()
  const { runner, time } = await timedRunner(link, prefix)
  const store = new RedisLimitStore({ link: runner, clock, random: cryptoRandom, prefix }, keysMax)
  const close = async () => {
    await store[Symbol.asyncDispose]()
    await link[Symbol.asyncDispose]()
  }
  return { store, link, clock, time, [Symbol.asyncDispose]: close }
}

describe('limits in Redis', { skip }, () => {
  for (const keysMax of [500, 100_000]) {
    limitStoreSuite(`Redis with ${keysMax} keys`, async () => {
      const { store, time, ...opened } = await open(undefined, keysMax)
      return {
        store,
        elapse: ms => time.advance(ms),
        close: async () => await opened[Symbol.asyncDispose](),
      }
    })
  }

  test('processes count together, whoever asks', async () => {
    const prefix = `t${named++}:`
    await using here = await open(prefix)
    await using there = await open(prefix)
    await using stranger = await open()
    const stores = [here.store, there.store]
    const takes = await Promise.all(
      Array.from({ length: 40 }, (_, n) => (stores[n % 2] ?? here.store).take(slow, 'k')),
    )
    assert.equal(takes.filter(taken => taken.allowed).length, 5)
    assert.equal((await stranger.store.take(slow, 'k')).allowed, true)
    await here.store.giveBack(slow, 'k')
    assert.equal((await there.store.take(slow, 'k')).allowed, true)
    const stay = await here.store.enter(one, 'k')
    assert.equal((await there.store.enter(one, 'k')).allowed, false)
    await stay.leave()
    assert.equal((await there.store.enter(one, 'k')).allowed, true)
  })

  test('time is that of Redis, and every key ends by itself', async () => {
    const link = openLink()
    const prefix = `t${named++}:`
    const parts = { link, clock: new FakeClock(), random: cryptoRandom, prefix }
    const store = new RedisLimitStore(parts, 1)
    try {
      for (const key of ['a', 'b', 'c']) {
        for (let n = 0; n < 5; n += 1) await store.take(slow, key)
      }
      const refused = await store.take(slow, 'a')
      assert.equal(refused.allowed, false)
      assert.ok(refused.waitMs > 0 && refused.waitMs <= 720_000, `${refused.waitMs}`)
      const stay = await store.enter(one, 'k')
      const lives = await ask(
        link,
        `local lives = {}
        for _, key in ipairs(redis.call('KEYS', '${prefix}*')) do
          table.insert(lives, redis.call('PTTL', key))
        end
        return lives`,
      )
      assert.ok(Array.isArray(lives))
      assert.equal(lives.length, 4, 'own entries, pools, their seed, places')
      for (const life of lives) assert.ok(life > 0 && life <= 3_660_000, `${life}`)
      await stay.leave()
    } finally {
      await store[Symbol.asyncDispose]()
      await link[Symbol.asyncDispose]()
    }
  })

  test('a clock of Redis that is set back makes nobody wait for longer', async () => {
    await using opened = await open()
    const { store, time } = opened
    for (let n = 0; n < 5; n += 1) await store.take(slow, 'k')
    await time.advance(-86_400_000)
    const refused = await store.take(slow, 'k')
    assert.deepEqual([refused.allowed, refused.waitMs <= 720_000], [false, true])
    await time.advance(refused.waitMs + 1)
    assert.equal((await store.take(slow, 'k')).allowed, true)
  })

  test('nor does it keep the places of who died before', async () => {
    const prefix = `t${named++}:`
    await using dead = await open(prefix)
    await using opened = await open(prefix)
    const { store } = opened
    // One clock: the other one's is where Redis is.
    const { time } = dead
    await time.advance(86_400_000)
    await dead.store.enter(one, 'k')
    await time.advance(-86_400_000)
    assert.equal((await store.enter(one, 'k')).allowed, false)
    await time.advance(30_001)
    const stay = await store.enter(one, 'k')
    assert.equal(stay.allowed, true)
    // Who is alive keeps it.
    await time.advance(-86_400_000)
    assert.equal((await dead.store.enter(one, 'k')).allowed, false)
    for (let n = 0; n < 2; n += 1) {
      await time.advance(20_000)
      await store.renew()
    }
    assert.equal((await dead.store.enter(one, 'k')).allowed, false)
  })

  test('places are kept for who stays long, also by a Redis that began anew', async () => {
    const prefix = `t${named++}:`
    await using here = await open(prefix)
    await using there = await open(prefix)
    const stay = await here.store.enter(one, 'k')
    await here.time.advance(20_000)
    await here.store.renew()
    await here.time.advance(20_000)
    assert.equal((await there.store.enter(one, 'k')).allowed, false)
    await ask(here.link, `return redis.call('DEL', unpack(redis.call('KEYS', '${prefix}{pl*')))`)
    await here.store.renew()
    assert.equal((await there.store.enter(one, 'k')).allowed, false)
    await stay.leave()
    assert.equal((await there.store.enter(one, 'k')).allowed, true)
  })

  test('places are renewed without being asked for it', async () => {
    await using opened = await open()
    const { store, clock, time, link } = opened
    await store.enter(one, 'k')
    await time.advance(20_000)
    const lua = `return redis.call('ZCOUNT', '${time.prefix}{places:one}:k:k', ARGV[1], '+inf')`
    const renewed = async () =>
      await link.run(scriptOf(lua), [], [String(time.micros + 20_000_000)])
    assert.equal(await renewed(), 0)
    await clock.advance(10_000)
    // Under way now, on the same connection.
    for (let tries = 0; tries < 1000 && (await renewed()) !== 1; tries += 1) await delay(5)
    assert.equal(await renewed(), 1)
  })

  test('the places of a process that was killed are free when their lease ends', async () => {
    const prefix = `t${named++}:`
    await using opened = await open(prefix)
    const { store, time } = opened
    const fixture = join(import.meta.dirname, 'enter-and-stay.ts')
    const child = spawn(process.execPath, [fixture, redis.socket, prefix, String(time.micros)], {
      stdio: ['ignore', 'pipe', 'inherit'],
    })
    try {
      const [said] = await once(child.stdout, 'data')
      assert.equal(String(said), 'inside\n')
      assert.equal((await store.enter(one, 'k')).allowed, false)
    } finally {
      const ended = once(child, 'exit')
      child.kill('SIGKILL')
      await ended
    }
    assert.equal((await store.enter(one, 'k')).allowed, false)
    await time.advance(29_000)
    assert.equal((await store.enter(one, 'k')).allowed, false)
    await time.advance(1001)
    assert.equal((await store.enter(one, 'k')).allowed, true)
  })

  test('who stops in order leaves at once', async () => {
    const prefix = `t${named++}:`
    await using opened = await open(prefix)
    {
      await using leaving = await open(prefix)
      await leaving.store.enter(one, 'k')
    }
    assert.equal((await opened.store.enter(one, 'k')).allowed, true)
  })

  test('a Redis that goes away fails at once, and is found again', async () => {
    await using own = await startRedis()
    await using opened = storeAt(own, TIMEOUT_MS)
    const { store } = opened
    assert.equal((await store.take(slow, 'k')).allowed, true)
    await own.stop()
    await assert.rejects(store.take(slow, 'k'), RedisFailure)
    const stay = store.enter(one, 'k')
    await assert.rejects(stay, RedisFailure)
    await store.giveBack(slow, 'k')
    await own.start()
    let isFound = false
    for (let tries = 0; tries < 2000 && !isFound; tries += 1) {
      isFound = await store.probe().then(
        () => true,
        async () => await delay(10, false),
      )
    }
    assert.equal((await store.take(slow, 'k')).left, 4)
  })

  test('a Redis that hangs is waited for no longer than the timeout', async () => {
    await using own = await startRedis()
    await using opened = storeAt(own, 300)
    const { store } = opened
    own.freeze()
    await assert.rejects(store.take(slow, 'k'), RedisFailure)
    await assert.rejects(store.take(slow, 'k'), RedisFailure)
    own.thaw()
  })

  test('places are free once a Redis that hung goes on, whoever came or left', async () => {
    await using own = await startRedis()
    await using opened = storeAt(own, 300)
    const { store } = opened
    const other: PlacesPolicy = { name: 'other', places: 1 }
    const stay = await store.enter(one, 'k')
    own.freeze()
    await assert.rejects(store.enter(other, 'k'), RedisFailure)
    await stay.leave()
    own.thaw()
    const isFree = async (place: PlacesPolicy) => {
      await store.renew()
      const inside = await store.enter(place, 'k').catch(() => undefined)
      await inside?.leave()
      return inside?.allowed === true
    }
    // Their leases would last for 30 seconds more.
    const endAt = performance.now() + 15_000
    const free = new Set<PlacesPolicy>()
    while (free.size < 2 && performance.now() < endAt) {
      for (const place of [one, other]) if (await isFree(place)) free.add(place)
      await delay(20)
    }
    assert.deepEqual([...free].map(({ name }) => name).sort(), ['one', 'other'])
  })

  test('a wrong password is told as such, without it', async () => {
    await using own = await startRedis({ password: 'right-Canary-71' })
    const at = { socket: own.socket }
    for (const password of [undefined, 'wrong-Canary-72', 'right-Canary-71']) {
      const address = { at, tls: false, username: undefined, password, db: 0 }
      await using link = new RedisLink(address, TIMEOUT_MS)
      const parts = { link, clock: new FakeClock(), random: cryptoRandom, prefix: 'x:' }
      await using store = new RedisLimitStore(parts)
      const failure = await store.probe().then(
        () => undefined,
        (error: unknown) => error,
      )
      if (password?.startsWith('right') === true) {
        assert.equal(failure, undefined)
        continue
      }
      assert.ok(failure instanceof RedisFailure)
      assert.equal(failure.isRefusal, true, failure.message)
      const told = `${failure.stack} ${JSON.stringify(failure)} ${String(failure.cause)}`
      assert.ok(!told.includes('Canary'), told)
    }
  })
})
