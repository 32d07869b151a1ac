import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { LimitStore, PlacesPolicy, RatePolicy } from '@holdfast/core/ports/limit-store.ts'
import { FakeClock } from '@holdfast/testkit/fake-clock.ts'
import { limitStoreSuite } from '@holdfast/testkit/limit-store-suite.ts'
import { SeededRandom } from '@holdfast/testkit/seeded-random.ts'
import { FallbackLimitStore } from './fallback-limit-store.ts'
import { MemoryLimitStore } from './memory-limit-store.ts'

const three: RatePolicy = { name: 'three', rate: { quota: 3, windowMs: 3_600_000 } }
const one: PlacesPolicy = { name: 'one', places: 1 }

function memory(clock: FakeClock): MemoryLimitStore {
  return new MemoryLimitStore({ clock, random: new SeededRandom(1) }, 500)
}

/** A store that others use as well, and that can be away. */
function outsideStore(store: LimitStore) {
  const state = { isAway: false, asked: 0 }
  const reach = () => {
    state.asked += 1
    if (state.isAway) throw new Error('away')
  }
  const outside = {
    traits: { ...store.traits, shared: true },
    take: async (policy: RatePolicy, key: string) => {
      reach()
      return await store.take(policy, key)
    },
    giveBack: async (policy: RatePolicy, key: string) => {
      reach()
      await store.giveBack(policy, key)
    },
    enter: async (policy: PlacesPolicy, key: string) => {
      reach()
      return await store.enter(policy, key)
    },
    probe: async () => reach(),
    [Symbol.asyncDispose]: () => store[Symbol.asyncDispose](),
  }
  return { outside, state }
}

function open(without: 'local' | 'refuse' = 'local') {
  const clock = new FakeClock()
  const theirs = memory(clock)
  const { outside, state } = outsideStore(theirs)
  const news: string[] = []
  const onChange = (to: string, reason: string) => news.push(`${to} ${reason}`)
  const local = memory(clock)
  const store = new FallbackLimitStore({ outside, local, without, clock, onChange })
  return { store, theirs, local, state, clock, news }
}

limitStoreSuite('outside, with this process behind it', async () => {
  const { store, local, clock } = open()
  return {
    store,
    elapse: ms => clock.advance(ms),
    // What is counted twice must be forgotten twice.
    size: () => local.size,
    close: () => store[Symbol.asyncDispose](),
  }
})

test('a store that goes away is not asked again until a probe found it', async () => {
  const opened = open()
  const { state, clock, news } = opened
  await using store = opened.store
  assert.equal(await store.begin(), undefined)
  await store.take(three, 'k')
  state.isAway = true
  await store.take(three, 'k')
  assert.deepEqual(news, ['down away'])
  const { asked } = state
  for (let n = 0; n < 20; n += 1) await store.take(three, `k${n}`)
  assert.equal(state.asked, asked)
  assert.deepEqual([store.trouble, store.missed], ['away', 21])
  await clock.advance(3000)
  assert.equal(state.asked, asked + 3)
  state.isAway = false
  await clock.advance(1000)
  assert.deepEqual([store.trouble, news], [undefined, ['down away', 'up ']])
  assert.equal((await store.take(three, 'k')).left, 1)
})

test('its going away gives nobody new tokens or places of this process', async () => {
  const opened = open()
  const { state } = opened
  await using store = opened.store
  const taken = []
  for (let n = 0; n < 3; n += 1) taken.push((await store.take(three, 'k')).allowed)
  const stay = await store.enter(one, 'k')
  state.isAway = true
  assert.deepEqual(taken, [true, true, true])
  assert.equal((await store.take(three, 'k')).allowed, false)
  assert.equal((await store.enter(one, 'k')).allowed, false)
  assert.equal((await store.take(three, 'other')).allowed, true)
  await store.giveBack(three, 'k')
  assert.equal((await store.take(three, 'k')).allowed, true)
  await stay.leave()
  assert.equal((await store.enter(one, 'k')).allowed, true)
})

test('what others took there counts, and what is refused there costs nothing here', async () => {
  const opened = open()
  const { theirs, state } = opened
  await using store = opened.store
  for (let n = 0; n < 3; n += 1) await theirs.take(three, 'k')
  assert.equal((await store.take(three, 'k')).allowed, false)
  state.isAway = true
  assert.equal((await store.take(three, 'k')).left, 2)
})

test('whatever has a limit is refused while it is away, where the settings want that', async () => {
  const opened = open('refuse')
  const { state, clock } = opened
  await using store = opened.store
  state.isAway = true
  assert.ok((await store.begin()) instanceof Error)
  const refused = { code: 'LIMITS_UNAVAILABLE' }
  await assert.rejects(store.take(three, 'k'), refused)
  await assert.rejects(store.enter(one, 'k'), refused)
  await store.giveBack(three, 'k')
  state.isAway = false
  await clock.advance(1000)
  assert.equal((await store.take(three, 'k')).left, 2)
})

test('it stops while it looks for a store that is away', async () => {
  const { store, state, clock } = open()
  state.isAway = true
  await store.take(three, 'k')
  await store[Symbol.asyncDispose]()
  assert.equal(clock.sleeping, 0)
})
