import assert from 'node:assert/strict'
import { test } from 'node:test'
import { LatencyHistogram } from './latency-histogram.ts'

test('percentiles of known latencies are right within the width of a bucket', () => {
  const histogram = new LatencyHistogram()
  for (let ms = 1; ms <= 1000; ms += 1) histogram.record(ms)
  const { p50Ms, p90Ms, p99Ms, maxMs } = histogram.summary()
  for (const [found, wanted] of [
    [p50Ms, 500],
    [p90Ms, 900],
    [p99Ms, 990],
  ] as const) {
    assert.ok(found >= wanted && found <= wanted * 1.04, `${found} instead of ${wanted}`)
  }
  assert.equal(maxMs, 1000)
})

test('very short and very long latencies are counted where they belong', () => {
  const histogram = new LatencyHistogram()
  for (let index = 0; index < 98; index += 1) histogram.record(0.005)
  histogram.record(600_000)
  histogram.record(3_000_000)
  assert.equal(histogram.percentileMs(0.5), 0.005)
  const long = histogram.percentileMs(0.99)
  assert.ok(long >= 600_000 && long < 630_000, String(long))
  assert.equal(histogram.summary().maxMs, 3_000_000)
})

test('without operations all figures are zero', () => {
  const { p50Ms, maxMs } = new LatencyHistogram().summary()
  assert.deepEqual([p50Ms, maxMs], [0, 0])
})
