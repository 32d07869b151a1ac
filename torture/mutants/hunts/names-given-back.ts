import { removeAsset } from '@holdfast/engine/assets/remove.ts'
import { createBucket } from '@holdfast/engine/buckets/buckets.ts'
import { collectGarbage } from '@holdfast/engine/integrity/collect.ts'
import type { CrashDisk } from '@holdfast/testkit/crash-disk.ts'
import { bodySource } from '@holdfast/testkit/self-describing-bodies.ts'
import { put } from '../../crash-disk/engine-days.ts'
import type { OpenedEngine } from '../../crash-disk/engine-lab.ts'

const large = 9000
const small = 300

/**
 * A name that is not given back costs no answer, only space, until a start or a sweep finds it: so
 * each is looked for right after what must have removed it.
 */
export async function givesNamesBack(opened: OpenedEngine, disk: CrashDisk): Promise<void> {
  const { engine, call, clock, store } = opened
  await createBucket(engine, call, { name: 'days' })
  const a = await put(opened, 'a', large, 1)
  await put(opened, 'b', large, 1)
  noTemps(disk, 'puts of the same bytes')
  await refusedStaging(store)
  noTemps(disk, 'uploads that were refused')
  await store.element.writeNote?.('note', 'text')
  await store.element.writeNote?.('note', 'other', { ifAbsent: true })
  noTemps(disk, 'notes')
  await store.element.probe()
  noTemps(disk, 'a probe')
  await removeAsset(engine, call, a, { hard: true })
  const c = await put(opened, 'c', large, 2)
  await removeAsset(engine, call, c, { hard: true })
  await clock.advance(25 * 60 * 60 * 1000)
  await collectGarbage(engine)
  // The sweep would find it later: collection itself must give it back.
  hasFiles(disk, 1, 'collection')
  await leaveAnOrphan(opened, disk)
  hasFiles(disk, 2, 'a put whose batch found no room')
  await store.element.reclaim?.()
  hasFiles(disk, 1, 'space was given back')
}

async function refusedStaging({ element }: OpenedEngine['store']): Promise<void> {
  for (const size of [small, large]) {
    for (const options of [{ expected: { sha256: '0'.repeat(64) } }, { length: size + 1 }]) {
      const taken = await element.staging?.stage(bodySource(3, size), options).then(
        () => true,
        () => false,
      )
      if (taken !== false) throw new RangeError('bytes that are not as announced were taken')
    }
  }
}

/** The file has its name before the batch goes into the log, which then finds no room. */
async function leaveAnOrphan(opened: OpenedEngine, disk: CrashDisk): Promise<void> {
  const linked = () => disk.log.findLast(({ operation }) => operation === 'link')?.n ?? 0
  const before = linked()
  const pack = disk.list('/data/packs').length
  // Of the writes of one put: the body's own, and then the batch's.
  for (let at = 1; at < 20 && linked() === before; at += 1) {
    const fault = disk.failAt(at, 'ENOSPC', { of: ['write'] })
    const taken = await put(opened, 'orphan', large, 4).then(
      () => true,
      () => false,
    )
    disk.healFaults()
    if (taken || fault.fired === 0) throw new RangeError('no batch failed behind its file')
  }
  noTemps(disk, 'a put that found no room')
  if (disk.list('/data/packs').length < pack) throw new RangeError('a pack is gone')
}

function noTemps(disk: CrashDisk, after: string): void {
  const left = disk.list('/data/tmp').map(({ name }) => name)
  if (left.length > 0) throw new Error(`${after} left temp files: ${left.join(', ')}`)
}

function hasFiles(disk: CrashDisk, wanted: number, after: string): void {
  const files = [...disk.files().keys()].filter(path => path.startsWith('/data/blobs/'))
  if (files.length !== wanted) {
    throw new Error(`after ${after} there are ${files.length} files, not ${wanted}`)
  }
}
