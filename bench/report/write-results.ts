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
