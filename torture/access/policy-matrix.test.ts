import assert from 'node:assert/strict'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { routes } from '@holdfast/contract/routes.ts'
import { openLab } from './open-lab.ts'
import { runPolicyMatrix } from './policy/policy-matrix.ts'

/** A matrix that became this small has lost something. */
const minimum = { 'policy let in': 600, 'policy refused': 1000, 'policy actions': 60 }

test('every route does what policies allow and deny in their words, and nothing else', async () => {
  const dir = mkdtempSync(join(tmpdir(), 'holdfast-policy-'))
  const counts = new Map<string, number>()
  const problems: string[] = []
  try {
    await using lab = await openLab(join(dir, 'data'))
    await runPolicyMatrix(lab, {
      count: (name, by = 1) => counts.set(name, (counts.get(name) ?? 0) + by),
      pass: () => {},
      fail: what => problems.push(what),
    })
  } finally {
    rmSync(dir, { recursive: true, force: true })
  }
  assert.equal(problems.join('\n'), '')
  assert.equal(counts.get('policy operations'), Object.keys(routes).length)
  for (const [name, least] of Object.entries(minimum)) {
    assert.ok((counts.get(name) ?? 0) >= least, `only ${counts.get(name)} ${name}`)
  }
})
