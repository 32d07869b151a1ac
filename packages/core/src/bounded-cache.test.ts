import assert from 'node:assert/strict'
import { test } from 'node:test'
import { BoundedCache } from './bounded-cache.ts'

test('what is used stays, what is not goes first', () => {
  const cache = new BoundedCache<number>(100)
  cache.set('used', 1)
  for (let number = 0; number < 1000; number += 1) {
    cache.set(`other ${number}`, number)
    assert.equal(cache.get('used'), 1)
  }
  assert.equal(cache.get('other 0'), undefined)
  assert.equal(cache.get('other 999'), 999)
})

test('the weight of all entries never exceeds the limit', () => {
  const cache = new BoundedCache<number>(1000)
  const weights = new Map<string, number>()
  for (let number = 0; number < 500; number += 1) {
    const weight = (number * 37) % 300
    cache.set(`entry ${number % 70}`, number, weight)
    weights.set(`entry ${number % 70}`, weight)
    if (number % 3 === 0) cache.delete(`entry ${(number * 7) % 70}`)
    if (number % 5 === 0) cache.get(`entry ${(number * 11) % 70}`)
  }
  let total = 0
  for (const [key, weight] of weights) if (cache.get(key) !== undefined) total += weight
  assert.ok(total > 0 && total <= 1000, String(total))
})

test('an entry that is replaced, deleted or too heavy is not found again', () => {
  const cache = new BoundedCache<string>(10)
  cache.set('a', 'first')
  cache.set('a', 'second')
  assert.equal(cache.get('a'), 'second')
  cache.set('a', 'too heavy', 6)
  assert.equal(cache.get('a'), undefined)
  cache.set('b', 'in the old generation by now', 5)
  cache.set('c', 'pushes', 5)
  cache.delete('b')
  assert.equal(cache.get('b'), undefined)
  cache.clear()
  assert.equal(cache.get('c'), undefined)
  const none = new BoundedCache<string>(0)
  none.set('d', 'nothing is kept')
  assert.equal(none.get('d'), undefined)
})
