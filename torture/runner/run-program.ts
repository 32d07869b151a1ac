// Runs one program in this process and leaves its result as JSON:
// `node run-program.ts T01 short SEED RESULT`. The runner starts it; by hand, `npm run torture`.
import { execFileSync, spawnSync } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { SeededRandom } from '@holdfast/testkit/seeded-random.ts'
import { findPrograms } from './find-programs.ts'
import type { Length, Program, ProgramResult, Run } from './program.ts'
import { changeOf, sourcesOf } from './sources.ts'

const failuresMax = 20
/** For what looks at the budget by itself; less than what the runner leaves until it kills. */
const endingMs = 30_000
const root = join(import.meta.dirname, '..', '..')
const commit = commitOf(root)
const sources = sourcesOf(root)

async function runProgram(
  program: Program,
  { length, seed }: { length: Length; seed: number },
): Promise<ProgramResult> {
  const startedAt = performance.now()
  const scratch = mkdtempSync(join(tmpdir(), `holdfast-${program.name}-`))
  const kept = newRecord()
  const run: Run = {
    ...kept.calls,
    seed,
    length,
    random: new SeededRandom(seed),
    scratch,
    signal: AbortSignal.timeout(program.secondsMax[length] * 1000),
  }
  // What nobody waits for must not pass for success.
  process.on('unhandledRejection', error => run.fail(`unhandled rejection: ${textOf(error)}`))
  try {
    await Promise.race([program.run(run), budgetOver(run.signal, kept.part)])
  } catch (error) {
    kept.failures.push(`ended early: ${textOf(error)}`)
  }
  const partsRan = kept.passed() > 0
  // A run that failed has said what matters; its counts are short of course.
  const minimum = kept.failures.length > 0 ? {} : program.minimum[length]
  for (const [name, least] of Object.entries(minimum)) {
    const reached = kept.counts.get(name) ?? 0
    // A machine that can run no part at all is told apart: the runner counts it as skipped.
    if (reached < least && (partsRan || kept.skipped.length === 0)) {
      run.fail(`only ${reached} ${name}, at least ${least} are needed to prove anything`)
    }
  }
  const change = changeOf(sources, sourcesOf(root))
  if (change !== undefined) kept.failures.unshift(change)
  if (kept.failures.length === 0) rmSync(scratch, { recursive: true, force: true })
  else run.say(`kept for a look: ${scratch}`)
  return {
    id: program.id,
    name: program.name,
    length,
    seed,
    commit,
    replay: `npm run torture -- --${length} --only ${program.id} --seed ${seed}`,
    startedAt: new Date().toISOString(),
    seconds: Math.round((performance.now() - startedAt) / 100) / 10,
    passed: kept.passed(),
    failures: kept.failures,
    skipped: kept.skipped,
    counts: Object.fromEntries(kept.counts),
    figures: Object.fromEntries(kept.figures),
  }
}

/** Rejects some time after the budget, naming what is waited for: a hang must say where it is. */
async function budgetOver(signal: AbortSignal, part: () => string): Promise<never> {
  await new Promise(resolve => signal.addEventListener('abort', resolve))
  await sleep(endingMs)
  const { stdout } = spawnSync('ps', ['-eo', 'pid,ppid,stat,wchan:24,args'], { encoding: 'utf8' })
  if (stdout) console.log(stdout)
  const open = process.getActiveResourcesInfo().join(' ')
  throw new Error(`the budget is over and it is still at ${part()}; open: ${open}`)
}

function newRecord() {
  const counts = new Map<string, number>()
  const figures = new Map<string, number>()
  const failures: string[] = []
  const skipped: string[] = []
  let passed = 0
  let part = 'the beginning'
  const calls = {
    count(name: string, by = 1) {
      counts.set(name, (counts.get(name) ?? 0) + by)
    },
    pass(cases = 1) {
      passed += cases
    },
    fail(what: string) {
      failures.push(what)
      if (failures.length === failuresMax) throw new Error('too many failures to go on')
      console.log(`  FAIL ${what}`)
    },
    skip(part: string, reason: string) {
      skipped.push(`${part}: ${reason}`)
    },
    figure(name: string, value: number) {
      figures.set(name, Math.round(value * 100) / 100)
    },
    say(text: string) {
      console.log(`  ${text}`)
    },
    part(name: string) {
      part = name
      console.log(`  ${Math.round(performance.now() / 1000)} s: ${name}`)
    },
  }
  return { counts, figures, failures, skipped, calls, passed: () => passed, part: () => part }
}

function textOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error)
  const cause = error.cause === undefined ? '' : `\n  because ${textOf(error.cause)}`
  return `${error.stack ?? error.message}${cause}`
}

/** The commit, with `+` when the tree has changes of its own; `unknown` outside of git. */
function commitOf(dir: string): string {
  try {
    const git = (...args: string[]) => execFileSync('git', args, { cwd: dir, encoding: 'utf8' })
    const dirty = git('status', '--porcelain').trim() === '' ? '' : '+'
    return `${git('rev-parse', '--short=12', 'HEAD').trim()}${dirty}`
  } catch {
    return 'unknown'
  }
}

const [id = '', length, seed, resultFile = ''] = process.argv.slice(2)
const [program] = await findPrograms([id])
if (program === undefined) throw new Error(`no program ${id}`)
const wanted = { length: length === 'long' ? 'long' : 'short', seed: Number(seed) } as const
writeFileSync(resultFile, JSON.stringify(await runProgram(program, wanted)))
// A program may leave sockets or timers behind; its result is complete.
process.exit(0)
