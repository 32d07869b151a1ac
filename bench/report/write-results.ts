import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { BenchReport } from './bench-report.ts'

/** Keeps all raw outcomes; answers the path of the file. */
export function writeResults(dir: string, report: BenchReport): string {
  mkdirSync(dir, { recursive: true })
  const name = report.startedAt.replaceAll(':', '-').replace(/\..*$/, '')
  const file = join(dir, `${name}.json`)
  writeFileSync(file, `${JSON.stringify(report, null, 1)}\n`)
  return file
}

/** The run that the documents show; the only one that is kept in the repository. */
export function writeReference(dir: string, report: BenchReport): void {
  writeFileSync(join(dir, 'reference.json'), `${JSON.stringify(report)}\n`)
}
