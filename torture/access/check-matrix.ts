import assert from 'node:assert/strict'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type Lab, openLab } from './open-lab.ts'
import type { MatrixReport } from './rest/matrix.ts'

/**
 * Runs a matrix on a lab of its own, and fails with what it found, or where it counted less than
 * the minimum: one that became small has lost something.
 */
export async function checkMatrix(
  run: (lab: Lab, report: MatrixReport) => Promise<void>,
  minimum: Readonly<Record<string, number>>,
  options: Parameters<typeof openLab>[1] = {},
): Promise<ReadonlyMap<string, number>> {
  const dir = mkdtempSync(join(tmpdir(), 'holdfast-matrix-'))
  const counts = new Map<string, number>()
  const problems: string[] = []
  try {
    await using lab = await openLab(join(dir, 'data'), options)
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
  return counts
}
