import assert from 'node:assert/strict'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import type { Route } from '@holdfast/contract/route.ts'
import { routes } from '@holdfast/contract/routes.ts'
import { lateEnv, runLateMatrix } from './late/late-matrix.ts'
import { openLab } from './open-lab.ts'

/** A matrix that became this small has lost something. */
const minimum = { 'late refused': 300, 'late let in': 55, audited: 280 }

test('who loses a right while a body comes is refused, by every route and operation', async () => {
  const dir = mkdtempSync(join(tmpdir(), 'holdfast-late-'))
  const counts = new Map<string, number>()
  const problems: string[] = []
  try {
    await using lab = await openLab(join(dir, 'data'), { env: lateEnv })
    await runLateMatrix(lab, {
      count: (name, by = 1) => counts.set(name, (counts.get(name) ?? 0) + by),
      pass: () => {},
      fail: what => problems.push(what),
    })
  } finally {
    rmSync(dir, { recursive: true, force: true })
  }
  assert.deepEqual(problems, [])
  const taking = Object.values<Route>(routes).filter(({ body }) => body !== undefined)
  assert.equal(counts.get('late routes'), taking.length)
  for (const [name, least] of Object.entries(minimum)) {
    assert.ok((counts.get(name) ?? 0) >= least, `only ${counts.get(name)} ${name}`)
  }
})
