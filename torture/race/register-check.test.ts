import assert from 'node:assert/strict'
import { test } from 'node:test'
import { type KeyRead, type KeyWrite, registerProblems } from './register-check.ts'

const write = (
  value: number,
  [beganMs, endedMs]: [number, number],
  outcome: KeyWrite['outcome'] = 'ok',
): KeyWrite => ({
  value,
  beganMs,
  endedMs: outcome === 'unknown' ? Number.POSITIVE_INFINITY : endedMs,
  outcome,
})
const read = (value: number, [beganMs, endedMs]: [number, number]): KeyRead => {
  return { value, beganMs, endedMs }
}
const problems = (writes: KeyWrite[], reads: KeyRead[]) =>
  registerProblems(writes, reads).map(({ problem }) => problem.replace(/^shows \d+,? ?/, ''))

test('reads that fit an order of the writes are no problem', () => {
  const writes = [write(1, [0, 10]), write(2, [5, 20]), write(0, [30, 40]), write(3, [35, 50])]
  const reads = [
    read(0, [0, 3]),
    read(1, [1, 2]),
    read(2, [12, 13]),
    read(1, [6, 19]),
    read(0, [36, 37]),
    read(3, [60, 61]),
    // The delete may come last of the two.
    read(0, [60, 61]),
  ]
  assert.deepEqual(problems(writes, reads), [])
})

test('a stale read is one, and so is a lost update', () => {
  const writes = [write(1, [0, 10]), write(2, [20, 30])]
  assert.deepEqual(problems(writes, [read(1, [31, 32])]), ['but a later write was done before'])
  assert.deepEqual(problems(writes, [read(0, [31, 32])]), [
    'is gone, though it was written and no delete came after',
  ])
})

test('what was seen may not go back, though nobody acknowledged it', () => {
  const writes = [write(1, [0, 10]), write(2, [20, 0], 'unknown')]
  assert.deepEqual(problems(writes, [read(2, [21, 22]), read(1, [30, 31])]), [
    'but a later write was done before',
  ])
  assert.deepEqual(problems(writes, [read(1, [21, 22]), read(2, [30, 31])]), [])
})

test('a value after its delete, from nowhere, refused, or from the future', () => {
  const writes = [write(1, [0, 10]), write(0, [20, 30]), write(4, [0, 10], 'no')]
  assert.deepEqual(problems(writes, [read(1, [31, 32])]), ['but a later write was done before'])
  assert.deepEqual(problems(writes, [read(9, [31, 32])]), ['which nobody wrote'])
  assert.deepEqual(problems(writes, [read(4, [15, 16])]), ['which was refused'])
  assert.deepEqual(problems([write(1, [10, 20])], [read(1, [1, 2])]), ['before it was sent'])
})

test('a delete without an answer explains a key that is gone, for good', () => {
  const writes = [write(1, [0, 10]), write(0, [20, 0], 'unknown')]
  assert.deepEqual(problems(writes, [read(1, [30, 31]), read(0, [40, 41])]), [])
  assert.deepEqual(problems([write(1, [0, 10]), write(0, [20, 30], 'no')], [read(0, [40, 41])]), [
    'is gone, though it was written and no delete came after',
  ])
})
