import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { prepare } from '@holdfast/testkit/store/crash-runs.ts'
import { type FaultKind, sweepFaults } from '@holdfast/testkit/store/fault-runs.ts'
import { workloads } from '@holdfast/testkit/store/workloads.ts'
import {
  day,
  draw,
  effort,
  isOfToday,
  newLab,
  seed,
  strict,
} from '@holdfast/torture/crash-disk/store-lab.ts'

/** Every n-th call is failed; the rarer ones take turns with the seed, and all come with effort. */
const kinds: Record<string, FaultKind & { oneOf: number }> = {
  'EIO once': { code: 'EIO', options: {}, oneOf: 3 },
  'ENOSPC once': { code: 'ENOSPC', options: {}, oneOf: 5 },
  'EIO for good': { code: 'EIO', options: { persistent: true }, oneOf: 5 },
  'a full disk': {
    code: 'ENOSPC',
    options: { persistent: true, of: ['create', 'write', 'makeDir', 'link'] },
    oneOf: 1,
  },
}

/** The n-th disk call fails: no answer may be wrong, and the store opens again. */
describe(`a store whose disk fails, seed ${seed}`, () => {
  for (const [at, [kindName, kind]] of Object.entries(kinds).entries()) {
    for (const [other, [name, workload]] of Object.entries(workloads).entries()) {
      if (!isOfToday(at + other)) continue
      test(`${kindName}: ${name}`, async t => {
        using lab = newLab()
        const crash = { workload, disk: strict, prepared: await prepare(lab, strict) }
        const oneOf = Math.max(1, Math.floor(kind.oneOf / effort))
        const tally = await sweepFaults(lab, crash, { ...draw(1), oneOf, kind })
        t.diagnostic(JSON.stringify(tally))
        assert.ok(tally.fired > 2 && tally.disks > 4)
      })
    }
  }
})

/** What was refused may not come back, even when the power goes right after the refusal. */
describe(`a store whose disk fails just before a power cut, seed ${seed}`, () => {
  // T21 hunts with all three; `npm test` takes each of them every third day.
  for (const cutAfter of [1, 2, 3].filter(at => effort > 1 || at % 3 === day % 3)) {
    test(`the cut comes ${cutAfter} calls later`, async t => {
      using lab = newLab()
      const workload = workloads['small puts and overwrites']
      assert.ok(workload !== undefined)
      const crash = { workload, disk: strict, prepared: await prepare(lab, strict) }
      const kind = { code: 'EIO', options: {} }
      const tally = await sweepFaults(lab, crash, { ...draw(24), mood: 'moment', kind, cutAfter })
      t.diagnostic(JSON.stringify(tally))
      assert.ok(tally.fired > 5 && tally.disks > 30)
    })
  }
})
