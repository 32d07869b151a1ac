import { mkdirSync, mkdtempSync, rmSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { LoadGenerator } from '@holdfast/load/load-generator.ts'
import { describeMachine } from './machine.ts'
import type { BenchOptions } from './options.ts'
import { type BenchReport, reportText } from './report/bench-report.ts'
import { profileSummary } from './report/profile-summary.ts'
import { writeDocs } from './report/write-docs.ts'
import { writeReference, writeResults } from './report/write-results.ts'
import type { BenchContext } from './rows/bench-context.ts'
import { fullMode, type Mode, smokeMode } from './rows/mode.ts'
import { allRows, type Row } from './rows/rows.ts'
import { startBareHttp } from './servers/bare-http.ts'
import { startHoldfast, startOtherHoldfast } from './servers/holdfast.ts'
import { installPrograms } from './servers/install.ts'
import { startNginx } from './servers/nginx.ts'
import type { StartServer } from './servers/server.ts'

const here = import.meta.dirname
const docsFile = join(dirname(here), 'docs', 'benchmarks.md')
const resultsDir = join(here, 'results')

export interface Output {
  /** Takes the report. */
  print(text: string): void
  /** Takes a line on how far it is. */
  say(line: string): void
}

/** Runs the chosen rows one after the other; a row that fails is reported and the others go on. */
export async function runBench(options: BenchOptions, output: Output): Promise<BenchReport> {
  const wantsNginx = options.peer === 'nginx' && options.against === undefined
  const missing = wantsNginx ? installPrograms(['nginx', 'wrk']) : []
  if (missing.includes('nginx')) throw new Error('nginx is missing; install it or use --peer bare')
  const parent = options.dir ?? join(here, '.data')
  mkdirSync(parent, { recursive: true })
  const dir = mkdtempSync(join(parent, 'run-'))
  try {
    using generator = new LoadGenerator()
    const context = benchContext(options, { dir, generator, say: output.say })
    const report = await runRows(context, chosenRows(context, options))
    finish(report, options, output)
    return report
  } finally {
    rmSync(dir, { recursive: true, force: true })
  }
}

function benchContext(
  options: BenchOptions,
  given: Pick<BenchContext, 'dir' | 'generator' | 'say'>,
): BenchContext {
  return {
    mode: modeOf(options),
    ...given,
    startSubject: options.subject === 'bare' ? startBareHttp : startHoldfast,
    startPeer: peerOf(options),
    profileDir: options.profile ? join(resultsDir, `profile-${Date.now()}`) : undefined,
  }
}

function peerOf({ peer, against }: BenchOptions): StartServer {
  if (against !== undefined) return startOtherHoldfast(against)
  return peer === 'bare' ? startBareHttp : startNginx
}

function modeOf(options: BenchOptions): Mode {
  const mode = options.smoke ? smokeMode : fullMode
  return {
    ...mode,
    pairs: options.pairs ?? mode.pairs,
    durationMs: options.durationMs ?? mode.durationMs,
    patienceMs: options.patienceMs,
  }
}

function chosenRows(context: BenchContext, { only, subject }: BenchOptions): Row[] {
  const rows = allRows(context)
    .filter(row => subject === 'holdfast' || !row.needsHoldfast)
    .filter(row => only.length === 0 || only.some(text => row.name.includes(text)))
  if (rows.length > 0) return rows
  const names = allRows(context).map(row => row.name)
  throw new Error(`no row of that name; there are\n${names.join('\n')}`)
}

async function runRows(context: BenchContext, rows: readonly Row[]): Promise<BenchReport> {
  const { mode, say } = context
  const report: BenchReport = {
    startedAt: new Date().toISOString(),
    mode: mode.name,
    pairs: mode.pairs,
    durationMs: mode.durationMs,
    machine: describeMachine(context.dir),
    transfer: [],
    scale: [],
    figures: [],
    failures: [],
  }
  for (const [index, row] of rows.entries()) {
    say(`${index + 1}/${rows.length} ${row.name}`)
    await measureRow(rowContext(context, index), row, report)
  }
  return report
}

/** Profiles of different rows lie in different directories. */
function rowContext(context: BenchContext, index: number): BenchContext {
  const { profileDir } = context
  if (profileDir === undefined) return context
  const rowDir = join(profileDir, String(index + 1))
  mkdirSync(rowDir, { recursive: true })
  return { ...context, profileDir: rowDir }
}

async function measureRow(context: BenchContext, row: Row, report: BenchReport): Promise<void> {
  try {
    const result = await row.measure(context)
    switch (result.kind) {
      case 'figures':
        report.figures.push(...result.results)
        break
      case 'scale':
        report.scale.push(...result.results)
        break
      case 'million':
        report.scale.push(...result.results)
        report.figures.push(result.figure)
        break
      case 'transfer':
        report.transfer.push(...result.results)
        for (const { ratio } of result.results) context.say(`  ratio ${ratio.median.toFixed(2)}`)
        if (context.profileDir !== undefined) context.say(profileSummary(context.profileDir))
        break
    }
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error)
    report.failures.push({ name: row.name, reason })
    context.say(`  failed: ${reason}`)
  }
}

function finish(report: BenchReport, options: BenchOptions, output: Output): void {
  const text = reportText(report)
  output.print(text)
  if (report.mode === 'smoke') return
  output.say(`\nraw results: ${writeResults(resultsDir, report)}`)
  if (!options.writeDocs) return
  writeDocs(docsFile, text)
  writeReference(resultsDir, report)
}
