import type { Disk } from '@holdfast/core/ports/disk.ts'
import type { FaultOptions } from '../crash/disk-faults.ts'
import type { MoodName } from '../crash/mood.ts'
import { CrashDisk, type CrashDiskOptions } from '../crash-disk.ts'
import type { SeededRandom } from '../seeded-random.ts'
import { checkStore } from './check-store.ts'
import { History } from './history.ts'
import { type OpenedStore, StoreActor } from './store-actor.ts'
import { packedBytesMax } from './workloads.ts'

/** How a crash run opens stores; the catalog is a place that can be copied. */
export interface CrashLab {
  open(disk: Disk, catalog: CatalogCopy): Promise<OpenedStore>
  /** An empty catalog place. */
  fresh(): CatalogCopy
  /** Temp names and other rubbish that a start must have removed. */
  leftovers(disk: Disk): readonly string[]
}

export interface CatalogCopy {
  /** The files as they are now, for another start. */
  copy(): CatalogCopy
  /** The same for catalogs that a start cannot tell apart. */
  digest(): string
  drop(): void
}

export interface CrashCase {
  readonly workload: (actor: StoreActor) => Promise<void>
  readonly disk: CrashDiskOptions
  /** A store that is there already, so that its making is not cut again and again. */
  readonly prepared?: Prepared
  readonly fault?: { readonly at: number; readonly code: string; readonly options: FaultOptions }
}

export interface Prepared {
  readonly disk: CrashDisk
  readonly catalog: CatalogCopy
}

/** A store with its bucket, closed in order and wholly durable. */
export async function prepare(lab: CrashLab, options: CrashDiskOptions): Promise<Prepared> {
  const disk = new CrashDisk(options)
  const catalog = lab.fresh()
  await opened(lab, disk, catalog, async store => {
    await new StoreActor(store, new History()).bucketId()
  })
  disk.settle()
  return { disk, catalog }
}

export interface Played {
  readonly disk: CrashDisk
  readonly history: History
  /** Catalog states that the next start may find, oldest first; the last is the newest. */
  readonly catalogs: readonly CatalogCopy[]
  /** How often the fault came. */
  readonly fired: number
}

/** Plays the workload until it ends or the power goes. */
export async function play(lab: CrashLab, crash: CrashCase): Promise<Played> {
  const { workload, prepared } = crash
  const disk = prepared?.disk.copy(crash.disk) ?? new CrashDisk(crash.disk)
  const history = new History()
  const catalog = prepared?.catalog.copy() ?? lab.fresh()
  const catalogs: CatalogCopy[] = []
  const { fault: given } = crash
  const fault = given && disk.failAt(given.at, given.code, given.options)
  let store: OpenedStore | undefined
  try {
    store = await lab.open(disk, catalog)
    const actor = new StoreActor(store, history, () => disk.dead)
    let steps = 0
    // A copy costs as much as a step: every fourth is enough to have older states too.
    const keep = () => {
      steps += 1
      if (steps % 4 === 1) catalogs.push(catalog.copy())
    }
    // Reclaiming makes the catalog durable before it removes packs, so no older state comes back.
    const forget = () => {
      for (const older of catalogs.splice(0)) older.drop()
    }
    await workload(observed(actor, { keep, forget }))
    if (fault !== undefined) disk.healFaults()
    if (fault !== undefined) await checkAlive(actor)
  } catch (error) {
    // A fault may end the workload early: at an open that failed, or an answer that left it open.
    if (error instanceof StuckStore) throw new StuckStore(`${error.message}\n${lastCalls(disk)}`)
    if (!disk.dead && fault?.fired === undefined) throw error
  }
  catalogs.push(catalog.copy())
  await store?.close().catch(() => {})
  catalog.drop()
  return { disk, history, catalogs: trimmed(catalogs), fired: fault?.fired ?? 0 }
}

/** The fault is over and nothing was left open: the store must take writes again, of any kind. */
async function checkAlive(actor: StoreActor): Promise<void> {
  for (let i = 0; i < 8; i += 1) {
    const outcome = await actor.put('alive', i === 4 ? packedBytesMax + 1 : packedBytesMax - i)
    if (outcome !== 'ok') throw new StuckStore(`put ${i} after the fault: ${actor.lastRefusal}`)
  }
}

/** A store that refuses for good what it could do. */
export class StuckStore extends Error {
  override readonly name = 'StuckStore'
}

/** Keeps a catalog state after every step of the workload. */
export function observed(actor: StoreActor, states: { keep(): void; forget(): void }): StoreActor {
  return new Proxy(actor, {
    get(target, name) {
      const member: unknown = Reflect.get(target, name)
      if (typeof member !== 'function') return member
      return async (...args: unknown[]) => {
        if (name === 'reclaim') states.forget()
        const result: unknown = await Reflect.apply(member, target, args)
        if (name === 'reclaim') states.forget()
        states.keep()
        return result
      }
    },
  })
}

/** The first, the middle and the last two are enough. */
function trimmed(catalogs: readonly CatalogCopy[]): CatalogCopy[] {
  const last = catalogs.length - 1
  const kept = new Set([Math.floor(last / 2), last - 1, last])
  for (const [index, catalog] of catalogs.entries()) if (!kept.has(index)) catalog.drop()
  return catalogs.filter((_, index) => kept.has(index))
}

export interface DiskCheck {
  readonly history: History
  readonly catalog: CatalogCopy
  /** Opens a second time without a catalog, and compares: costs as much again. */
  readonly twice: boolean
}

/** Reopens one disk on one catalog state and checks everything. */
export async function checkDisk(lab: CrashLab, disk: CrashDisk, check: DiskCheck): Promise<void> {
  const { history, catalog } = check
  const first = await opened(lab, disk, catalog, async store => await checkStore(store, history))
  const left = lab.leftovers(disk)
  if (left.length > 0) throw new Error(`left over: ${left.join(', ')}`)
  if (!check.twice) return
  const emptied = lab.fresh()
  try {
    const second = await opened(lab, disk, emptied, async store => await checkStore(store, history))
    const [a, b] = [JSON.stringify(first), JSON.stringify(second)]
    if (a !== b) throw new Error(`made again, the catalog differs:\n${a}\n${b}`)
  } finally {
    emptied.drop()
  }
}

export async function opened<T>(
  lab: CrashLab,
  disk: CrashDisk,
  catalog: CatalogCopy,
  look: (store: OpenedStore) => Promise<T>,
): Promise<T> {
  const store = await lab.open(disk, catalog)
  try {
    return await look(store)
  } finally {
    await store.close()
  }
}

export interface Draw {
  readonly random: SeededRandom
  readonly disksPerCut: number
  /** Of so many calls only one is failed or killed; which one follows from the seed. */
  readonly oneOf?: number
  /** How cuts treat what was not synced; any way unless set. */
  readonly mood?: MoodName
}

/** Checks disks that a cut at the end of the play may leave, on all catalog states in turn. */
export async function checkPlayed(lab: CrashLab, played: Played, draw: Draw): Promise<void> {
  const { history, catalogs, disk } = played
  const offset = draw.random.below(4)
  try {
    for (let i = 0; i < draw.disksPerCut; i += 1) {
      const left = disk.crashed(draw.random.fork(i), draw.mood)
      // One more than there are: none at all, so that everything is made from the packs.
      const catalog = catalogs[(offset + i) % (catalogs.length + 1)]?.copy() ?? lab.fresh()
      try {
        await checkDisk(lab, left, { history, catalog, twice: i % 3 === 0 })
      } catch (error) {
        throw new Error(`disk ${i}: ${describe(error)}`, { cause: error })
      } finally {
        catalog.drop()
      }
    }
  } finally {
    for (const catalog of catalogs) catalog.drop()
  }
}

export function describe(error: unknown): string {
  if (!(error instanceof Error)) return String(error)
  const cause = error.cause instanceof Error ? ` (${error.cause.message})` : ''
  return `${error.message}${cause}`
}

export function lastCalls(disk: CrashDisk): string {
  return disk.log
    .slice(-12)
    .map(({ n, operation, path }) => `  ${n} ${operation} ${path}`)
    .join('\n')
}
