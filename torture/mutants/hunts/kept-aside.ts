import { getAsset, openContent } from '@holdfast/engine/assets/get.ts'
import { createBucket } from '@holdfast/engine/buckets/buckets.ts'
import { CrashDisk } from '@holdfast/testkit/crash-disk.ts'
import { SeededRandom } from '@holdfast/testkit/seeded-random.ts'
import { put } from '../../crash-disk/engine-days.ts'
import { CatalogPlaces, type OpenedEngine, openEngineOn } from '../../crash-disk/engine-lab.ts'
import { strict } from '../../crash-disk/store-lab.ts'

const large = 9000
const disks = 24

/** A damaged file gives its name to good bytes, and is kept beside them: it may be all there is. */
export async function keepsDamagedAside(opened: OpenedEngine, disk: CrashDisk): Promise<void> {
  const { engine, call } = opened
  await createBucket(engine, call, { name: 'days' })
  await put(opened, 'a', large, 1)
  const [path = ''] = [...disk.files().keys()].filter(name => name.startsWith('/data/blobs/'))
  const file = disk.open(path, 'edit')
  file.write(Buffer.from('damaged'), 100)
  file.close()
  const damaged = Buffer.from(disk.files().get(path) ?? [])
  const id = await put(opened, 'b', large, 1)
  const { read } = await openContent(engine, call, { asset: await getAsset(engine, call, id) })
  for await (const _ of (await read()).chunks ?? []);
  const aside = [...disk.files()].filter(([name]) => name.startsWith('/data/quarantine/'))
  if (!aside.some(([, bytes]) => damaged.equals(bytes))) {
    throw new Error('the damaged bytes are gone')
  }
}

/** A note that was written is there after a power cut, the newest text, whole. */
export async function keepsNotes(): Promise<void> {
  using places = new CatalogPlaces()
  const disk = new CrashDisk(strict)
  {
    await using opened = await openEngineOn({ disk, catalogDir: places.fresh() })
    disk.settle()
    await opened.store.element.writeNote?.('a', 'old')
    await opened.store.element.writeNote?.('a', 'new '.repeat(1000))
    await opened.store.element.writeNote?.('b', 'first', { ifAbsent: true })
    disk.cutNow()
    await opened.store.close().catch(() => undefined)
    for (let i = 0; i < disks; i += 1) {
      const crashed = disk.crashed(new SeededRandom(i))
      await using again = await openEngineOn({ disk: crashed, catalogDir: places.fresh() })
      const found = [
        await again.store.element.readNote?.('a'),
        await again.store.element.readNote?.('b'),
      ]
      if (found[0] !== 'new '.repeat(1000) || found[1] !== 'first') {
        throw new Error(`after a cut the notes are ${JSON.stringify(found).slice(0, 80)}`)
      }
    }
  }
}
