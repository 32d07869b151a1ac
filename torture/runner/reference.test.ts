import assert from 'node:assert/strict'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { findPrograms } from './find-programs.ts'
import type { ProgramResult } from './program.ts'
import { readReference, updateReference, withFigures } from './reference.ts'

const root = join(import.meta.dirname, '..', '..')
const kept = readReference(join(root, 'torture', 'results', 'reference.json'))
const result: ProgramResult = {
  id: 'T01',
  name: 'one',
  length: 'short',
  seed: 1,
  commit: 'none',
  replay: 'none',
  startedAt: 'never',
  seconds: 3.2,
  passed: 1,
  failures: [],
  skipped: [],
  counts: { kills: 7 },
  figures: { 'slowest ms': 1.4 },
}

test('the fault table tells the figures that are kept with the sources', () => {
  const table = readFileSync(join(root, 'docs', 'testing.md'), 'utf8')
  assert.equal(table, withFigures(table, kept), '`npm run torture -- --reference` writes them')
})

test('every program has figures, and reached its minimum counts in them', async () => {
  for (const { id, minimum } of await findPrograms()) {
    const found = kept.find(one => one.id === id)
    assert.ok(found, `no figures of ${id}`)
    for (const [name, least] of Object.entries(minimum[found.length])) {
      assert.ok((found.counts[name] ?? 0) >= least, `${id}: ${found.counts[name]} ${name}`)
    }
  }
})

test('a failed or skipped run gives no figures, a later one takes the place of an earlier', () => {
  const dir = mkdtempSync(join(tmpdir(), 'holdfast-reference-'))
  try {
    const file = join(dir, 'reference.json')
    updateReference(file, [result, { ...result, id: 'T02', failures: ['lost'] }])
    updateReference(file, [{ ...result, id: 'T03', skipped: ['xfs: not installed'] }])
    updateReference(file, [{ ...result, counts: { kills: 8 } }])
    assert.deepEqual(
      readReference(file).map(({ id, counts }) => [id, counts]),
      [['T01', { kills: 8 }]],
    )
  } finally {
    rmSync(dir, { recursive: true })
  }
})

test('figures stand once for each program, and other rows stay as they are', () => {
  const table = '| a | b | T01 `one` | x |\n| a | b | T01 `one` | x |\n| a | b | `t.ts` | x |'
  assert.equal(
    withFigures(table, [result]),
    '| a | b | T01 `one` | kills 7, slowest ms 1; 0 failures in 3 s |\n' +
      '| a | b | T01 `one` | see T01 above |\n| a | b | `t.ts` | x |',
  )
})
