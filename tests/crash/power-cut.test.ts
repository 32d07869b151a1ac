import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { prepare } from '@holdfast/testkit/store/crash-runs.ts'
import { sweepCuts } from '@holdfast/testkit/store/cut-runs.ts'
import { workloads } from '@holdfast/testkit/store/workloads.ts'
import {
  draw,
  isOfToday,
  journaling,
  newLab,
  seed,
  strict,
} from '@holdfast/torture/crash-disk/store-lab.ts'

/** Every cut point of every workload; disks that each cut may leave are opened and checked. */
describe(`a store after a power cut, seed ${seed}`, () => {
  for (const disk of [strict, journaling]) {
    test(`its first start, ${disk.flavour}`, async t => {
      using lab = newLab()
      const workload = workloads['a first put']
      assert.ok(workload !== undefined)
      const tally = await sweepCuts(lab, { workload, disk }, draw(4))
      t.diagnostic(JSON.stringify(tally))
      assert.ok(tally.cuts > 15 && tally.disks > 60 && tally.acknowledged > 0)
    })
  }
  for (const [at, [name, workload]] of Object.entries(workloads).entries()) {
    for (const disk of [strict, journaling]) {
      // Each workload on one kind of disk a day.
      if (!isOfToday(disk === strict ? at : at + 1)) continue
      test(`${name}, ${disk.flavour}`, async t => {
        using lab = newLab()
        const crash = { workload, disk, prepared: await prepare(lab, disk) }
        const tally = await sweepCuts(lab, crash, draw(disk === strict ? 3 : 1))
        t.diagnostic(JSON.stringify(tally))
        assert.ok(
          tally.cuts > 10 && tally.disks > 10 && tally.acknowledged > 5,
          JSON.stringify(tally),
        )
      })
    }
  }
})
