import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { prepare } from '@holdfast/testkit/store/crash-runs.ts'
import { type FaultKind, sweepFaults } from '@holdfast/testkit/store/fault-runs.ts'
import { workloads } from '@holdfast/testkit/store/workloads.ts'
import { draw, newLab, seed, strict } from './store-lab.ts'

const kinds: Record<string, FaultKind> = {
  'EIO once': { code: 'EIO', options: {} },
  'ENOSPC once': { code: 'ENOSPC', options: {} },
  'EIO for good': { code: 'EIO', options: { persistent: true } },
  'a full disk': {
    code: 'ENOSPC',
    options: { persistent: true, of: ['create', 'write', 'makeDir', 'link'] },
  },
}

/** The n-th disk call fails, for every n: no answer may be wrong, and the store opens again. */
describe(`a store whose disk fails, seed ${seed}`, () => {
  for (const [kindName, kind] of Object.entries(kinds)) {
    for (const [name, workload] of Object.entries(workloads)) {
      test(`${kindName}: ${name}`, async t => {
        using lab = newLab()
        const crash = { workload, disk: strict, prepared: await prepare(lab, strict) }
        const tally = await sweepFaults(lab, crash, { ...draw(1), kind })
        t.diagnostic(JSON.stringify(tally))
        assert.ok(tally.fired > 5 && tally.disks > 10)
      })
    }
  }
})
