import { spawn } from 'node:child_process'
import { join } from 'node:path'
import { accessMutants } from '../mutants/access-mutants.ts'
import { auditMutants } from '../mutants/audit-mutants.ts'
import { bodyMutants } from '../mutants/body-mutants.ts'
import { connectionMutants } from '../mutants/connection-mutants.ts'
import { identityMutants } from '../mutants/identity-mutants.ts'
import { laterMutants } from '../mutants/later-mutants.ts'
import { durabilityMutants, type Mutant } from '../mutants/mutants.ts'
import { MutatedCopy } from '../mutants/mutated-copy.ts'
import { peopleMutants } from '../mutants/people-mutants.ts'
import { securityMutants } from '../mutants/security-mutants.ts'
import type { Program, Run } from '../runner/program.ts'
import { hasStrace } from '../target/tracer.ts'

const mutants = [
  ...durabilityMutants,
  ...laterMutants,
  ...bodyMutants,
  ...securityMutants,
  ...accessMutants,
  ...auditMutants,
  ...connectionMutants,
  ...identityMutants,
  ...peopleMutants,
]
const inShort = 4

export const program: Program = {
  id: 'T21',
  name: 'mutants',
  summary: 'bugs planted in a copy of the sources: the checks of this suite must find each of them',
  secondsMax: { short: 300, long: 2700 },
  minimum: {
    short: { killed: inShort, 'hunts that held without a bug': 3 },
    long: {
      killed: mutants.filter(({ needs }) => needs === undefined).length,
      'hunts that held without a bug': 10,
    },
  },
  async run(run) {
    using copy = new MutatedCopy(join(run.scratch, 'copy'))
    const possible = mutants.filter(({ needs }) => needs === undefined || hasStrace())
    const left = mutants.filter(mutant => !possible.includes(mutant)).map(({ name }) => name)
    if (left.length > 0) run.skip(left.join(', '), 'strace is not installed')
    const chosen = run.length === 'long' ? possible : drawSome(run, possible)
    // First without any bug: a hunt that finds something then proves nothing.
    for (const hunt of new Set(chosen.flatMap(({ hunts }) => hunts))) {
      const found = await hunted(copy, [hunt], run.signal)
      if (found === undefined) run.count('hunts that held without a bug')
      else run.fail(`without a bug: ${found}`)
    }
    for (const mutant of chosen) await huntDown(run, copy, mutant)
  },
}

function drawSome({ random }: Run, possible: readonly Mutant[]): Mutant[] {
  const left = [...possible]
  const chosen: Mutant[] = []
  while (chosen.length < inShort) chosen.push(...left.splice(random.below(left.length), 1))
  return chosen
}

async function huntDown(run: Run, copy: MutatedCopy, { name, edits, hunts }: Mutant) {
  try {
    copy.apply(edits)
    const found = await hunted(copy, hunts, run.signal)
    if (found === undefined) {
      run.fail(`${name} was not found by ${hunts.join(', ')}`)
      return
    }
    run.say(`${name}: ${found.split('\n', 1)[0]}`)
    run.count('killed')
    run.pass()
  } catch (error) {
    run.fail(`${name}: ${error instanceof Error ? error.message : error}`)
  } finally {
    copy.restore()
  }
}

/** What the hunts found in the copy, or undefined when all held. */
async function hunted(
  copy: MutatedCopy,
  hunts: readonly string[],
  signal: AbortSignal,
): Promise<string | undefined> {
  const script = join(copy.dir, 'torture', 'mutants', 'hunt.ts')
  const child = spawn(
    process.execPath,
    ['--disable-warning=ExperimentalWarning', script, ...hunts],
    {
      stdio: ['ignore', 'pipe', 'inherit'],
      signal,
    },
  )
  let output = ''
  child.stdout.on('data', chunk => {
    output += chunk
  })
  const code = await new Promise<number | null>((resolve, reject) => {
    child.on('error', reject)
    child.on('close', resolve)
  })
  if (code === 0) return undefined
  // Only what the hunt itself tells counts: a copy that does not even load has found nothing.
  if (code !== 1 || output === '') throw new Error(`the hunt ended with ${code}: ${output}`)
  return output.trim()
}
