import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { LoadOutcome } from '@holdfast/load/load-plan.ts'
import { transferTable } from './format-table.ts'
import { medianOf, rateOf, ratioSpread, sideResult } from './row-result.ts'

function outcome(operations: number, errors: Record<string, number> = {}): LoadOutcome {
  return {
    operations,
    bytes: operations * 4096,
    elapsedMs: 2000,
    latency: { p50Ms: 1, p90Ms: 2, p99Ms: 3, maxMs: 4 },
    errors,
    byMethod: {},
    hashedAnswers: 0,
    serverCpuMs: operations / 10,
    loadCpuShare: 0.5,
    othersCpuShare: 0,
  }
}

test('medians, ratios by pair and CPU per operation', () => {
  assert.equal(medianOf([3, 1, 2]), 2)
  assert.equal(medianOf([4, 1, 2, 3]), 2.5)
  const runs = [outcome(200), outcome(400), outcome(1000)]
  const side = sideResult({ label: 'a', durability: 'd' }, runs)
  assert.deepEqual(side.operationsPerSecond, { median: 200, min: 100, max: 500 })
  assert.equal(Math.round(side.serverCpuMicrosPerOperation), 100)
  assert.deepEqual(ratioSpread(runs.map(rateOf), [100, 100, 1000]), { median: 1, min: 0.5, max: 2 })
})

test('a row with errors is marked as not valid', () => {
  const good = sideResult({ label: 'Holdfast', durability: 'd' }, [outcome(200)])
  const bad = sideResult({ label: 'nginx', durability: 'n' }, [outcome(200, { 'status 500': 3 })])
  const row = { name: 'PUT', ratioOf: 'throughput', ratio: ratioSpread([1], [1]) } as const
  assert.match(transferTable([{ ...row, left: good, right: bad }]), /3 errors: not valid/)
  assert.doesNotMatch(transferTable([{ ...row, left: good, right: good }]), /not valid/)
})
