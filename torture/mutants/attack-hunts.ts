import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { SeededRandom } from '@holdfast/testkit/seeded-random.ts'
import { fuzzSignatures } from '../access/fuzz/sigv4-fuzz.ts'
import { lateEnv, runLateMatrix } from '../access/late/late-matrix.ts'
import { type Lab, openLab } from '../access/open-lab.ts'
import { introduce } from '../access/people.ts'
import { runMatrix } from '../access/rest/matrix.ts'
import { besiegeOne } from '../fuzz/connections/siege.ts'
import { injectTypes } from '../inject/answers.ts'
import { attackTokens } from '../login/attack-tokens.ts'
import { bruteForce, lockSeconds } from '../login/brute-force.ts'
import { subRights } from '../login/sub-rights.ts'
import type { Run } from '../runner/program.ts'
import { initialPassword, spill } from '../secrets/spill.ts'

const seed = 7
const msMax = 120_000
const mutants = 600

/** Parts of T10 to T13, small enough to be run for every planted bug. */
const attacks: Readonly<Record<string, (run: Run, lab: Lab, name: string) => Promise<void>>> = {
  matrix: async (run, lab, name) => await runMatrix(lab, await introduce(lab), run, [name]),
  tokens: attackTokens,
  guesses: bruteForce,
  rights: subRights,
  signatures: async (run, lab) => await fuzzSignatures(run, lab, { mutants, programs: false }),
  types: async (run, lab) => {
    await lab.must('POST', '/api/v2/buckets', { name: 'inject' })
    await injectTypes(run, lab)
  },
  late: async (run, lab) => await runLateMatrix(lab, run),
  secrets: async (run, lab) => await spill(run, lab),
}

/** Throws with the first thing that does not hold. */
export async function huntAttack(text: string): Promise<void> {
  const [kind = '', name = ''] = text.split(/ (.*)/)
  const attack = attacks[kind]
  if (attack === undefined) throw new RangeError(`no attack ${kind}`)
  const env = {
    STORAGE_LOCKOUT_DURATION: String(lockSeconds),
    STORAGE_ACCOUNT_REFRESH_TOKENS: 'on',
    STORAGE_LOG_LEVEL: 'trace',
    ...lateEnv,
    STORAGE_INITIAL_ADMIN_USERNAME: 'first',
    STORAGE_INITIAL_ADMIN_PASSWORD: initialPassword,
  }
  await hunted(async run => {
    // Passwords as dear as in the program: guesses have to overlap.
    await using lab = await openLab(join(run.scratch, 'data'), { env, passwordCost: undefined })
    await attack(run, lab, name)
  })
}

/** Hostile connections at a server of the copy, of T14. */
export async function huntConnections(server: string): Promise<void> {
  await hunted(async run => await besiegeOne(run, server))
}

async function hunted(work: (run: Run) => Promise<void>): Promise<void> {
  const scratch = mkdtempSync(join(tmpdir(), 'holdfast-attack-'))
  const run: Run = {
    ...{ seed, scratch, length: 'short', random: new SeededRandom(seed) },
    signal: AbortSignal.timeout(msMax),
    count: () => {},
    pass: () => {},
    figure: () => {},
    say: () => {},
    part: () => {},
    skip: () => {},
    fail: what => {
      throw new Error(what)
    },
  }
  try {
    await work(run)
  } finally {
    rmSync(scratch, { recursive: true, force: true })
  }
}
