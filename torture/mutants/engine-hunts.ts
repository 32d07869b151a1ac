import { isHoldfastError } from '@holdfast/core/errors.ts'
import type { Asset } from '@holdfast/core/records.ts'
import { openContent } from '@holdfast/engine/assets/get.ts'
import { listAssets } from '@holdfast/engine/assets/list.ts'
import { putAsset } from '@holdfast/engine/assets/put.ts'
import { removeAsset } from '@holdfast/engine/assets/remove.ts'
import { createBucket } from '@holdfast/engine/buckets/buckets.ts'
import { commit } from '@holdfast/engine/commit.ts'
import { collectGarbage } from '@holdfast/engine/integrity/collect.ts'
import { CrashDisk } from '@holdfast/testkit/crash-disk.ts'
import { bodySource } from '@holdfast/testkit/self-describing-bodies.ts'
import { collect, put as putOther } from '../crash-disk/engine-days.ts'
import {
  CatalogPlaces,
  type OpenedEngine,
  openEngineOn,
  stateOf,
} from '../crash-disk/engine-lab.ts'
import { keepEveryKind } from '../crash-disk/kinds-day.ts'
import { strict } from '../crash-disk/store-lab.ts'
import { carriesEveryBody } from './hunts/carried-bodies.ts'
import { catalogFindsRoom } from './hunts/catalog-finds-room.ts'
import { stopsAtEverySync } from './hunts/every-sync.ts'
import { keepsDamagedAside, keepsNotes } from './hunts/kept-aside.ts'
import { givesNamesBack } from './hunts/names-given-back.ts'
import { endsWhenReclaimFails } from './hunts/reclaim-fails.ts'
import { holdsRoomBack, laysRoomAhead } from './hunts/room-held-back.ts'
import { worksOnAfterStarts } from './hunts/works-on.ts'

export type EngineHunt = (opened: OpenedEngine, disk: CrashDisk) => Promise<void>

/** Small checks of the whole engine, for bugs that no power cut shows. */
export const engineHunts: Readonly<Record<string, EngineHunt>> = {
  grace: keepsDeadForAWhile,
  recheck: asksAgainBeforeCollecting,
  rot: seesThatBytesAreWhole,
  elsewhere: writesOnlyUnderItsName,
  stops: stopsAfterAFailedSync,
  pages: listsEachKeyOnce,
  compacted: carriesEveryKindOver,
  names: givesNamesBack,
  'room ahead': laysRoomAhead,
  ballast: holdsRoomBack,
  'reclaim fails': endsWhenReclaimFails,
  'every sync': stopsAtEverySync,
  aside: keepsDamagedAside,
  notes: keepsNotes,
  'catalog room': catalogFindsRoom,
  'works on': worksOnAfterStarts,
  'bodies carried': carriesEveryBody,
}

/** A store with its engine on a disk in memory, and the check of one promise. */
export async function huntInEngine(check: EngineHunt): Promise<void> {
  using places = new CatalogPlaces()
  const disk = new CrashDisk(strict)
  await using opened = await openEngineOn({ disk, catalogDir: places.fresh() })
  await createBucket(opened.engine, opened.call, { name: 'hunt' })
  await check(opened, disk)
}

async function put({ engine, call }: OpenedEngine, key: string, body: number): Promise<Asset> {
  const ownerId = '00000000-0000-4000-8000-000000000000'
  const fields = { bucket: 'hunt', key, service: 'torture', ownerId, mode: 'replace' } as const
  return (await putAsset(engine, call, { ...fields, source: bodySource(body, 400) })).asset
}

/** What nobody refers to any more stays for its grace period, then goes. */
async function keepsDeadForAWhile(opened: OpenedEngine): Promise<void> {
  const { engine, call, clock } = opened
  await removeAsset(engine, call, (await put(opened, 'a', 1)).id, { hard: true })
  await clock.advance(60 * 60 * 1000)
  const early = await collectGarbage(engine)
  if (early.blobs !== 0) throw new Error('a blob was collected an hour after its last reference')
  await clock.advance(24 * 60 * 60 * 1000)
  const late = await collectGarbage(engine)
  if (late.blobs !== 1) throw new Error('a blob outlived its grace period')
}

async function listsEachKeyOnce(opened: OpenedEngine): Promise<void> {
  const { engine, call } = opened
  for (let i = 0; i < 9; i += 1) await put(opened, `k${i}`, i)
  for (const limit of [1, 2, 7, 1000]) {
    const keys: string[] = []
    let cursor: string | undefined
    do {
      const query = { bucket: 'hunt', order: 'key', limit, cursor } as const
      const page = await listAssets(engine, call, query)
      keys.push(...page.items.map(({ key }) => key))
      cursor = page.nextCursor
    } while (cursor !== undefined)
    if (keys.join() !== 'k0,k1,k2,k3,k4,k5,k6,k7,k8') throw new Error(`pages of ${limit}: ${keys}`)
  }
}

/** A blob that died again after it was found dead begins its grace period anew. */
async function asksAgainBeforeCollecting(opened: OpenedEngine): Promise<void> {
  const { engine, call, clock } = opened
  const dieOnce = async () => {
    const { id, sha256 } = await put(opened, 'a', 1)
    await removeAsset(engine, call, id, { hard: true })
    await clock.advance(1000)
    return sha256
  }
  const sha256s = [await dieOnce()]
  const before = new Date(clock.now()).toISOString()
  await clock.advance(1)
  await dieOnce()
  const collected = await commit(engine, call, {
    name: 'blobs.collect',
    args: { sha256s, before },
  })
  if (collected.length > 0) throw new Error('a blob was collected in its new grace period')
}

/** A put of content whose stored bytes have rotted must not rely on them. */
async function seesThatBytesAreWhole(opened: OpenedEngine, disk: CrashDisk): Promise<void> {
  const { engine, call } = opened
  const { sha256 } = await put(opened, 'a', 1)
  const blob = await engine.catalog.view.blobs.get(sha256)
  const [, pack = '', offset = ''] = blob?.location.split(':') ?? []
  const file = disk.open(`/data/packs/${pack.padStart(10, '0')}.tar`, 'edit')
  file.write(Buffer.alloc(8, 0xff), Number(offset) + 100)
  file.close()
  const asset = await put(opened, 'b', 1)
  const { read } = await openContent(engine, call, { asset })
  const content = await read()
  for await (const _ of content.chunks ?? []);
}

/** Nothing is acknowledged that nobody will find under the name of the data directory. */
async function writesOnlyUnderItsName(opened: OpenedEngine, disk: CrashDisk): Promise<void> {
  disk.rename('/data', '/moved')
  let taken = false
  try {
    await put(opened, 'a', 1)
    taken = true
  } catch (error) {
    if (!isHoldfastError(error)) throw error
  } finally {
    disk.rename('/moved', '/data')
  }
  if (taken) throw new Error('a put was taken while the data directory was away')
}

/** Pages that a failed sync dropped may look clean to the next one: it must not be trusted. */
async function stopsAfterAFailedSync(opened: OpenedEngine, disk: CrashDisk): Promise<void> {
  const fault = disk.failAt(1, 'EIO', { of: ['sync'] })
  for (const key of ['a', 'b']) {
    const taken = await put(opened, key, 1).then(
      () => true,
      () => false,
    )
    if (taken) throw new Error(`${key} was taken after a sync had failed`)
  }
  if (fault.fired === 0) throw new RangeError('no sync failed')
}

/** What stood in a pack that was given back is told by the others, without the catalog. */
async function carriesEveryKindOver(opened: OpenedEngine, disk: CrashDisk): Promise<void> {
  await createBucket(opened.engine, opened.call, { name: 'days' })
  await keepEveryKind(opened, {
    bucket: 'days',
    put: (key, size) => putOther(opened, key, size),
    collect: () => collect(opened, () => {}),
  })
  if (disk.stat('/data/packs/0000000001.tar') !== undefined) {
    throw new RangeError('no pack was given back')
  }
  using places = new CatalogPlaces()
  await using again = await openEngineOn({ disk: disk.copy(strict), catalogDir: places.fresh() })
  const [one, other] = [await stateOf(opened.store), await stateOf(again.store)]
  if (one !== other) throw new Error(`made again, the catalog differs:\n${one}\n${other}`)
}
