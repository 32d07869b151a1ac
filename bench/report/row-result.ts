import type { LatencySummary, LoadOutcome } from '@holdfast/load/load-plan.ts'

export interface Spread {
  readonly median: number
  readonly min: number
  readonly max: number
}

/** All runs of one server in one row. */
export interface SideResult {
  readonly label: string
  readonly durability: string
  readonly operationsPerSecond: Spread
  readonly bytesPerSecond: Spread
  /** Medians over the runs. */
  readonly latency: LatencySummary
  readonly serverCpuMicrosPerOperation: number
  readonly serverCpuSecondsPerGB: number | undefined
  readonly loadCpuShare: number
  readonly othersCpuShare: number
  readonly errors: number
  readonly runs: readonly LoadOutcome[]
}

/** Two sides measured in turn; `ratio` is left over right, taken pair by pair. */
export interface PairResult {
  readonly name: string
  readonly left: SideResult
  readonly right: SideResult
  readonly ratioOf: 'throughput' | 'p50'
  readonly ratio: Spread
}

/** A row that is no comparison: figures with their names. */
export interface FigureResult {
  readonly name: string
  readonly durability: string
  readonly figures: Readonly<Record<string, number | string>>
  readonly errors: Readonly<Record<string, number>>
}

export function spreadOf(values: readonly number[]): Spread {
  return {
    median: medianOf(values),
    min: values.length === 0 ? 0 : Math.min(...values),
    max: values.length === 0 ? 0 : Math.max(...values),
  }
}

export function medianOf(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b)
  const middle = Math.floor(sorted.length / 2)
  const upper = sorted[middle] ?? 0
  return sorted.length % 2 === 1 ? upper : (upper + (sorted[middle - 1] ?? 0)) / 2
}

export function sideResult(
  side: { readonly label: string; readonly durability: string },
  runs: readonly LoadOutcome[],
): SideResult {
  const bytes = runs.reduce((sum, run) => sum + run.bytes, 0)
  const cpuMs = runs.reduce((sum, run) => sum + run.serverCpuMs, 0)
  const medianLatency = (name: keyof LatencySummary) => medianOf(runs.map(run => run.latency[name]))
  return {
    ...side,
    operationsPerSecond: spreadOf(runs.map(rateOf)),
    bytesPerSecond: spreadOf(runs.map(run => perSecond(run.bytes, run))),
    latency: {
      p50Ms: medianLatency('p50Ms'),
      p90Ms: medianLatency('p90Ms'),
      p99Ms: medianLatency('p99Ms'),
      maxMs: medianLatency('maxMs'),
    },
    serverCpuMicrosPerOperation: medianOf(
      runs.map(run => (run.serverCpuMs * 1000) / Math.max(1, run.operations)),
    ),
    serverCpuSecondsPerGB: bytes === 0 ? undefined : cpuMs / 1000 / (bytes / 1e9),
    loadCpuShare: medianOf(runs.map(run => run.loadCpuShare)),
    othersCpuShare: medianOf(runs.map(run => run.othersCpuShare)),
    errors: runs.reduce((sum, run) => sum + errorsOf(run), 0),
    runs,
  }
}

export function rateOf(run: LoadOutcome): number {
  return perSecond(run.operations, run)
}

export function errorsOf(run: LoadOutcome): number {
  return Object.values(run.errors).reduce((sum, count) => sum + count, 0)
}

export function ratioSpread(left: readonly number[], right: readonly number[]): Spread {
  return spreadOf(left.map((value, index) => value / (right[index] || Number.NaN)))
}

function perSecond(amount: number, run: LoadOutcome): number {
  return run.elapsedMs > 0 ? (amount / run.elapsedMs) * 1000 : 0
}
