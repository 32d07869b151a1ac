import { createBucket } from '@holdfast/engine/buckets/buckets.ts'
import { CrashDisk } from '@holdfast/testkit/crash-disk.ts'
import { put } from '../../crash-disk/engine-days.ts'
import { CatalogPlaces, type OpenedEngine, openEngineOn } from '../../crash-disk/engine-lab.ts'
import { strict } from '../../crash-disk/store-lab.ts'

const syncsMin = 6

/**
 * Each sync of a pack or a directory fails once, as a device does that drops the pages and says
 * later that all is well. From then on nothing may be taken, whatever the next sync says.
 */
export async function stopsAtEverySync(): Promise<void> {
  let fatal = 0
  for (const operation of ['sync', 'syncDir'] as const) {
    for (let at = 1; ; at += 1) {
      const failed = await putThrough(async disk => disk.failAt(at, 'EIO', { of: [operation] }))
      if (failed === undefined) break
      // A body that is not synced is thrown away, and only its put is refused.
      if (failed.path.startsWith('/data/tmp/')) continue
      fatal += 1
      if (failed.takenAfter > 0) {
        throw new Error(
          `${failed.takenAfter} puts were taken after a failed ${operation} of ${failed.path}`,
        )
      }
    }
  }
  if (fatal < syncsMin) throw new RangeError(`only ${fatal} syncs could fail`)
  await stopsWhereNothingCanBeTakenBack()
}

/** What a batch that was refused has written must go; if it cannot, it may come back. */
async function stopsWhereNothingCanBeTakenBack(): Promise<void> {
  const failed = await putThrough(async disk => {
    disk.failAt(1, 'EIO', { of: ['truncate'] })
    return disk.failAt(2, 'ENOSPC', { of: ['write'] })
  })
  if (failed === undefined) throw new RangeError('no write failed')
  if (failed.takenAfter > 0) throw new Error('a put was taken behind a batch that may come back')
}

/** Puts until one is refused and some more; undefined where the fault never came. */
async function putThrough(fail: (disk: CrashDisk) => Promise<{ readonly fired: number }>) {
  using places = new CatalogPlaces()
  const disk = new CrashDisk(strict)
  await using opened = await openEngineOn({ disk, catalogDir: places.fresh() })
  await createBucket(opened.engine, opened.call, { name: 'days' })
  const fault = await fail(disk)
  for (let n = 0; n < 12 && fault.fired === 0; n += 1) await isTaken(opened, n)
  if (fault.fired === 0) return undefined
  const { path = '' } = disk.log.findLast(({ operation }) => operation.startsWith('sync')) ?? {}
  let takenAfter = 0
  for (let n = 12; n < 16; n += 1) if (await isTaken(opened, n)) takenAfter += 1
  return { path, takenAfter }
}

async function isTaken(opened: OpenedEngine, n: number): Promise<boolean> {
  return await put(opened, `k${n}`, n % 4 === 3 ? 9000 : 3900).then(
    () => true,
    () => false,
  )
}
