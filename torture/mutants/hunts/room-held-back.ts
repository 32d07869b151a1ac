import { join } from 'node:path'
import { isHoldfastError } from '@holdfast/core/errors.ts'
import { BALLAST } from '@holdfast/drivers/element/disk/layout.ts'
import { cryptoRandom } from '@holdfast/drivers/random/crypto-random.ts'
import { openMarker } from '@holdfast/drivers/store/marker.ts'
import { type OpenedLog, openLog } from '@holdfast/drivers/store/open-log.ts'
import { removeAsset } from '@holdfast/engine/assets/remove.ts'
import { createBucket } from '@holdfast/engine/buckets/buckets.ts'
import { CrashDisk } from '@holdfast/testkit/crash-disk.ts'
import { FakeClock } from '@holdfast/testkit/fake-clock.ts'
import { type Step, transactions } from '@holdfast/testkit/test-transactions.ts'
import { put } from '../../crash-disk/engine-days.ts'
import { CatalogPlaces, openEngineOn } from '../../crash-disk/engine-lab.ts'
import { strict } from '../../crash-disk/store-lab.ts'

const KiB = 1024
const MiB = 1024 * KiB
const path = `/data/${BALLAST}`

/** On a disk with not one byte left deletes still work, in room that puts had to leave them. */
export async function laysRoomAhead(): Promise<void> {
  using places = new CatalogPlaces()
  const disk = new CrashDisk({ ...strict, capacityBytes: MiB })
  await using opened = await openEngineOn({
    ...{ disk, catalogDir: places.fresh() },
    // Zeros are laid out for batches of an eighth of it.
    ...{ packBytesMax: MiB, layOutBytes: 64 * KiB },
  })
  const { engine, call } = opened
  await createBucket(engine, call, { name: 'days' })
  const ids: string[] = []
  for (let n = 0; n < 6; n += 1) ids.push(await put(opened, `k${n}`, 300))
  const filler = fill(disk)
  let refusal: unknown
  for (let n = 0; n < 60 && refusal === undefined; n += 1) {
    await put(opened, `more${n}`, 300).catch((error: unknown) => {
      refusal = error
    })
  }
  if (!isHoldfastError(refusal) || refusal.code !== 'STORAGE_FULL') {
    throw new RangeError(`the disk was filled, and puts met ${refusal}`)
  }
  // What was refused gave back what it had taken.
  const rest = fill(disk)
  for (const id of ids.slice(0, 2)) await removeAsset(engine, call, id, { hard: true })
  for (const name of [filler, rest]) disk.remove(name)
  await put(opened, 'again', 300)
}

const heldBytes = 3 * MiB

/** The space held back is given up when there is none, at start too, and taken again later. */
export async function holdsRoomBack(): Promise<void> {
  using places = new CatalogPlaces()
  const disk = new CrashDisk({ ...strict, capacityBytes: 12 * MiB })
  const catalogPath = join(places.fresh(), 'catalog.db')
  const held = () => disk.stat(path)?.size ?? 0
  const expect = (bytes: number, when: string) => {
    if (held() !== bytes) throw new Error(`${when} ${held()} bytes are held back, not ${bytes}`)
  }
  disk.makeDir('/data')
  let log = open(disk, catalogPath)
  expect(heldBytes, 'at start')
  let filler = fill(disk)
  await commitUntil(log, () => held() === 0)
  expect(0, 'after commits on a full disk')
  log.committer.rest()
  expect(0, 'while there is no room')
  disk.remove(filler)
  log.committer.rest()
  expect(heldBytes, 'when there was room again')
  filler = fill(disk)
  log.close()
  log = open(disk, catalogPath)
  expect(0, 'after a start on a full disk')
  if (disk.space('/data').freeBytes < heldBytes) throw new Error('recovery was given no room')
  disk.remove(filler)
  log.committer.rest()
  expect(heldBytes, 'when there was room after that start')
  log.close()
}

function open(disk: CrashDisk, catalogPath: string): OpenedLog {
  const parts = { disk, clock: new FakeClock(), random: cryptoRandom }
  const { element: elementId, secret } = openMarker(parts, '/data')
  return openLog({
    ...{ ...parts, dir: '/data', catalogPath, elementId, reservedBytes: heldBytes },
    ...{ secret: Buffer.from(secret, 'hex'), layOutBytes: 16 * KiB, transactions },
  })
}

/** Commits that bring no bytes: they may use what is held back. */
async function commitUntil({ committer }: OpenedLog, isDone: () => boolean): Promise<void> {
  const by = { actor: 'hunt', requestId: 'hunt', staged: [] }
  for (let n = 0; n < 200 && !isDone(); n += 1) {
    const detail = { text: 'x'.repeat(1000) }
    const change = { what: 'asset.updated', assetId: 'hunted', detail } as const
    const [reply] = await committer.run([
      { ...by, name: 'script', args: [{ do: 'note', change }] satisfies Step[] },
    ])
    if (reply?.ok !== true)
      throw new Error(`a commit without bytes was refused: ${reply?.error.stack}`)
  }
  if (!isDone()) throw new RangeError('the commits found room without what is held back')
}

/** Another program takes all that is left. */
function fill(disk: CrashDisk): string {
  const name = `/data/filler-${disk.ops}`
  const file = disk.open(name, 'create')
  file.write(Buffer.alloc(disk.space('/data').freeBytes), 0)
  file.close()
  return name
}
