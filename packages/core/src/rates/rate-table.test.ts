import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { RateTable } from './rate-table.ts'

const options = { keysMax: 100, seed: 7 }

test('tokens are there at once, come back evenly, and never exceed the quota', () => {
  const table = new RateTable({ quota: 3, windowMs: 1000 }, options)
  assert.deepEqual(table.take('a', 0), { allowed: true, left: 2, waitMs: 0 })
  assert.deepEqual(table.take('a', 0), { allowed: true, left: 1, waitMs: 0 })
  const last = table.take('a', 0)
  assert.deepEqual([last.allowed, last.left, Math.ceil(last.waitMs)], [true, 0, 334])
  assert.deepEqual([table.take('a', 0).allowed, table.take('a', 333).allowed], [false, false])
  assert.equal(table.take('a', 334).allowed, true)
  assert.equal(table.take('a', 334).allowed, false)
  const later = Array.from({ length: 5 }, () => table.take('a', 1_000_000).allowed)
  assert.deepEqual(later, [true, true, true, false, false])
})

test('in no stretch of time does a key get more than the quota and what came back', () => {
  const rates = fc.record({
    quota: fc.integer({ min: 1, max: 50 }),
    windowMs: fc.integer({ min: 1, max: 100_000 }),
  })
  const gaps = fc.array(fc.double({ min: 0, max: 3000, noNaN: true }), { maxLength: 300 })
  fc.assert(
    fc.property(rates, gaps, (rate, waits) => {
      const table = new RateTable(rate, options)
      let nowMs = 0
      const given: number[] = []
      for (const wait of waits) {
        nowMs += wait
        const { allowed, waitMs } = table.take('k', nowMs)
        if (allowed) given.push(nowMs)
        // What is promised for later is given then.
        else assert.ok(waitMs > 0 && waitMs <= rate.windowMs / rate.quota + 1e-3)
      }
      for (const [from, start] of given.entries()) {
        const [to, end] = [given.length - 1, given.at(-1) ?? 0]
        const most = rate.quota + ((end - start) * rate.quota) / rate.windowMs
        assert.ok(to - from + 1 <= most + 1e-3, `${to - from + 1} in ${end - start} ms`)
      }
    }),
  )
})

test('a flood of keys neither fills the memory nor brings anybody their tokens back', () => {
  const table = new RateTable({ quota: 2, windowMs: 1000 }, options)
  table.take('mine', 0)
  table.take('mine', 0)
  for (let n = 0; n < 50_000; n += 1) table.take(`other ${n}`, 0)
  assert.ok(table.size <= 100)
  assert.equal(table.take('mine', 0).allowed, false)
})

test('beyond the memory newcomers get no tokens of their own, together not many', () => {
  const table = new RateTable({ quota: 2, windowMs: 1000 }, options)
  let given = 0
  for (let n = 0; n < 50_000; n += 1) if (table.take(`k${n}`, 0).allowed) given += 1
  assert.ok(given <= 100 + 2 * 1024, `${given}`)
  // The first hundred have their own: one token each was left.
  let again = 0
  for (let n = 0; n < 50_000; n += 1) if (table.take(`k${n}`, 499).allowed) again += 1
  assert.equal(again, 100)
})

test('who comes out of a pool brings its debts along', () => {
  const table = new RateTable({ quota: 2, windowMs: 1000 }, { ...options, keysMax: 1 })
  table.take('first', 0)
  table.take('second', 400)
  table.take('second', 400)
  // The memory is free again, and the pool is empty.
  assert.equal(table.take('second', 600).allowed, false)
  assert.equal(table.take('second', 900).allowed, true)
})

test('keys that have all their tokens are forgotten as others come', () => {
  const table = new RateTable({ quota: 2, windowMs: 1000 }, options)
  for (let n = 0; n < 100; n += 1) table.take(`early ${n}`, 0)
  assert.equal(table.size, 100)
  for (let n = 0; n < 100; n += 1) assert.equal(table.take(`late ${n}`, 2000).left, 1)
  assert.ok(table.size <= 100)
  for (let n = 0; n < 100; n += 1) assert.equal(table.take(`late ${n}`, 2000).left, 0)
})

test('what is given back can be taken again', () => {
  const table = new RateTable({ quota: 1, windowMs: 1000 }, options)
  assert.equal(table.take('a', 0).allowed, true)
  assert.equal(table.take('a', 0).allowed, false)
  table.giveBack('a')
  assert.equal(table.take('a', 0).allowed, true)
  assert.equal(table.take('a', 0).allowed, false)
  for (let n = 0; n < 9; n += 1) table.giveBack('a')
  assert.equal(table.take('a', 0).allowed, true)
  assert.equal(table.take('a', 0).allowed, false)
})
