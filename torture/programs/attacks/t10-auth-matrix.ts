import { join } from 'node:path'
import { routes } from '@holdfast/contract/routes.ts'
import { operations } from '@holdfast/server/doors/s3/operations.ts'
import { fuzzSignatures } from '../../access/fuzz/sigv4-fuzz.ts'
import { openLab } from '../../access/open-lab.ts'
import { introduce } from '../../access/people.ts'
import { raceEnv, runRaces } from '../../access/races/run-races.ts'
import { runMatrix } from '../../access/rest/matrix.ts'
import { runS3Matrix } from '../../access/s3/s3-matrix.ts'
import { runWaitMatrix, waitEnv } from '../../access/waits/wait-matrix.ts'
import { tellStories, writesEnv } from '../../access/writes/story.ts'
import type { Program, Run } from '../../runner/program.ts'

const mutants = { short: 3000, long: 1_000_000 }
const matrix = {
  operations: Object.keys(routes).length,
  'let in': 700,
  refused: 800,
  'dead refused': 900,
  'S3 operations': Object.keys(operations).length,
  'S3 let in': 700,
  'S3 refused': 1700,
  audited: 3500,
}

export const program: Program = {
  id: 'T10',
  name: 'auth-matrix',
  summary: 'every route and S3 operation by everybody in every way, then mutated signatures',
  secondsMax: { short: 300, long: 10_800 },
  minimum: {
    short: {
      ...matrix,
      clients: 2,
      'valid requests': 40,
      mutants: mutants.short,
    },
    long: {
      ...matrix,
      clients: 2,
      'valid requests': 40,
      mutants: mutants.long,
    },
  },
  async run(run) {
    await using lab = await openLab(join(run.scratch, 'data'))
    await runMatrix(lab, await introduce(lab), run)
    await runS3Matrix(lab, run)
    // Short runs leave them to `npm test`, which takes another part of them each day.
    if (run.length === 'long') {
      await refuseWaiting(run)
      await race(run)
      await writeAtRandom(run)
    }
    await fuzzSignatures(run, lab, { mutants: mutants[run.length], programs: true })
  },
}

async function refuseWaiting(run: Run): Promise<void> {
  await using lab = await openLab(join(run.scratch, 'waits'), { env: waitEnv })
  let refused = 0
  const count = (name: string, by = 1) => {
    if (name === 'late waits refused') refused += by
    run.count(name, by)
  }
  const report = { count, pass: () => run.pass(), fail: (what: string) => run.fail(what) }
  await runWaitMatrix(lab, report, { of: 1, at: 0 })
  if (refused < 3000) run.fail(`only ${refused} late waits refused`)
}

/** In parts of twenty stories, each in a store of its own. */
async function writeAtRandom(run: Run): Promise<void> {
  let stories = 0
  const count = (name: string, by = 1) => {
    if (name === 'stories') stories += by
    run.count(name, by)
  }
  const report = { count, pass: () => run.pass(), fail: (what: string) => run.fail(what) }
  for (let part = 0; part < 25; part += 1) {
    await using lab = await openLab(join(run.scratch, `writes-${part}`), { env: writesEnv })
    const seeds = Array.from({ length: 20 }, (_, at) => run.seed * 1000 + part * 20 + at)
    await tellStories(lab, report, { seeds, steps: 40 })
  }
  if (stories < 500) run.fail(`only ${stories} stories`)
}

/** In parts, each in a store of its own: some questions look at every key that there is. */
async function race(run: Run): Promise<void> {
  const of = 20
  let races = 0
  const count = (name: string, by = 1) => {
    if (name === 'races') races += by
    run.count(name, by)
  }
  const report = { count, pass: () => run.pass(), fail: (what: string) => run.fail(what) }
  for (let at = 0; at < of; at += 1) {
    await using lab = await openLab(join(run.scratch, `races-${at}`), { env: raceEnv })
    const ofWaits = { of: of * 20, at, waits: true }
    await runRaces(lab, report, [{ of, at }, ofWaits])
  }
  if (races < 26_000) run.fail(`only ${races} races`)
}
