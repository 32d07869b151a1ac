import { LatencyHistogram } from './latency-histogram.ts'
import type { Method } from './load-plan.ts'

const namedErrorsMax = 20

/** What all connections of one run have done so far. */
export class Tally {
  readonly byMethod = new Map<Method, LatencyHistogram>()
  readonly latency = new LatencyHistogram()
  readonly errors = new Map<string, number>()
  operations = 0
  started = 0
  bytes = 0
  hashedAnswers = 0
  lastAt = 0

  record(method: Method, latencyMs: number): void {
    this.operations += 1
    this.latency.record(latencyMs)
    let ofMethod = this.byMethod.get(method)
    if (ofMethod === undefined) {
      ofMethod = new LatencyHistogram()
      this.byMethod.set(method, ofMethod)
    }
    ofMethod.record(latencyMs)
  }

  fail(what: string): void {
    const known = this.errors.has(what) || this.errors.size < namedErrorsMax
    const name = known ? what : 'other errors'
    this.errors.set(name, (this.errors.get(name) ?? 0) + 1)
  }
}
