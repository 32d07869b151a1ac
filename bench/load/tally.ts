import { LatencyHistogram } from './latency-histogram.ts'

const namedErrorsMax = 20

/** What all connections of one run have done so far. */
export class Tally {
  readonly latency = new LatencyHistogram()
  readonly errors = new Map<string, number>()
  operations = 0
  started = 0
  bytes = 0
  hashedAnswers = 0
  lastAt = 0

  fail(what: string): void {
    const known = this.errors.has(what) || this.errors.size < namedErrorsMax
    const name = known ? what : 'other errors'
    this.errors.set(name, (this.errors.get(name) ?? 0) + 1)
  }
}
