import type { Machine } from '../machine.ts'
import { figureList, scaleTable, transferTable } from './format-table.ts'
import type { FigureResult, PairResult } from './row-result.ts'

/** Everything one run of the bench found; written as it is into the results file. */
export interface BenchReport {
  readonly startedAt: string
  readonly mode: 'full' | 'smoke'
  readonly pairs: number
  readonly durationMs: number
  readonly machine: Machine
  readonly transfer: PairResult[]
  readonly scale: PairResult[]
  readonly figures: FigureResult[]
  /** Rows that could not be measured, and why. */
  readonly failures: { readonly name: string; readonly reason: string }[]
}

/** Errors make a row worthless, and a report with such a row fails. */
export function isValid(report: BenchReport): boolean {
  const pairs = [...report.transfer, ...report.scale]
  return (
    report.failures.length === 0 &&
    pairs.every(({ left, right }) => left.errors + right.errors === 0) &&
    report.figures.every(({ errors }) => Object.keys(errors).length === 0)
  )
}

export function reportText(report: BenchReport): string {
  const { machine } = report
  const parts = [
    `${report.startedAt.slice(0, 10)}, ${report.pairs} interleaved pairs of runs of ` +
      `${report.durationMs / 1000} s in every row (${report.mode} run). ` +
      `${machine.cores} cores of ${machine.processor}, ${machine.memoryGiB} GiB, ` +
      `Linux ${machine.kernel}, ${machine.fileSystem}, Node ${machine.node}, ` +
      `nginx ${machine.nginx}; load average before the run ${machine.loadBefore}.`,
  ]
  if (report.transfer.length > 0) parts.push(transferTable(report.transfer))
  if (report.scale.length > 0) parts.push(scaleTable(report.scale))
  if (report.figures.length > 0) parts.push(figureList(report.figures))
  for (const { name, reason } of report.failures) parts.push(`**${name}** failed: ${reason}`)
  return parts.join('\n\n')
}
