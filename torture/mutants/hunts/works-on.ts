import { createBucket } from '@holdfast/engine/buckets/buckets.ts'
import { CrashDisk } from '@holdfast/testkit/crash-disk.ts'
import { put } from '../../crash-disk/engine-days.ts'
import { CatalogPlaces, checkWhole, openEngineOn, stateOf } from '../../crash-disk/engine-lab.ts'
import { strict } from '../../crash-disk/store-lab.ts'

const sizes = { packBytesMax: 1024 * 1024, layOutBytes: 64 * 1024 }
const starts = 4

/**
 * After each start small batches go on where the last one ended, and zeros are laid out ahead of
 * them: not over what is there, and every byte is found from the packs alone.
 */
export async function worksOnAfterStarts(): Promise<void> {
  using places = new CatalogPlaces()
  const disk = new CrashDisk(strict)
  const catalogDir = places.fresh()
  let worked = ''
  for (let start = 0; start < starts; start += 1) {
    await using opened = await openEngineOn({ ...{ disk, catalogDir, seed: start + 1 }, ...sizes })
    const { engine, call, clock, store } = opened
    await clock.advance(start * 100_000)
    if (start === 0) await createBucket(engine, call, { name: 'days' })
    for (let n = 0; n < 3; n += 1) await put(opened, `k${start}-${n}`, 300)
    await checkWhole(opened, true)
    worked = await stateOf(store)
  }
  await using again = await openEngineOn({ disk, catalogDir: places.fresh(), ...sizes })
  await checkWhole(again)
  const found = await stateOf(again.store)
  if (found !== worked) throw new Error(`from the packs alone it is ${found}\nnot ${worked}`)
}
