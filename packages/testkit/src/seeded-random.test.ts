import assert from 'node:assert/strict'
import { test } from 'node:test'
import { SeededRandom } from './seeded-random.ts'

test('one seed tells one story', () => {
  const a = new SeededRandom(7)
  const b = new SeededRandom(7)
  const other = new SeededRandom(8)
  assert.deepEqual(a.bytes(100), b.bytes(100))
  assert.equal(a.below(1000), b.below(1000))
  assert.notDeepEqual(a.bytes(16), other.bytes(16))
  assert.notDeepEqual(a.fork(1).bytes(16), a.fork(2).bytes(16))
  assert.deepEqual(a.fork(1).bytes(16), b.fork(1).bytes(16))
})

test('draws are in range and spread', () => {
  const random = new SeededRandom(1)
  const counts = new Array<number>(10).fill(0)
  for (let i = 0; i < 10_000; i += 1) counts[random.below(10)]! += 1
  assert.ok(
    counts.every(count => count > 800 && count < 1200),
    String(counts),
  )
  const kept = Array.from({ length: 1000 }, () => random.chance(0.25)).filter(Boolean).length
  assert.ok(kept > 180 && kept < 320, String(kept))
  assert.throws(() => random.pick([]), RangeError)
})
