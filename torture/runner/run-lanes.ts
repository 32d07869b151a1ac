import { type ChildProcess, spawn } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { TortureOptions } from './options.ts'
import type { Program, ProgramResult } from './program.ts'
import { describeResult } from './results.ts'

const lanes = 2
/** For the end of what runs when the budget is over: servers to stop, images to unmount. */
const graceSeconds = 60
const outputCharsMax = 200_000

const running = new Set<ChildProcess>()

/** Runs all programs, each in its own process group, two at a time. */
export async function runLanes(
  programs: readonly Program[],
  options: TortureOptions,
): Promise<ProgramResult[]> {
  const scratch = mkdtempSync(join(tmpdir(), 'holdfast-torture-'))
  const results: ProgramResult[] = []
  const runAll = async (waiting: Program[]) => {
    for (let program = waiting.shift(); program !== undefined; program = waiting.shift()) {
      const { result, output } = await runOne(program, options, scratch)
      results.push(result)
      process.stdout.write(describeResult(program, result, output))
    }
  }
  const isAlone = ({ lane }: Program) => {
    return lane === 'alone' || (lane === 'alone in long runs' && options.length === 'long')
  }
  const any = programs.filter(program => !isAlone(program))
  // The longest first, so that no lane ends long after the other.
  any.sort((a, b) => b.secondsMax[options.length] - a.secondsMax[options.length])
  await Promise.all(Array.from({ length: lanes }, () => runAll(any)))
  await runAll(programs.filter(isAlone))
  rmSync(scratch, { recursive: true, force: true })
  return results.sort((a, b) => a.id.localeCompare(b.id))
}

async function runOne(
  program: Program,
  { length, seed }: TortureOptions,
  scratch: string,
): Promise<{ result: ProgramResult; output: string }> {
  const resultFile = join(scratch, `${program.id}.json`)
  const startedAt = performance.now()
  const script = join(import.meta.dirname, 'run-program.ts')
  const args = [script, program.id, length, String(seed), resultFile]
  const command = [process.execPath, '--disable-warning=ExperimentalWarning', ...args]
  // Where there is no root the program itself says that it cannot mount.
  if (program.mounts === true && process.getuid?.() === 0) command.unshift('unshare', '-m')
  const [file = '', ...rest] = command
  const child = spawn(file, rest, {
    detached: true,
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  running.add(child)
  let output = ''
  const keep = (chunk: Buffer) => {
    output = `${output}${chunk}`.slice(-outputCharsMax)
  }
  child.stdout.on('data', keep)
  child.stderr.on('data', keep)
  const secondsMax = program.secondsMax[length] + graceSeconds
  const timer = setTimeout(() => endGroup(child), secondsMax * 1000)
  const code = await new Promise<number | null>(resolve => {
    child.on('exit', () => endGroup(child))
    child.on('close', resolve)
  })
  clearTimeout(timer)
  running.delete(child)
  const result = readResult(resultFile) ?? {
    id: program.id,
    name: program.name,
    length,
    seed,
    commit: 'unknown',
    replay: `npm run torture -- --${length} --only ${program.id} --seed ${seed}`,
    startedAt: new Date().toISOString(),
    seconds: Math.round((performance.now() - startedAt) / 100) / 10,
    passed: 0,
    failures: [`ended without a result, exit code ${code}`],
    skipped: [],
    counts: {},
    figures: {},
  }
  return { result, output }
}

function readResult(file: string): ProgramResult | undefined {
  try {
    return JSON.parse(readFileSync(file, 'utf8'))
  } catch {
    return undefined
  }
}

/** Whatever a program started belongs to its group and ends with it. */
function endGroup(child: ChildProcess): void {
  if (child.pid === undefined) return
  try {
    process.kill(-child.pid, 'SIGKILL')
  } catch {
    // Nobody of the group is left.
  }
}

for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
  process.on(signal, () => {
    for (const child of running) endGroup(child)
    process.exit(130)
  })
}
