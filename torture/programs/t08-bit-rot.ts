import { cpSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import {
  healAll,
  lookAt,
  type Notice,
  rebuildProblem,
  salvageProblem,
} from '../bit-rot/check-rotten.ts'
import { type Damaged, damageOne, type FileClass, fileClasses } from '../bit-rot/damage.ts'
import { makeSoundStore, type SoundStore } from '../bit-rot/sound-store.ts'
import type { Program, Run } from '../runner/program.ts'

const cases = { short: 200, long: 20_000 }
/** Most of the bytes are in packs and blobs, so most of the damage is. */
const weights: readonly FileClass[] = ['pack', 'pack', 'pack', 'blob', 'blob', ...fileClasses]

export const program: Program = {
  id: 'T08',
  name: 'bit-rot',
  summary: 'flipped, zeroed, swapped and lost bytes in every kind of file',
  secondsMax: { short: 480, long: 7200 },
  minimum: {
    short: { pack: 50, blob: 30, catalog: 10, wal: 8, marker: 8, detected: 90, healed: 30 },
    long: { pack: 5000, blob: 3000, catalog: 1000, wal: 800, marker: 800, detected: 9000 },
  },
  async run(run) {
    const sound = await makeSoundStore(run.scratch, run.seed)
    for (let n = 0; n < cases[run.length] && !run.signal.aborted; n += 1) {
      const dir = join(run.scratch, `case-${n}`)
      const random = run.random.fork(n)
      const fileClass = random.pick(weights)
      cpSync(fileClass === 'wal' ? sound.openDir : sound.dir, dir, { recursive: true })
      const damaged = damageOne(dir, fileClass, random)
      if (damaged === undefined) throw new Error(`no file of class ${fileClass}`)
      run.count(fileClass)
      const problem = await judge(run, { dir, sound, damaged })
      if (problem === undefined) {
        run.pass()
        rmSync(dir, { recursive: true })
      } else run.fail(`case ${n}, ${JSON.stringify(damaged)}: ${problem}`)
    }
  },
}

interface Case {
  readonly dir: string
  readonly sound: SoundStore
  readonly damaged: Damaged
}

/** Damage is noticed, or there is nothing to notice: all records and bytes are as they were. */
async function judge(run: Run, one: Case): Promise<string | undefined> {
  const { dir, sound, damaged } = one
  const original = `${dir}-original`
  cpSync(dir, original, { recursive: true })
  try {
    const notice = await lookAt(dir, sound)
    if (notice.problems.length > 0) return `served wrong bytes: ${notice.problems[0]}`
    const rebuilt = await rebuildProblem(original, sound)
    if (damaged.fileClass === 'catalog') return judgeCatalog(run, notice, rebuilt)
    const noticed = notice.refused !== undefined || notice.unreadable > 0 || notice.findings > 0
    if (noticed) run.count('detected')
    else if (!notice.isEqual) return 'records differ and nobody noticed'
    else if (rebuilt !== undefined && damaged.fileClass !== 'pack') {
      return `not noticed, but a rebuild fails: ${rebuilt}`
    } else if (rebuilt !== undefined) return `only a rebuild notices: ${rebuilt}`
    else run.count('harmless')
    if (notice.refused === undefined) return await judgeHealing(run, dir, sound)
    if (damaged.fileClass === 'marker') return undefined
    return await salvageProblem(original, { sound, kind: damaged.kind })
  } finally {
    rmSync(original, { recursive: true, force: true })
  }
}

/** The catalog has no checksums of its own, but the packs tell what it should say. */
function judgeCatalog(run: Run, notice: Notice, rebuilt: string | undefined): string | undefined {
  if (rebuilt !== undefined) return `a rebuild does not mend the catalog: ${rebuilt}`
  if (notice.refused !== undefined || notice.unreadable > 0 || notice.findings > 0) {
    run.count('detected')
    run.count('catalogs detected')
  } else if (!notice.isEqual) return 'a record of the catalog changed, and nobody noticed'
  else run.count('harmless')
  return undefined
}

async function judgeHealing(run: Run, dir: string, sound: SoundStore): Promise<string | undefined> {
  const healed = await healAll(dir, sound)
  if (typeof healed === 'string') return healed
  run.count('healed', healed)
  return undefined
}
