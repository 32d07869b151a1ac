import { cpSync, mkdirSync, mkdtempSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import type { Call } from '@holdfast/core/call.ts'
import type { Catalog } from '@holdfast/core/ports/catalog.ts'
import type { Disk } from '@holdfast/core/ports/disk.ts'
import { openStore, type Store } from '@holdfast/drivers/open.ts'
import { type Engine, openEngine, systemCall } from '@holdfast/engine/engine.ts'
import { verifyStore } from '@holdfast/engine/integrity/verify.ts'
import { transactions } from '@holdfast/engine/transactions.ts'
import { checkTotals, dump } from '@holdfast/testkit/catalog/dump.ts'
import { FakeClock } from '@holdfast/testkit/fake-clock.ts'
import { SeededRandom } from '@holdfast/testkit/seeded-random.ts'
import { packedBytesMax } from '@holdfast/testkit/store/workloads.ts'
import { scratchRoot } from './store-lab.ts'

/** A whole store with its engine, in this process and without HTTP. */
export interface OpenedEngine extends AsyncDisposable {
  readonly engine: Engine
  readonly store: Store
  readonly clock: FakeClock
  readonly call: Call
}

export interface EngineOptions {
  readonly disk: Disk
  /** `/data` of that disk unless set. */
  readonly dir?: string
  /** Directory of the catalog, on a real disk: it can always be made again. */
  readonly catalogDir: string
  readonly clock?: FakeClock
  readonly seed?: number
  /** Packs of one batch each with 1. */
  readonly packBytesMax?: number
  readonly layOutBytes?: number
  /** Threads that write large bodies past the disk: only for a real one. */
  readonly writerThreads?: number
  /** Told of each commit that was acknowledged. */
  readonly onCommit?: (store: Store) => Promise<void>
  readonly onFatal?: (reason: string) => void
}

export async function openEngineOn(options: EngineOptions): Promise<OpenedEngine> {
  const { disk, catalogDir, onCommit } = options
  const clock = options.clock ?? new FakeClock()
  const random = new SeededRandom(options.seed ?? 1)
  const store = await openStore({
    dir: options.dir ?? '/data',
    writerThreads: options.writerThreads ?? 0,
    disk,
    catalogPath: join(catalogDir, 'catalog.db'),
    transactions,
    clock,
    random,
    packedBlobBytesMax: packedBytesMax,
    reservedBytes: 0,
    packBytesMax: options.packBytesMax ?? 24_000,
    // Some batches are long enough to go without zeros laid out for them.
    layOutBytes: options.layOutBytes ?? 16_384,
    ...(options.onFatal === undefined ? {} : { onFatal: options.onFatal }),
  })
  const catalog = onCommit === undefined ? store.catalog : told(store, onCommit)
  const engine = openEngine({ catalog, element: store.element, clock, random })
  return {
    engine,
    store,
    clock,
    call: systemCall('torture'),
    [Symbol.asyncDispose]: async () => await store.close(),
  }
}

function told(store: Store, onCommit: (store: Store) => Promise<void>): Catalog {
  return new Proxy(store.catalog, {
    get(target, name) {
      const member: unknown = Reflect.get(target, name, target)
      if (typeof member !== 'function') return member
      if (name !== 'write') return member.bind(target)
      return async (...args: Parameters<Catalog['write']>) => {
        const result = await target.write(...args)
        await onCommit(store)
        return result
      }
    },
  })
}

/**
 * All records as text, to compare two states. Places are left out: reclaiming moves bytes without
 * changing what is true.
 */
export async function stateOf(store: Store): Promise<string> {
  const found = await dump(store.catalog.view)
  checkTotals(found)
  return JSON.stringify({ ...found, blobs: found.blobs.map(({ location: _, ...blob }) => blob) })
}

/**
 * Every blob is read and hashed, and with `records` the catalog is compared with the packs, which
 * costs more than all the rest; what is missing or damaged is thrown.
 */
export async function checkWhole(opened: OpenedEngine, records = false): Promise<number> {
  const { engine } = opened
  const { blobs, missing, damaged } = await verifyStore(
    records ? engine : { ...engine, catalog: unchecked(engine.catalog) },
  )
  const problems = [...missing, ...damaged].map(
    found => `${found.sha256 || found.location} ${found.problem}`,
  )
  if (problems.length > 0) throw new Error(problems.join('\n'))
  return blobs
}

function unchecked(catalog: Catalog): Catalog {
  return new Proxy(catalog, {
    get(target, name) {
      const member: unknown = name === 'check' ? undefined : Reflect.get(target, name, target)
      return typeof member === 'function' ? member.bind(target) : member
    },
  })
}

/** Directories for catalogs, all removed at the end. */
export class CatalogPlaces implements Disposable {
  readonly #root = mkdtempSync(join(scratchRoot(), 'holdfast-days-'))
  #made = 0

  fresh(): string {
    this.#made += 1
    const dir = join(this.#root, String(this.#made))
    mkdirSync(dir)
    return dir
  }

  copy(dir: string): string {
    const copy = this.fresh()
    cpSync(dir, copy, { recursive: true })
    return copy
  }

  drop(dir: string): void {
    rmSync(dir, { recursive: true, force: true })
  }

  [Symbol.dispose](): void {
    rmSync(this.#root, { recursive: true, force: true })
  }
}
