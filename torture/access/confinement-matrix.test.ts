import assert from 'node:assert/strict'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { runConfinement } from './confinement/confinement-matrix.ts'
import { runShareBounds } from './confinement/share-bounds.ts'
import { type Lab, openLab } from './open-lab.ts'
import type { MatrixReport } from './rest/matrix.ts'

test('no route lets a confined credential out, or takes for one what is none', async () => {
  // One that became this small has lost something.
  await holds(runConfinement, { refused: 1000, operations: 80 })
})

test('a share link opens nothing but its place, and nothing without its password', async () => {
  await holds(runShareBounds, { 'share refused': 120 })
})

async function holds(
  run: (lab: Lab, report: MatrixReport) => Promise<void>,
  minimum: Readonly<Record<string, number>>,
): Promise<void> {
  const dir = mkdtempSync(join(tmpdir(), 'holdfast-bounds-'))
  const counts = new Map<string, number>()
  const problems: string[] = []
  try {
    await using lab = await openLab(join(dir, 'data'))
    await run(lab, {
      count: (name, by = 1) => counts.set(name, (counts.get(name) ?? 0) + by),
      pass: () => {},
      fail: what => problems.push(what),
    })
  } finally {
    rmSync(dir, { recursive: true, force: true })
  }
  assert.equal(problems.join('\n'), '')
  for (const [name, least] of Object.entries(minimum)) {
    assert.ok((counts.get(name) ?? 0) >= least, `only ${counts.get(name)} ${name}`)
  }
}
