import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { prepare } from '@holdfast/testkit/store/crash-runs.ts'
import { sweepKillThenCut } from '@holdfast/testkit/store/fault-runs.ts'
import { workloads } from '@holdfast/testkit/store/workloads.ts'
import {
  draw,
  effort,
  isOfToday,
  newLab,
  seed,
  strict,
} from '@holdfast/torture/crash-disk/store-lab.ts'

/** What a start after a kill found and showed must survive the power cut that comes next. */
describe(`a store killed, started again and then cut, seed ${seed}`, () => {
  test('its first start', async t => {
    using lab = newLab()
    const workload = workloads['a first put']
    assert.ok(workload !== undefined)
    const tally = await sweepKillThenCut(lab, { workload, disk: strict }, draw(2))
    t.diagnostic(JSON.stringify(tally))
    assert.ok(tally.kills > 15 && tally.disks > 30)
  })
  for (const [at, [name, workload]] of Object.entries(workloads).entries()) {
    if (!isOfToday(at)) continue
    test(name, async t => {
      using lab = newLab()
      const crash = { workload, disk: strict, prepared: await prepare(lab, strict) }
      const tally = await sweepKillThenCut(lab, crash, { ...draw(1), oneOf: effort > 1 ? 1 : 2 })
      t.diagnostic(JSON.stringify(tally))
      assert.ok(tally.kills > 5 && tally.disks > 5)
    })
  }
})
