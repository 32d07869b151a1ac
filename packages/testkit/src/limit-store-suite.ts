import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import type { LimitStore, PlacesPolicy, RatePolicy } from '@holdfast/core/ports/limit-store.ts'
import type { LimitStoreUnderTest, OpenLimitStore } from './limits/under-test.ts'

const three: RatePolicy = { name: 'three', rate: { quota: 3, windowMs: 3000 } }
const wide: RatePolicy = { name: 'wide', rate: { quota: 100, windowMs: 600_000 } }
const two: PlacesPolicy = { name: 'two', places: 2 }

/** What every `LimitStore` must do; test names begin with the promise they hold to. */
export function limitStoreSuite(name: string, open: OpenLimitStore): void {
  const check = (title: string, body: (under: LimitStoreUnderTest) => Promise<void>) => {
    test(title, async () => {
      const under = await open()
      try {
        await body(under)
      } finally {
        await under.close()
      }
    })
  }
  describe(`limit store: ${name}`, () => {
    rateTests(check)
    keyTests(check)
    placeTests(check)
  })
}

type Check = (title: string, body: (under: LimitStoreUnderTest) => Promise<void>) => void

async function allowed(store: LimitStore, policy: RatePolicy, key: string): Promise<boolean> {
  return (await store.take(policy, key)).allowed
}

async function drain(store: LimitStore, policy: RatePolicy, key: string): Promise<number> {
  for (let taken = 0; taken < 1000; taken += 1) {
    if (!(await allowed(store, policy, key))) return taken
  }
  throw new Error('it never refuses')
}

function rateTests(check: Check): void {
  check('L1 all tokens are there at once, and what is left is told', async ({ store }) => {
    const left = []
    for (let n = 0; n < 3; n += 1) left.push((await store.take(three, 'k')).left)
    assert.deepEqual(left, [2, 1, 0])
    assert.equal(await allowed(store, three, 'k'), false)
  })
  check('L1 tokens come back one by one, not all at the end', async ({ store, elapse }) => {
    assert.equal(await drain(store, three, 'k'), 3)
    await elapse(1100)
    assert.equal(await drain(store, three, 'k'), 1)
    await elapse(2100)
    assert.equal(await drain(store, three, 'k'), 2)
  })
  check('L1 a key never saves up more than its quota', async ({ store, elapse }) => {
    await drain(store, three, 'k')
    await elapse(9500)
    assert.equal(await drain(store, three, 'k'), 3)
  })
  check('L2 a refusal costs nothing and tells the wait', async ({ store, elapse }) => {
    await drain(store, three, 'k')
    for (let n = 0; n < 50; n += 1) await store.take(three, 'k')
    const refused = await store.take(three, 'k')
    assert.equal(refused.allowed, false)
    assert.ok(refused.waitMs > 0 && refused.waitMs <= 1000, `${refused.waitMs}`)
    await elapse(refused.waitMs + 1)
    assert.equal(await allowed(store, three, 'k'), true)
  })
  check('L2 the last token tells the wait for the next one', async ({ store }) => {
    await store.take(three, 'k')
    assert.equal((await store.take(three, 'k')).waitMs, 0)
    const last = await store.take(three, 'k')
    assert.deepEqual([last.allowed, last.left], [true, 0])
    assert.ok(last.waitMs > 0 && last.waitMs <= 1000, `${last.waitMs}`)
  })
  check('L3 takes at the same time get no more than the quota', async ({ store }) => {
    const takes = await Promise.all(Array.from({ length: 500 }, () => store.take(wide, 'k')))
    assert.equal(takes.filter(taken => taken.allowed).length, 100)
  })
  check('L8 a key keeps its share of the tokens when its quota changes', async ({ store }) => {
    const of = (quota: number): RatePolicy => ({ name: 'own', rate: { quota, windowMs: 600_000 } })
    for (let n = 0; n < 5; n += 1) await store.take(of(10), 'k')
    assert.equal(await drain(store, of(100), 'k'), 50)
    assert.equal(await allowed(store, of(10), 'k'), false)
    assert.equal(await allowed(store, of(100_000), 'other'), true)
    assert.equal(await drain(store, of(4), 'fourth'), 4)
    await store.giveBack(of(4), 'fourth')
    assert.equal(await drain(store, of(4), 'fourth'), 1)
  })
  check('L6 a token that is given back is there again', async ({ store }) => {
    await drain(store, wide, 'k')
    await store.giveBack(wide, 'k')
    await store.giveBack(wide, 'k')
    assert.equal(await drain(store, wide, 'k'), 2)
  })
  check('L6 giving back what was not taken gives nothing', async ({ store }) => {
    for (let n = 0; n < 20; n += 1) await store.giveBack(wide, 'k')
    await store.take(wide, 'k')
    for (let n = 0; n < 20; n += 1) await store.giveBack(wide, 'k')
    assert.equal(await drain(store, wide, 'k'), 100)
  })
}

function keyTests(check: Check): void {
  check('L4 keys have tokens of their own, whatever they are called', async ({ store }) => {
    const keys = ['a', 'A', '', ':', 'a:b', 'a b', '\u0000', '__proto__', 'ü', 'x'.repeat(1000)]
    for (const key of keys) assert.equal(await drain(store, three, key), 3, JSON.stringify(key))
  })
  check('L4 policies have tokens of their own', async ({ store }) => {
    const other = { ...three, name: 'other' }
    assert.equal(await drain(store, three, 'k'), 3)
    assert.equal(await drain(store, other, 'k'), 3)
    assert.equal((await store.enter({ name: 'three', places: 1 }, 'k')).allowed, true)
  })
  check('L5 a flood of keys brings nobody their tokens back', async ({ store, size }) => {
    const { keysMax } = store.traits
    await drain(store, wide, 'mine')
    // Stores that remember very many are asked about a part of them.
    const flood = Math.min(3 * keysMax, 20_000)
    for (let n = 0; n < flood; n += 1) await store.take(wide, `flood ${n}`)
    assert.equal(await allowed(store, wide, 'mine'), false)
    if (size !== undefined) assert.ok(size() <= keysMax, `${size()} keys`)
  })
  check('L5 newcomers beyond the bound get few tokens together', async ({ store }) => {
    const { keysMax } = store.traits
    if (keysMax > 5000) return
    const one: RatePolicy = { name: 'one', rate: { quota: 1, windowMs: 600_000 } }
    let given = 0
    for (let n = 0; n < 20_000; n += 1) if (await allowed(store, one, `n${n}`)) given += 1
    assert.ok(given <= keysMax + 2000, `${given}`)
  })
  check('L5 room comes back with time', async ({ store, elapse }) => {
    const { keysMax } = store.traits
    if (keysMax > 5000) return
    for (let n = 0; n < keysMax; n += 1) await store.take(three, `early ${n}`)
    await elapse(3100)
    for (let n = 0; n < keysMax; n += 1) assert.equal(await drain(store, three, `late ${n}`), 3)
  })
}

function placeTests(check: Check): void {
  check('L7 no more than the places are inside', async ({ store }) => {
    const stays = await Promise.all(Array.from({ length: 9 }, () => store.enter(two, 'k')))
    assert.equal(stays.filter(stay => stay.allowed).length, 2)
    assert.deepEqual(
      stays.filter(stay => stay.allowed).map(stay => stay.left),
      [1, 0],
    )
    assert.equal((await store.enter(two, 'other')).allowed, true)
    for (const stay of stays) await stay.leave()
  })
  check('L7 leaving frees one place, once', async ({ store }) => {
    const first = await store.enter(two, 'k')
    const second = await store.enter(two, 'k')
    const refused = await store.enter(two, 'k')
    await refused.leave()
    assert.equal((await store.enter(two, 'k')).allowed, false)
    await first.leave()
    await first.leave()
    assert.equal((await store.enter(two, 'k')).allowed, true)
    assert.equal((await store.enter(two, 'k')).allowed, false)
    await second.leave()
    assert.equal((await store.enter(two, 'k')).allowed, true)
  })
  check('L7 an empty key is forgotten', async ({ store, size }) => {
    for (let n = 0; n < 100; n += 1) await (await store.enter(two, `k${n}`)).leave()
    if (size !== undefined) assert.equal(size(), 0)
  })
}
