/** Upper bounds of the histogram of durations, in seconds. */
const BOUNDS = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 60, 600]

export interface TallyLabels {
  readonly method: string
  readonly operation: string
  readonly status: number
}

/** Requests of one kind. */
export class RequestTally {
  readonly labels: TallyLabels
  count = 0
  seconds = 0
  /** Of each bound, those that took no longer and longer than the bound before. */
  readonly withinBound = new Float64Array(BOUNDS.length)

  constructor(labels: TallyLabels) {
    this.labels = labels
  }

  add(seconds: number): void {
    this.count += 1
    this.seconds += seconds
    for (let at = 0; at < BOUNDS.length; at += 1) {
      if (seconds > (BOUNDS[at] ?? 0)) continue
      this.withinBound[at] = (this.withinBound[at] ?? 0) + 1
      return
    }
  }
}

/**
 * Counts and durations of requests. Every request adds to them, and what prom-client does to find a
 * series by its labels costs as much as the rest of a small answer; labels are put together when
 * somebody reads them. Their values are bounded: Node's methods, our operations, statuses.
 */
export class RequestTallies {
  readonly #tallies = new Map<string, RequestTally>()
  /** To put a key together and look for it takes longer than to see that it is the same. */
  #latest: RequestTally | undefined
  bytesIn = 0
  bytesOut = 0

  of(labels: TallyLabels): RequestTally {
    const { method, operation, status } = labels
    const before = this.#latest?.labels
    const isSame = before?.operation === operation && before.method === method
    if (this.#latest !== undefined && isSame && before.status === status) return this.#latest
    const key = `${operation} ${method} ${status}`
    let tally = this.#tallies.get(key)
    if (tally === undefined) {
      tally = new RequestTally({ method, operation, status })
      this.#tallies.set(key, tally)
    }
    this.#latest = tally
    return tally
  }

  /** In the text format of Prometheus. */
  text(): string {
    return [
      ...this.#durations(),
      '',
      ...this.#counts(),
      '',
      ...this.#outcomes(),
      '',
      ...this.#bytes(),
    ]
      .join('\n')
      .concat('\n')
  }

  *#durations(): Generator<string> {
    const name = 'http_request_duration_seconds'
    yield `# HELP ${name} Time from the request line to the last byte of the answer.`
    yield `# TYPE ${name} histogram`
    for (const tally of this.#tallies.values()) {
      const labels = labelText(tally.labels)
      let upTo = 0
      for (const [at, bound] of BOUNDS.entries()) {
        upTo += tally.withinBound[at] ?? 0
        yield `${name}_bucket{le="${bound}",${labels}} ${upTo}`
      }
      yield `${name}_bucket{le="+Inf",${labels}} ${tally.count}`
      yield `${name}_sum{${labels}} ${tally.seconds}`
      yield `${name}_count{${labels}} ${tally.count}`
    }
  }

  *#counts(): Generator<string> {
    const name = 'http_requests_total'
    yield `# HELP ${name} Requests answered.`
    yield `# TYPE ${name} counter`
    for (const { labels, count } of this.#tallies.values()) {
      yield `${name}{${labelText(labels)}} ${count}`
    }
  }

  *#outcomes(): Generator<string> {
    const name = 'storage_operations_total'
    yield `# HELP ${name} Operations on the store by outcome.`
    yield `# TYPE ${name} counter`
    const counts = new Map<string, number>()
    for (const { labels, count } of this.#tallies.values()) {
      if (labels.operation === NO_OPERATION) continue
      const text = `operation="${labels.operation}",status="${outcomeOf(labels.status)}"`
      counts.set(text, (counts.get(text) ?? 0) + count)
    }
    for (const [labels, count] of counts) yield `${name}{${labels}} ${count}`
  }

  *#bytes(): Generator<string> {
    const name = 'storage_transfer_bytes_total'
    yield `# HELP ${name} Bytes of bodies received (in) and content sent (out).`
    yield `# TYPE ${name} counter`
    yield `${name}{direction="in"} ${this.bytesIn}`
    yield `${name}{direction="out"} ${this.bytesOut}`
  }
}

/** The operation of requests that found none. */
export const NO_OPERATION = 'none'

function labelText({ method, operation, status }: TallyLabels): string {
  return `method="${method}",operation="${operation}",status="${status}"`
}

function outcomeOf(status: number): 'success' | 'refused' | 'failed' {
  if (status < 400) return 'success'
  return status < 500 ? 'refused' : 'failed'
}
