import type { LatencySummary } from './load-plan.ts'

const stepsPerDoubling = 32
const stepBits = 5
const doublings = 27

/** Counts latencies in microseconds; buckets are 3 % wide, so percentiles are that exact. */
export class LatencyHistogram {
  readonly #counts = new Uint32Array(stepsPerDoubling * doublings)
  #total = 0
  #maxMs = 0

  record(latencyMs: number): void {
    const bucket = bucketOf(latencyMs * 1000)
    this.#counts[bucket] = (this.#counts[bucket] ?? 0) + 1
    this.#total += 1
    if (latencyMs > this.#maxMs) this.#maxMs = latencyMs
  }

  get total(): number {
    return this.#total
  }

  /** The latency that this share of all operations did not exceed, in ms; 0 when there are none. */
  percentileMs(share: number): number {
    const wanted = Math.max(1, Math.ceil(this.#total * share))
    let seen = 0
    for (const [bucket, count] of this.#counts.entries()) {
      seen += count
      if (seen >= wanted) return Math.min(this.#maxMs, upperBoundOf(bucket) / 1000)
    }
    return this.#maxMs
  }

  summary(): LatencySummary {
    return {
      p50Ms: this.percentileMs(0.5),
      p90Ms: this.percentileMs(0.9),
      p99Ms: this.percentileMs(0.99),
      maxMs: this.#maxMs,
    }
  }
}

function bucketOf(micros: number): number {
  const value = Math.min(0x7fffffff, Math.max(0, Math.round(micros)))
  if (value < stepsPerDoubling * 2) return value
  const shift = 31 - Math.clz32(value) - stepBits
  return shift * stepsPerDoubling + (value >>> shift)
}

function upperBoundOf(bucket: number): number {
  if (bucket < stepsPerDoubling * 2) return bucket
  const shift = Math.floor(bucket / stepsPerDoubling) - 1
  return (bucket - shift * stepsPerDoubling + 1) * 2 ** shift - 1
}
