import { createBucket } from '@holdfast/engine/buckets/buckets.ts'
import { CrashDisk, type CrashDiskOptions } from '@holdfast/testkit/crash-disk.ts'
import { FakeClock } from '@holdfast/testkit/fake-clock.ts'
import type { Draw } from '@holdfast/testkit/store/crash-runs.ts'
import { SeenStates } from '@holdfast/testkit/store/seen-states.ts'
import type { Day } from './engine-days.ts'
import { CatalogPlaces, checkWhole, openEngineOn, stateOf } from './engine-lab.ts'
import { catalogDigest } from './store-lab.ts'

export interface DayTally {
  cuts: number
  states: number
  /** Of the states, those that were just as one before: they would be found the same again. */
  alike: number
  /** Commits that were acknowledged during the day. */
  acknowledged: number
}

interface Left {
  /** The disk call before which the power goes. */
  readonly n: number
  readonly acknowledged: number
  readonly disk: CrashDisk
  readonly catalogDir: string
  readonly depth: Depth
}

/** What is done with a disk besides a look at all of it. */
type Depth = '' | 'twice' | 'records' | 'life after'

export interface DaySweep extends Draw {
  readonly disk: CrashDiskOptions
  /** One of so many disks is looked at in the ways that cost most; a multiple of 3. */
  readonly dearOneOf?: number
  /** A disk between the store and the crash disk, such as one that forgets a duty. */
  readonly through?: (disk: CrashDisk) => CrashDisk
}

/**
 * Plays a day once and takes disks that a power cut before each disk call may leave. Each is opened
 * and must hold exactly the records as they were after the last acknowledged commit, or after the
 * one that was under way; and every byte of them.
 */
export async function sweepDay(day: Day, sweep: DaySweep): Promise<DayTally> {
  using places = new CatalogPlaces()
  const { left, states, calls, cuts, alike } = await playDay(day, sweep, places)
  const tally: DayTally = { cuts, states: alike, alike, acknowledged: states.length - 1 }
  for (const [at, one] of left.entries()) {
    try {
      await checkLeft(one, states, places)
      // Not where the catalog was made again meanwhile: an older one does not go with these packs.
      if (one.depth === 'life after') await checkLifeAfter(one, places)
    } catch (error) {
      const text = error instanceof Error ? error.message : String(error)
      throw new Error(`cut ${one.n}, disk ${at}: ${text}\n${callsBefore(calls, one.n)}`, {
        cause: error,
      })
    }
    places.drop(one.catalogDir)
    tally.states += 1
  }
  return tally
}

async function playDay(day: Day, sweep: DaySweep, places: CatalogPlaces) {
  const catalogDir = places.fresh()
  const left: Left[] = []
  const states: string[] = []
  const older: string[] = []
  const seen = new SeenStates()
  const every = sweep.dearOneOf ?? 24
  let watching = false
  let cuts = 0
  let drawn = 0
  const take = (n: number) => {
    if (!watching) return
    cuts += 1
    const random = sweep.random.fork(n)
    const acknowledged = states.length - 1
    for (let i = 0; i < sweep.disksPerCut; i += 1) {
      // None, the present one and an older one in turn: a cut may take any of the catalog's WAL.
      const from = [undefined, catalogDir, random.pick([catalogDir, ...older])][(n + i) % 3]
      const crashed = disk.crashed(random.fork(i))
      const depth = depthOf(drawn, every)
      drawn += 1
      const catalog = from === undefined ? '' : catalogDigest(from)
      if (!seen.isNew([crashed.digest(), catalog, String(acknowledged)], depth)) continue
      const copy = from === undefined ? places.fresh() : places.copy(from)
      left.push({ n, acknowledged, disk: crashed, catalogDir: copy, depth })
    }
  }
  const disk = new CrashDisk({ ...sweep.disk, before: take })
  const opened = await openEngineOn({
    disk: sweep.through?.(disk) ?? disk,
    catalogDir,
    onCommit: async store => {
      states.push(await stateOf(store))
      if (states.length % 4 === 1) older.push(places.copy(catalogDir))
    },
  })
  // Reclaiming makes the catalog durable before it removes packs, so no older state comes back.
  const forgetOlder = () => {
    for (const dir of older.splice(0)) places.drop(dir)
  }
  try {
    await day.prepare?.(opened)
    disk.settle()
    forgetOlder()
    states.splice(0, states.length, await stateOf(opened.store))
    watching = true
    await day.run(opened, forgetOlder)
    take(disk.ops + 1)
  } finally {
    watching = false
    await opened.store.close()
  }
  return { left, states, calls: disk.log, cuts, alike: seen.alike }
}

/** By how many were drawn before: which one gets what follows from the seed. */
function depthOf(drawn: number, every: number): Depth {
  if (drawn % every === 1) return 'life after'
  if (drawn % every === 2) return 'records'
  return drawn % 3 === 0 ? 'twice' : ''
}

async function checkLeft(
  { disk, catalogDir, acknowledged, depth }: Left,
  states: readonly string[],
  places: CatalogPlaces,
): Promise<void> {
  // The catalog is compared with the packs, too.
  const found = await openAndCheck(disk, catalogDir, depth === 'records')
  const allowed = states.slice(acknowledged, acknowledged + 2)
  if (!allowed.includes(found)) {
    const at = states.indexOf(found)
    const is = at >= 0 ? `as after commit ${at}` : `in no state it ever had:\n${found}`
    throw new Error(`after commit ${acknowledged} was acknowledged, the store is ${is}`)
  }
  if (depth !== 'twice') return
  // Opened again without its catalog, it must say the same.
  const emptied = places.fresh()
  const again = await openAndCheck(disk, emptied)
  places.drop(emptied)
  if (again !== found) throw new Error(`made again, the catalog differs:\n${found}\n${again}`)
}

/**
 * The store works on: small commits stand where the cut one stood, its pack is sealed, and others
 * follow. Made again from the packs, the catalog must be the same.
 */
async function checkLifeAfter({ disk, catalogDir }: Left, places: CatalogPlaces): Promise<void> {
  let worked: string
  {
    const clock = new FakeClock()
    await using opened = await openEngineOn({ disk, catalogDir, clock, seed: 3, packBytesMax: 1 })
    const { engine, call, store } = opened
    for (const name of ['afterwards', 'and-again']) await createBucket(engine, call, { name })
    worked = await stateOf(store)
  }
  const emptied = places.fresh()
  const again = await openAndCheck(disk, emptied, true)
  places.drop(emptied)
  if (again !== worked) throw new Error(`later, the catalog differs:\n${worked}\n${again}`)
}

async function openAndCheck(disk: CrashDisk, catalogDir: string, records = false): Promise<string> {
  await using opened = await openEngineOn({ disk, catalogDir, clock: new FakeClock(), seed: 2 })
  const leftover = disk.list('/data/tmp').map(({ name }) => name)
  if (leftover.length > 0) throw new Error(`left over: ${leftover.join(', ')}`)
  await checkWhole(opened, records)
  return await stateOf(opened.store)
}

function callsBefore(calls: CrashDisk['log'], n: number): string {
  return calls
    .slice(Math.max(0, n - 10), n + 2)
    .map(call => `  ${call.n === n ? '>' : ' '} ${call.n} ${call.operation} ${call.path}`)
    .join('\n')
}
