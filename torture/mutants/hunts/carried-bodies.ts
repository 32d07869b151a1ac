import { copyAsset } from '@holdfast/engine/assets/move.ts'
import { removeAsset } from '@holdfast/engine/assets/remove.ts'
import { createBucket } from '@holdfast/engine/buckets/buckets.ts'
import { collectGarbage } from '@holdfast/engine/integrity/collect.ts'
import { completeUpload } from '@holdfast/engine/multipart/complete-upload.ts'
import { uploadPart } from '@holdfast/engine/multipart/upload-part.ts'
import { createUpload } from '@holdfast/engine/multipart/uploads.ts'
import type { CrashDisk } from '@holdfast/testkit/crash-disk.ts'
import { bodySource } from '@holdfast/testkit/self-describing-bodies.ts'
import { put } from '../../crash-disk/engine-days.ts'
import {
  CatalogPlaces,
  checkWhole,
  type OpenedEngine,
  openEngineOn,
  stateOf,
} from '../../crash-disk/engine-lab.ts'
import { strict } from '../../crash-disk/store-lab.ts'

const dayMs = 25 * 60 * 60 * 1000
/** Around the records of a pack. */
const sizes = [0, 1, 511, 512, 513, 1024]

/**
 * Bytes that something refers to, in whichever way, outlive the pack they lay in, and those that
 * nothing does go: old versions, another bucket's copy, parts of what is put together, open parts.
 */
export async function carriesEveryBody(opened: OpenedEngine, disk: CrashDisk): Promise<void> {
  const { engine, call, clock, store } = opened
  for (const name of ['days', 'second']) await createBucket(engine, call, { name })
  const filler: string[] = []
  for (const [n, size] of sizes.entries()) {
    await put(opened, `k${n}`, size)
    filler.push(await put(opened, `filler${n}`, 3900 - n))
  }
  const versioned = await put(opened, 'versions', 301)
  await put(opened, 'versions', 302)
  const copied = await put(opened, 'copied', 303)
  await copyAsset(engine, call, copied, { bucket: 'second', key: 'copy' })
  await removeAsset(engine, call, copied, { hard: true })
  await uploadIn(opened, 'whole', true)
  await uploadIn(opened, 'open', false)
  for (let n = 0; n < 14; n += 1) filler.push(await put(opened, `late${n}`, 3800 - n))
  for (const id of filler) await removeAsset(engine, call, id, { hard: true })
  await clock.advance(dayMs)
  const before = (await store.catalog.view.blobs.totals()).blobs
  const { blobs } = await collectGarbage(engine)
  if (blobs !== filler.length)
    throw new Error(`${blobs} blobs were collected, not ${filler.length}`)
  await store.element.reclaim?.()
  if (disk.stat('/data/packs/0000000001.tar') !== undefined) {
    throw new RangeError('no pack was given back')
  }
  const left = (await store.catalog.view.blobs.totals()).blobs
  if (left !== before - blobs) throw new Error(`${before - left} blobs are gone, not ${blobs}`)
  if ((await engine.catalog.view.assets.byId(versioned)) === undefined) throw new Error('lost')
  await checkWhole(opened, true)
  using places = new CatalogPlaces()
  await using again = await openEngineOn({ disk: disk.copy(strict), catalogDir: places.fresh() })
  await checkWhole(again)
  const [one, other] = [await stateOf(store), await stateOf(again.store)]
  if (one !== other) throw new Error(`made again, the catalog differs:\n${one}\n${other}`)
}

async function uploadIn({ engine, call }: OpenedEngine, key: string, complete: boolean) {
  const bucket = 'days'
  const facets = { userMetadata: {}, headers: {} }
  const { id: uploadId } = await createUpload(engine, call, { bucket, key, facets })
  const upload = { bucket, key, uploadId }
  const source = bodySource(complete ? 71 : 72, 700)
  const { md5: etag } = await uploadPart(engine, call, { ...upload, number: 1, source })
  if (complete) await completeUpload(engine, call, { ...upload, parts: [{ number: 1, etag }] })
}
