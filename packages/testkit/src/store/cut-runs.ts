import { CrashDisk } from '../crash-disk.ts'
import {
  type CatalogCopy,
  type CrashCase,
  type CrashLab,
  checkDisk,
  type Draw,
  describe,
  observed,
} from './crash-runs.ts'
import { History } from './history.ts'
import { SeenStates } from './seen-states.ts'
import { StoreActor } from './store-actor.ts'

export interface CutTally {
  cuts: number
  disks: number
  /** Of the disks, those that were just as one before: they would be found the same again. */
  alike: number
  /** Acknowledged operations that had to be there, over all disks. */
  acknowledged: number
}

/** What a power cut before the n-th disk call may leave, and what was promised until then. */
interface CutMoment {
  readonly n: number
  readonly history: History
  readonly left: readonly {
    readonly disk: CrashDisk
    readonly catalog: CatalogCopy
    readonly twice: boolean
  }[]
}

/**
 * Plays the workload once. Before every disk call it takes some of the disks that a cut would leave
 * there, with a catalog that is absent, as it is, or older; then it opens and checks them all.
 */
export async function sweepCuts(lab: CrashLab, crash: CrashCase, draw: Draw): Promise<CutTally> {
  const { moments, calls, alike } = await takeMoments(lab, crash, draw)
  const tally: CutTally = { cuts: 0, disks: alike, alike, acknowledged: 0 }
  for (const { n, history, left } of moments) {
    tally.cuts += 1
    for (const [i, { disk, catalog, twice }] of left.entries()) {
      try {
        await checkDisk(lab, disk, { history, catalog, twice })
      } catch (error) {
        throw new Error(`cut ${n}, disk ${i}: ${describe(error)}\n${around(calls, n)}`, {
          cause: error,
        })
      } finally {
        catalog.drop()
      }
      tally.disks += 1
      tally.acknowledged += history.count('ok')
    }
  }
  return tally
}

async function takeMoments(
  lab: CrashLab,
  { workload, prepared, disk: options }: CrashCase,
  draw: Draw,
): Promise<{ moments: CutMoment[]; calls: CrashDisk['log']; alike: number }> {
  const history = new History()
  const catalog = prepared?.catalog.copy() ?? lab.fresh()
  let older: CatalogCopy[] = []
  const moments: CutMoment[] = []
  const seen = new SeenStates()
  const take = (n: number) => {
    const random = draw.random.fork(n)
    const promised = JSON.stringify(history.operations)
    const left: CutMoment['left'][number][] = []
    for (let i = 0; i < draw.disksPerCut; i += 1) {
      const state = [undefined, catalog, random.pick([catalog, ...older])][(n + i) % 3]
      const crashed = disk.crashed(random.fork(i))
      const twice = i % 3 === 0
      if (!seen.isNew([crashed.digest(), state?.digest() ?? '', promised], twice ? 'twice' : '')) {
        continue
      }
      left.push({ disk: crashed, catalog: state?.copy() ?? lab.fresh(), twice })
    }
    moments.push({ n, history: history.snapshot(), left })
  }
  const watched = { ...options, before: take }
  const disk = prepared?.disk.copy(watched) ?? new CrashDisk(watched)
  const forget = () => {
    for (const state of older) state.drop()
    older = []
  }
  const store = await lab.open(disk, catalog)
  const states = { keep: () => older.push(catalog.copy()), forget }
  await workload(observed(new StoreActor(store, history), states))
  take(disk.ops + 1)
  await store.close()
  forget()
  catalog.drop()
  return { moments, calls: disk.log, alike: seen.alike }
}

function around(calls: CrashDisk['log'], n: number): string {
  return calls
    .slice(Math.max(0, n - 12), n + 2)
    .map(call => `  ${call.n === n ? '>' : ' '} ${call.n} ${call.operation} ${call.path}`)
    .join('\n')
}
