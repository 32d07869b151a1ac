import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import type { DiskMutant } from '@holdfast/testkit/crash/mutant-disks.ts'
import { prepare } from '@holdfast/testkit/store/crash-runs.ts'
import { sweepCuts } from '@holdfast/testkit/store/cut-runs.ts'
import { workloads } from '@holdfast/testkit/store/workloads.ts'
import { draw, newLab, strict } from '@holdfast/torture/crash-disk/store-lab.ts'

const mutants: [mutant: DiskMutant, workload: string][] = [
  ['no-sync', 'small puts and overwrites'],
  ['late-writes', 'small puts and overwrites'],
  ['no-async-sync', 'large bodies'],
  ['no-sync-dir', 'large bodies'],
  ['short-writes', 'small puts and overwrites'],
  ['deep-truncate', 'small puts and overwrites'],
]

/** The same checks on a disk that forgets a duty: each must be found, or they prove nothing. */
describe('a store on a disk that forgets a duty is found out', () => {
  for (const [mutant, name] of mutants) {
    test(mutant, async t => {
      using lab = newLab()
      const prepared = await prepare(lab, strict)
      lab.mutant = mutant
      const workload = workloads[name]
      assert.ok(workload !== undefined)
      const sweep = sweepCuts(lab, { workload, disk: strict, prepared }, draw(3))
      await assert.rejects(sweep, (error: Error) => {
        const [found = ''] = error.message.split('\n', 1)
        t.diagnostic(found)
        assert.match(
          found,
          /^cut \d+, disk \d+: (key|wanted|.*(damaged|differs|missing|not listed))/,
        )
        return true
      })
    })
  }
})
