import { removeAsset } from '@holdfast/engine/assets/remove.ts'
import { createBucket } from '@holdfast/engine/buckets/buckets.ts'
import { collectGarbage } from '@holdfast/engine/integrity/collect.ts'
import { CrashDisk } from '@holdfast/testkit/crash-disk.ts'
import { put } from '../../crash-disk/engine-days.ts'
import { CatalogPlaces, type OpenedEngine, openEngineOn } from '../../crash-disk/engine-lab.ts'
import { strict } from '../../crash-disk/store-lab.ts'

const failuresMin = 4

/**
 * A sync that fails while space is given back is as final as one of a put: nothing may be tried
 * again, and the process is told to end although nobody writes.
 */
export async function endsWhenReclaimFails(): Promise<void> {
  let failures = 0
  // Of bytes that move, of a pack that is begun, and of the directory that one was removed from.
  for (const operation of ['sync', 'syncDir'] as const) {
    for (let at = 1; await failsAt(at, operation); at += 1) failures += 1
  }
  if (failures < failuresMin) throw new RangeError(`only ${failures} syncs could fail`)
}

type Sync = 'sync' | 'syncDir'

/** False when there are no more syncs of the kind. */
async function failsAt(at: number, operation: Sync): Promise<boolean> {
  using places = new CatalogPlaces()
  const disk = new CrashDisk(strict)
  const told: string[] = []
  await using opened = await openEngineOn({
    ...{ disk, catalogDir: places.fresh() },
    onFatal: reason => told.push(reason),
  })
  await fillWithGarbage(opened)
  const fault = disk.failAt(at, 'EIO', { of: [operation] })
  const reclaimed = () => isTaken(opened.store.element.reclaim?.() ?? Promise.resolve(0))
  const taken = await reclaimed()
  if (fault.fired === 0) return false
  if (taken) throw new Error(`a failed ${operation} of a reclaim was swallowed`)
  if (told.length !== 1) {
    throw new Error(`a failed ${operation} of a reclaim ended the process ${told.length} times`)
  }
  if (await reclaimed()) throw new Error(`space was given back after a failed ${operation}`)
  if (await isTaken(put(opened, 'late', 300))) {
    throw new Error(`a put was taken after a failed ${operation} of a reclaim`)
  }
  if ((await opened.store.catalog.probe()).state !== 'down') throw new Error('it calls itself up')
  return true
}

async function fillWithGarbage(opened: OpenedEngine): Promise<void> {
  const { engine, call, clock } = opened
  await createBucket(engine, call, { name: 'days' })
  const ids: string[] = []
  for (let n = 0; n < 12; n += 1) ids.push(await put(opened, `k${n}`, 3900 - n))
  for (const id of ids.slice(1)) await removeAsset(engine, call, id, { hard: true })
  await clock.advance(25 * 60 * 60 * 1000)
  await collectGarbage(engine)
}

async function isTaken(work: Promise<unknown>): Promise<boolean> {
  return await work.then(
    () => true,
    () => false,
  )
}
