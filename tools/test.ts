// The one command for all checks: types, lint and every test file of all workspaces.
// `npm test -- words` runs only the test files whose path contains one of the words.
// The last line is always `N passed, N failed`.
import { type ChildProcess, spawn } from 'node:child_process'
import { globSync, mkdtempSync, readFileSync, rmSync, statSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { areTestsOver, countEvents, type FileResult } from './test-count.ts'

const root = dirname(import.meta.dirname)
const patterns = [
  'bench/**/*.test.ts',
  'tests/**/*.test.ts',
  'torture/**/*.test.ts',
  'apps/holdfast/**/*.test.ts',
  'tools/**/*.test.ts',
  'packages/*/src/**/*.test.ts',
]
const concurrency = 2
const fileMsMax = 600_000
const lingerMsMax = 60_000
const outputBytesMax = 1024 * 1024

const running = new Set<ChildProcess>()
const totals = { passed: 0, failed: 0, skipped: 0 }

async function main(args: string[]): Promise<void> {
  const words = args.filter(arg => !arg.startsWith('--'))
  const checksOnly = args.includes('--checks-only')
  const files = findTests(checksOnly ? ['tools/tidy.test.ts'] : words)
  const checks = words.length === 0 ? [types, lint] : []
  await runAll(checks, files)
  const { passed, failed, skipped } = totals
  if (passed + failed === 0) print('no test file matches')
  print(`\n${passed} passed, ${failed} failed${skipped > 0 ? `, ${skipped} skipped` : ''}`)
  process.exitCode = failed > 0 || passed === 0 ? 1 : 0
}

async function types(): Promise<void> {
  await check('types', ['tsc', '-b', '--pretty', 'false'])
}

async function lint(): Promise<void> {
  await check('lint', ['biome', 'check', '--colors=off', '--max-diagnostics=40', '.'])
}

function findTests(words: string[]): string[] {
  const exclude = (path: string) => path.includes('node_modules')
  // Those of packages are short and many: after the others no lane ends long before the last.
  const files = patterns.flatMap(pattern => globSync(pattern, { cwd: root, exclude }).sort())
  if (words.length === 0) return files
  return files.filter(file => words.some(word => file.includes(word)))
}

async function check(name: string, [command = '', ...args]: string[]): Promise<void> {
  const startedAt = performance.now()
  const child = start(command, args, {})
  const { ok, output } = await child.ended
  totals[ok ? 'passed' : 'failed'] += 1
  print(`${ok ? 'ok  ' : 'FAIL'} ${name}  ${since(startedAt)}`)
  if (!ok) print(indent(output))
}

async function runAll(checks: (() => Promise<void>)[], files: string[]): Promise<void> {
  const scratch = mkdtempSync(join(tmpdir(), 'holdfast-test-'))
  const waiting = [...checks, ...files.map(file => () => runAndReport(file, scratch))]
  const work = async () => {
    for (let next = waiting.shift(); next !== undefined; next = waiting.shift()) await next()
  }
  await Promise.all(Array.from({ length: concurrency }, work))
  rmSync(scratch, { recursive: true, force: true })
}

async function runAndReport(file: string, scratch: string): Promise<void> {
  const startedAt = performance.now()
  const result = await runFile(file, scratch)
  report(file, result, since(startedAt))
}

async function runFile(file: string, scratch: string): Promise<FileResult> {
  const events = join(scratch, file.replaceAll('/', '_'))
  const reporter = join(root, 'tools', 'test-events.mjs')
  const args = ['--disable-warning=ExperimentalWarning']
  args.push('--import', pathToFileURL(join(root, 'tools', 'test-cache.mjs')).href)
  args.push(`--test-reporter=${reporter}`, '--test-reporter-destination=stderr', file)
  const HOLDFAST_TEST_CACHE = join(scratch, 'compiled')
  const child = start(process.execPath, args, { HOLDFAST_TEST_EVENTS: events, HOLDFAST_TEST_CACHE })
  const stopped = watch(child.process, events)
  const { ok, output } = await child.ended
  clearInterval(stopped.timer)
  const reason = stopped.reason() ?? (ok ? undefined : 'the file ended with an error')
  return countEvents(read(events), reason, output)
}

/** Ends a file that takes too long, or whose tests are over while something keeps it alive. */
function watch(child: ChildProcess, events: string) {
  const startedAt = performance.now()
  let reason: string | undefined
  const timer = setInterval(() => {
    if (performance.now() - startedAt > fileMsMax) reason = `not done after ${fileMsMax / 1000} s`
    if (ageMs(events) > lingerMsMax && areTestsOver(read(events))) {
      reason = 'its tests are over, but something keeps the process alive'
    }
    if (reason !== undefined) endGroup(child)
  }, 1000)
  return { timer, reason: () => reason }
}

function ageMs(file: string): number {
  const { mtimeMs = Date.now() } = statSync(file, { throwIfNoEntry: false }) ?? {}
  return Date.now() - mtimeMs
}

function start(command: string, args: string[], extra: Record<string, string>) {
  const env = { ...process.env, NO_COLOR: '1', ...extra }
  const child = spawn(command, args, {
    cwd: root,
    detached: true,
    env,
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  running.add(child)
  const chunks: Buffer[] = []
  let sizeBytes = 0
  const keep = (chunk: Buffer) => {
    sizeBytes += chunk.length
    if (sizeBytes <= outputBytesMax) chunks.push(chunk)
  }
  child.stdout.on('data', keep)
  child.stderr.on('data', keep)
  const ended = new Promise<{ ok: boolean; output: string }>(resolve => {
    child.on('error', error => resolve({ ok: false, output: error.message }))
    child.on('exit', () => endGroup(child))
    child.on('close', code => {
      running.delete(child)
      resolve({ ok: code === 0, output: Buffer.concat(chunks).toString().trim() })
    })
  })
  return { process: child, ended }
}

/** Whatever a test started belongs to its group and ends with it. */
function endGroup(child: ChildProcess): void {
  if (child.pid === undefined) return
  try {
    process.kill(-child.pid, 'SIGKILL')
  } catch {
    // Nobody of the group is left.
  }
}

function report(file: string, result: FileResult, took: string): void {
  totals.passed += result.passed
  totals.failed += result.failures.length
  totals.skipped += result.skipped
  if (result.failures.length === 0) {
    print(`ok   ${file}  ${result.passed} tests  ${took}`)
    return
  }
  print(`FAIL ${file}  ${result.passed} passed, ${result.failures.length} failed  ${took}`)
  for (const { name, text } of result.failures) print(`  - ${name}\n${indent(text)}`)
  if (result.output !== '') print(`  output:\n${indent(result.output)}`)
}

function read(file: string): string {
  try {
    return readFileSync(file, 'utf8')
  } catch {
    return ''
  }
}

function since(startedAt: number): string {
  const ms = performance.now() - startedAt
  return ms < 1000 ? `${Math.round(ms)} ms` : `${(ms / 1000).toFixed(1)} s`
}

function indent(text: string): string {
  return text.replaceAll(/^/gm, '    ')
}

function print(line: string): void {
  process.stdout.write(`${line}\n`)
}

for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
  process.on(signal, () => {
    for (const child of running) endGroup(child)
    process.exit(130)
  })
}

await main(process.argv.slice(2))
