import { createBucket } from '@holdfast/engine/buckets/buckets.ts'
import { CrashDisk, type CrashDiskOptions } from '@holdfast/testkit/crash-disk.ts'
import type { Draw } from '@holdfast/testkit/store/crash-runs.ts'
import { put } from './engine-days.ts'
import {
  CatalogPlaces,
  checkWhole,
  type OpenedEngine,
  openEngineOn,
  stateOf,
} from './engine-lab.ts'

const large = 9000
const body = 77

export interface AgainTally {
  kills: number
  states: number
}

/**
 * The process dies before each disk call of a put. The next one is given the same bytes and finds
 * what the dead one left: directories, and names, that nobody ever synced. Then the power goes.
 */
export async function killPutAgainCut(options: CrashDiskOptions, draw: Draw): Promise<AgainTally> {
  using places = new CatalogPlaces()
  const prepared = await prepare(options, places)
  const tally: AgainTally = { kills: 0, states: 0 }
  for (let n = 1; ; n += 1) {
    const catalogDir = places.copy(prepared.catalogDir)
    const dying = prepared.disk.copy({ ...options, cutAt: n })
    await putOnce({ disk: dying, catalogDir }).catch((error: unknown) => {
      if (!dying.dead) throw error
    })
    const killed = dying.dead
    const disk = dying.restarted()
    const acknowledged = await putOnce({ disk, catalogDir })
    for (let i = 0; i < draw.disksPerCut; i += 1) {
      const kept = i % 2 === 0 ? places.copy(catalogDir) : places.fresh()
      const crashed = disk.crashed(draw.random.fork(n).fork(i))
      await using opened = await openEngineOn({ disk: crashed, catalogDir: kept })
      const { problems } = await findings(opened, acknowledged)
      if (problems !== '') throw new Error(`killed at call ${n}, put again, cut: ${problems}`)
      tally.states += 1
    }
    places.drop(catalogDir)
    if (!killed) return tally
    tally.kills += 1
  }
}

async function findings(opened: OpenedEngine, acknowledged: string) {
  const found = await stateOf(opened.store)
  if (found !== acknowledged) return { problems: `${found}\ninstead of\n${acknowledged}` }
  return await checkWhole(opened).then(
    () => ({ problems: '' }),
    (error: unknown) => ({ problems: String(error) }),
  )
}

async function prepare(options: CrashDiskOptions, places: CatalogPlaces) {
  const disk = new CrashDisk(options)
  const catalogDir = places.fresh()
  {
    await using opened = await openEngineOn({ disk, catalogDir })
    await createBucket(opened.engine, opened.call, { name: 'days' })
  }
  disk.settle()
  return { disk, catalogDir }
}

/** All records after the put was acknowledged. */
async function putOnce(place: { disk: CrashDisk; catalogDir: string }): Promise<string> {
  const opened = await openEngineOn({ ...place, seed: 2 })
  try {
    await put(opened, 'a', large, body)
    return await stateOf(opened.store)
  } finally {
    // A dead disk refuses an orderly end, too.
    await opened.store.close().catch(() => undefined)
  }
}
