import assert from 'node:assert/strict'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { profileSummary } from './profile-summary.ts'

test('time of a function is its own, all its places in the tree together, without idling', t => {
  const dir = mkdtempSync(join(tmpdir(), 'holdfast-bench-'))
  t.after(() => rmSync(dir, { recursive: true, force: true }))
  const hot = { functionName: 'hot', url: 'file:///x/packages/engine/src/hot.ts', lineNumber: 4 }
  const idle = { functionName: '(idle)', url: '', lineNumber: -1 }
  const cold = { functionName: '', url: 'file:///x/apps/cold.ts', lineNumber: 0 }
  const profile = {
    nodes: [hot, idle, cold, hot].map((callFrame, index) => ({ id: index + 1, callFrame })),
    samples: [1, 2, 3, 4],
    timeDeltas: [1_000_000, 5_000_000, 1_000_000, 2_000_000],
  }
  writeFileSync(join(dir, 'CPU.1.cpuprofile'), JSON.stringify(profile))
  const text = profileSummary(dir)
  assert.match(text, /busy 4\.00 of 9\.00 s/)
  assert.match(text, /75\.0 % {2}hot {2}packages\/engine\/src\/hot\.ts:5/)
  assert.match(text, /25\.0 % {2}\(anonymous\) {2}apps\/cold\.ts:1/)
  assert.doesNotMatch(text, /\(idle\)/)
})
