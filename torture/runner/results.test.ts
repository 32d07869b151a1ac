import assert from 'node:assert/strict'
import { test } from 'node:test'
import { findPrograms } from './find-programs.ts'
import { parseOptions } from './options.ts'
import type { ProgramResult } from './program.ts'
import { verdictOf } from './results.ts'

const result: ProgramResult = {
  id: 'T00',
  name: 'none',
  length: 'short',
  seed: 1,
  commit: 'none',
  replay: 'none',
  startedAt: 'never',
  seconds: 0,
  passed: 0,
  failures: [],
  skipped: [],
  counts: {},
  figures: {},
}

test('only a program without failures passes, and one that ran no part is skipped', () => {
  assert.equal(verdictOf({ ...result, passed: 3 }), 'ok')
  assert.equal(verdictOf({ ...result, passed: 3, skipped: ['xfs: not installed'] }), 'ok')
  assert.equal(verdictOf({ ...result, passed: 3, failures: ['lost'] }), 'FAIL')
  assert.equal(verdictOf({ ...result, skipped: ['all: no root'] }), 'skip')
  assert.equal(verdictOf({ ...result, skipped: ['all: no root'], failures: ['lost'] }), 'FAIL')
})

test('every program states what a run must have counted, in both lengths', async () => {
  const programs = await findPrograms()
  assert.ok(programs.length >= 5)
  assert.equal(new Set(programs.map(({ id }) => id)).size, programs.length)
  for (const { id, minimum } of programs) {
    for (const length of ['short', 'long'] as const) {
      const least = Object.values(minimum[length])
      assert.ok(least.length > 0 && least.every(count => count > 0), `${id} ${length}`)
    }
  }
})

test('programs are named by number or name; what fits none is refused', async () => {
  const [first] = await findPrograms(['kill-loop'])
  assert.equal(first?.id, 'T01')
  await assert.rejects(findPrograms(['T99']), /no program T99/)
})

test('a short run repeats itself, a long one draws its seed, a bad seed is refused', () => {
  assert.equal(parseOptions(['--short']).seed, 1)
  assert.equal(parseOptions(['--long', '--seed', '7']).seed, 7)
  assert.ok(parseOptions(['--long']).seed > 1)
  assert.throws(() => parseOptions(['--seed', '0']), /--seed/)
  assert.throws(() => parseOptions(['--short', '--long']), /not both/)
})
