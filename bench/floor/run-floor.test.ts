import assert from 'node:assert/strict'
import { mkdtempSync, readdirSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { floorTable, runFloor } from './run-floor.ts'

// That every part is measured and gives a number, never how large it is.
test('the floor of a put alone is measured part by part, and nothing is left behind', async t => {
  const dir = mkdtempSync(join(tmpdir(), 'holdfast-floor-'))
  t.after(() => rmSync(dir, { recursive: true, force: true }))
  const only = 'PUT 4 KiB, 1 connection'
  const results = await runFloor({ rounds: 1, durationMs: 50, only, dir }, () => {})
  assert.equal(results.length, 1)
  const lines = results[0]?.lines ?? []
  assert.deepEqual(
    lines.map(({ name, ours }) => [name.replace(/(: |,).*/, ''), ours]),
    [
      ['Holdfast', true],
      ['node:http', false],
      ['a plain socket', false],
      ['SHA-256 of 4 KiB', false],
      ['message to a sleeping thread and back', false],
      ['rows of a put', false],
      ['append a put to laid-out space', false],
    ],
  )
  for (const { name, perSecond } of lines) assert.ok(perSecond > 0, name)
  assert.deepEqual(readdirSync(dir), [])
})

test('the table compares each part with Holdfast', () => {
  const line = (name: string, perSecond: number, ours: boolean) => {
    return { name, perSecond, ours, cpuMicros: 12.34 }
  }
  const table = floorTable([
    { name: 'work', lines: [line('Holdfast', 500, true), line('bare', 2000, false)] },
  ])
  const [, , ours, bare] = table.split('\n')
  assert.equal(ours, '| work | Holdfast | 500 | 12.3 |  |')
  assert.equal(bare, '|  | bare | 2,000 | 12.3 | 0.25 |')
})
