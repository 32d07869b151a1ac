import { cpSync, rmSync } from 'node:fs'
import { systemClock } from '@holdfast/drivers/clock/system-clock.ts'
import { openStore, type Store, type StoreOptions } from '@holdfast/drivers/open.ts'
import { cryptoRandom } from '@holdfast/drivers/random/crypto-random.ts'
import { putAsset } from '@holdfast/engine/assets/put.ts'
import { removeAsset } from '@holdfast/engine/assets/remove.ts'
import { mergeMetadata } from '@holdfast/engine/assets/update.ts'
import { type Engine, ensureBuckets, openEngine, systemCall } from '@holdfast/engine/engine.ts'
import { transactions } from '@holdfast/engine/transactions.ts'
import { type Dump, dump } from '@holdfast/testkit/catalog/dump.ts'
import { SeededRandom } from '@holdfast/testkit/seeded-random.ts'
import { bodySource } from '@holdfast/testkit/self-describing-bodies.ts'

export const call = systemCall('bit-rot')
const ownerId = '0199d0c0-0000-7000-8000-000000000001'
const packedBlobBytesMax = 16 * 1024
const keys = 40

export interface OpenedStore extends AsyncDisposable {
  readonly store: Store
  readonly engine: Engine
}

export async function openRotten(
  dir: string,
  options: Partial<StoreOptions> = {},
): Promise<OpenedStore> {
  const store = await openStore({
    dir,
    transactions,
    reservedBytes: 64 * 1024,
    packedBlobBytesMax,
    packBytesMax: 96 * 1024,
    layOutBytes: 16 * 1024,
    cacheBytes: 0,
    ...options,
  })
  const { catalog, element } = store
  const engine = openEngine({ catalog, element, clock: systemClock, random: cryptoRandom })
  return { store, engine, [Symbol.asyncDispose]: async () => await store.close() }
}

/** What a store must say for good: its records, and the operation whose body each version has. */
export interface SoundStore {
  readonly dir: string
  /** The same while it was open: with a write-ahead log beside the catalog. */
  readonly openDir: string
  readonly records: Dump
  /** Ids of all versions there ever were: a lost end of the log brings back what it removed. */
  readonly everIds: ReadonlySet<string>
}

/** Makes a store with small and large contents, old versions, notes, deletes and several packs. */
export async function makeSoundStore(scratch: string, seed: number): Promise<SoundStore> {
  const dir = `${scratch}/sound`
  const openDir = `${scratch}/open`
  const random = new SeededRandom(seed)
  const opened = await openRotten(dir)
  try {
    const { engine, store } = opened
    await ensureBuckets(engine, ['rot'])
    const ids: string[] = []
    const everIds = new Set<string>()
    for (let n = 0; n < 3 * keys; n += 1) {
      const size = random.pick([0, 10, 511, 4000, 15_000, 16_385, 90_000])
      const { asset, version } = await put(engine, {
        key: `key ${n % keys}`,
        operation: n + 1,
        size,
      })
      ids.push(asset.id)
      everIds.add(version.id)
    }
    for (const id of ids.slice(0, 10)) await mergeMetadata(engine, call, id, { seen: true })
    for (const id of ids.slice(10, 15)) await removeAsset(engine, call, id)
    for (const id of ids.slice(15, 18)) await removeAsset(engine, call, id, { hard: true })
    await store.element.writeNote('damaged.json', '[]\n')
    cpSync(dir, openDir, { recursive: true })
    rmSync(`${openDir}/lock`, { force: true })
    const records = await dump(store.catalog.view)
    for (const { id } of records.versions) everIds.add(id)
    return { dir, openDir, records, everIds }
  } finally {
    await opened[Symbol.asyncDispose]()
  }
}

export async function put(
  engine: Engine,
  { key, operation, size }: { key: string; operation: number; size: number },
) {
  return await putAsset(engine, call, {
    bucket: 'rot',
    key,
    mode: 'replace',
    service: 'torture',
    ownerId,
    metadata: { operation },
    source: bodySource(operation, size),
    length: size,
  })
}
