import assert from 'node:assert/strict'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { openLab } from './open-lab.ts'
import type { MatrixReport } from './rest/matrix.ts'
import { type Audience, audiences, fill } from './twins/fill.ts'
import { runRestTwins } from './twins/rest-twins.ts'
import { runS3Twins } from './twins/s3-twins.ts'
import { Twin } from './twins/twin.ts'

/** Every other asker, the rest the next day: each asks everything of both stores. */
const part = Math.floor(Date.now() / 86_400_000) % 2
/** One that became small has lost something. */
const minimum: Record<Audience, Record<string, number>> = {
  others: { compared: 3000, payers: 1300, 'S3 compared': 1500 },
  closed: { compared: 450, payers: 290, 'S3 compared': 170 },
}

for (const audience of ['others', 'closed'] as const) {
  const askers = audiences[audience].filter((_, at) => at % 2 === part)
  const who = `${audience}, part ${part}`
  test(`two stores that differ only in what is hidden answer alike: ${who}`, async () => {
    const dir = mkdtempSync(join(tmpdir(), 'holdfast-twins-'))
    const counts = new Map<string, number>()
    const problems: string[] = []
    try {
      await using first = await openLab(join(dir, 'with'), { keepAlive: false })
      await using second = await openLab(join(dir, 'without'), { keepAlive: false })
      const layers = { closed: true, others: audience === 'others' }
      const twins = {
        with: new Twin(first, layers),
        without: new Twin(second, { closed: false, others: false }),
      }
      await fill(twins.with)
      await fill(twins.without)
      const report: MatrixReport = {
        count: (name, by = 1) => counts.set(name, (counts.get(name) ?? 0) + by),
        pass: () => {},
        fail: what => problems.push(what),
      }
      await runRestTwins(twins, askers, report)
      await runS3Twins(twins, askers, report)
    } finally {
      rmSync(dir, { recursive: true, force: true })
    }
    assert.equal(problems.slice(0, 40).join('\n'), '')
    for (const [name, least] of Object.entries(minimum[audience])) {
      assert.ok((counts.get(name) ?? 0) >= least, `only ${counts.get(name)} ${name}`)
    }
  })
}
