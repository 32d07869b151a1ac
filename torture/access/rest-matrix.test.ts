import assert from 'node:assert/strict'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { routes } from '@holdfast/contract/routes.ts'
import { openLab } from './open-lab.ts'
import { introduce } from './people.ts'
import { runMatrix } from './rest/matrix.ts'

/** A matrix that became this small has lost something. */
const minimum = {
  'let in': 700,
  refused: 800,
  compared: 200,
  'dead refused': 900,
  'forged refused': 50,
  'direct answers': 60,
  audited: 1700,
}

test('every route lets in whom it should, and tells the others nothing', async () => {
  const dir = mkdtempSync(join(tmpdir(), 'holdfast-matrix-'))
  const counts = new Map<string, number>()
  const problems: string[] = []
  try {
    await using lab = await openLab(join(dir, 'data'))
    await runMatrix(lab, await introduce(lab), {
      count: (name, by = 1) => counts.set(name, (counts.get(name) ?? 0) + by),
      pass: () => {},
      fail: what => problems.push(what),
    })
  } finally {
    rmSync(dir, { recursive: true, force: true })
  }
  assert.deepEqual(problems, [])
  assert.equal(counts.get('operations'), Object.keys(routes).length)
  for (const [name, least] of Object.entries(minimum)) {
    assert.ok((counts.get(name) ?? 0) >= least, `only ${counts.get(name)} ${name}`)
  }
})
