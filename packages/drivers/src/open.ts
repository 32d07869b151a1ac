import { HoldfastError } from '@holdfast/core/errors.ts'
import { defaultLimits } from '@holdfast/core/limits.ts'
import type { Catalog } from '@holdfast/core/ports/catalog.ts'
import type { Clock } from '@holdfast/core/ports/clock.ts'
import type { Disk } from '@holdfast/core/ports/disk.ts'
import type { Element } from '@holdfast/core/ports/element.ts'
import type { Random } from '@holdfast/core/ports/random.ts'
import { SqliteCatalog } from './catalog/sqlite/sqlite-catalog.ts'
import { systemClock } from './clock/system-clock.ts'
import { errnoOf, fromDisk } from './disk/disk-errors.ts'
import { nodeDisk } from './disk/node-disk.ts'
import { DiskElement } from './element/disk/disk-element.ts'
import { DiskStaging } from './element/disk/disk-staging.ts'
import { StreamSink } from './element/disk/large/stream-sink.ts'
import { openWriterPool } from './element/disk/large/writer-pool.ts'
import { cryptoRandom } from './random/crypto-random.ts'
import { CatalogCheck } from './store/check/run-check.ts'
import type { AnyTransaction } from './store/committer.ts'
import type { CommitterLink } from './store/committer-link.ts'
import { elementTransactions } from './store/element-transactions.ts'
import { keepAlone } from './store/keep-alone.ts'
import { linkInline } from './store/link/inline-link.ts'
import { linkThread } from './store/link/thread-link.ts'
import { beginSecret, dropFormer, type Marker, openMarker, sealingOf } from './store/marker.ts'
import { type LogOptions, openLog, type Recovery } from './store/open-log.ts'
import { fromReplyError } from './store/reply-error.ts'

export interface StoreOptions {
  readonly dir: string
  /** Module that exports `transactions`; the committer runs in a thread of its own. */
  readonly transactionsUrl?: string
  /** Or the transactions themselves; the committer runs in this thread. */
  readonly transactions?: Readonly<Record<string, AnyTransaction>>
  readonly disk?: Disk
  readonly clock?: Clock
  readonly random?: Random
  /** `catalog.db` in the data directory unless set: only for disks that SQLite cannot reach. */
  readonly catalogPath?: string
  readonly packedBlobBytesMax?: number
  readonly reservedBytes?: number
  readonly packBytesMax?: number
  readonly layOutBytes?: number
  /** Memory for small blobs that are read again and again. */
  readonly cacheBytes?: number
  /** The same for chunks of large blobs on their way out. */
  readonly readBufferBytes?: number
  /**
   * So many bytes of what was read last are taken to be in the memory of the system, and read again
   * without a thread; 0 never is.
   */
  readonly recentReadBytes?: number
  /** Memory for records of the catalog. */
  readonly catalogCacheBytes?: number
  /**
   * Threads that hash and write large bodies, past the disk port; 0 does both on this thread and
   * through the port.
   */
  readonly writerThreads?: number
  readonly onFatal?: (reason: string) => void
  /** Keeps what can be kept of a damaged log instead of refusing it. For rebuilds only. */
  readonly salvage?: boolean
  /** Begins to change what seals, once all else is open, or goes on with a change that began. */
  readonly newSecret?: boolean
}

export interface Store {
  readonly catalog: Catalog
  readonly element: Element
  readonly recovery: Recovery
  /** The first secret, the same for the store's life: the audit log is proved with it. */
  readonly secret: Uint8Array
  /** Signs presigned links and seals. */
  readonly linkSecret: Uint8Array
  /** What sealed before, while that is being changed. */
  readonly formerSecret: Uint8Array | undefined
  /** Ends a change. Only for who has sealed everything anew. */
  dropFormer(): void
  /** `last` runs when everything is closed and nobody else can open the store yet. */
  close(last?: () => void): Promise<void>
}

/**
 * Opens the store in a data directory, making it if the directory is absent or empty.
 * STORE_LOCKED when another process has it, STORE_FOREIGN when it is not ours or newer than this
 * program, STORE_DAMAGED when its log does not prove itself: then nothing was changed.
 */
export async function openStore(options: StoreOptions): Promise<Store> {
  const disk = options.disk ?? nodeDisk
  const clock = options.clock ?? systemClock
  const random = options.random ?? cryptoRandom
  const { writerThreads = 0 } = options
  const dir = options.dir.replace(/(?<=.)\/+$/, '')
  const unlock = prepareDir(disk, dir)
  try {
    const marker = openMarker({ disk, clock, random }, dir)
    const reservedBytes = options.reservedBytes ?? defaultLimits.reservedBytes
    const catalogPath = options.catalogPath ?? `${dir}/catalog.db`
    const log = {
      dir,
      catalogPath,
      elementId: marker.element,
      secret: Buffer.from(marker.secret, 'hex'),
      reservedBytes,
      salvage: options.salvage === true,
      ...(options.packBytesMax === undefined ? {} : { packBytesMax: options.packBytesMax }),
      ...(options.layOutBytes === undefined ? {} : { layOutBytes: options.layOutBytes }),
    }
    const { link, recovery } = await openLink(options, { ...log, disk, clock, random })
    const writers = writerThreads === 0 ? undefined : openWriterPool(writerThreads, options.onFatal)
    const staging = new DiskStaging({
      disk,
      dir,
      random,
      clock,
      reservedBytes,
      packedBytesMax: options.packedBlobBytesMax ?? defaultLimits.packedBlobBytesMax,
      openSink: sink => writers?.open(sink) ?? StreamSink.open(disk, sink),
    })
    const check = new CatalogCheck({
      ...{ disk, dir, catalogPath, reservedBytes },
      elementId: marker.element,
      secret: Buffer.from(marker.secret, 'hex'),
      inThread: options.transactionsUrl !== undefined,
      reclaim: async () => {
        const step = await link.reclaim()
        if (!('fatal' in step)) return step
        if (step.fatal) catalog.fail(step)
        throw fromReplyError(step)
      },
    })
    const catalog = new SqliteCatalog({
      ...{ path: catalogPath, commits: link, searchThread: options.transactionsUrl !== undefined },
      check: how => check.run(how),
      cacheBytes: options.catalogCacheBytes ?? defaultLimits.catalogCacheBytes,
      ...(options.onFatal === undefined ? {} : { onFatal: options.onFatal }),
    })
    const element = new DiskElement({
      id: marker.element,
      secret: Buffer.from(marker.secret, 'hex'),
      disk,
      dir,
      random,
      staging,
      ...keepAlone(catalog, staging),
      reclaimStep: () => check.reclaim(),
      cacheBytes: options.cacheBytes ?? defaultLimits.blobCacheBytes,
      readBufferBytes: options.readBufferBytes ?? defaultLimits.readBufferBytes,
      recentReadBytes: options.recentReadBytes ?? defaultLimits.recentReadBytes,
      now: () => clock.now(),
      monotonic: () => clock.monotonic(),
    })
    await element.loadDamage()
    const now = options.newSecret ? beginSecret({ disk, random }, dir, marker) : marker
    return {
      catalog,
      element,
      recovery,
      ...secretsOf(now, () => dropFormer(disk, dir, now)),
      async close(last) {
        await element[Symbol.asyncDispose]()
        // Readers first: the last connection to close folds the WAL into the database.
        await catalog[Symbol.asyncDispose]()
        await link.close()
        await writers?.[Symbol.asyncDispose]()
        try {
          last?.()
        } finally {
          unlock()
        }
      },
    }
  } catch (error) {
    unlock()
    throw fromDisk(error)
  }
}

type Secrets = Pick<Store, 'secret' | 'linkSecret' | 'formerSecret' | 'dropFormer'>

function secretsOf(marker: Marker, drop: () => void): Secrets {
  const bytesOf = (hex: string) => Buffer.from(hex, 'hex')
  const [sealing, former] = sealingOf(marker)
  return {
    secret: bytesOf(marker.secret),
    linkSecret: bytesOf(sealing),
    formerSecret: former === undefined ? undefined : bytesOf(former),
    dropFormer: drop,
  }
}

async function openLink(
  options: StoreOptions,
  log: Omit<LogOptions, 'transactions'>,
): Promise<{ link: CommitterLink; recovery: Recovery }> {
  if (options.transactionsUrl !== undefined) {
    const { disk: _, clock: __, random: ___, ...plain } = log
    return await linkThread({ transactionsUrl: options.transactionsUrl, log: plain })
  }
  const transactions = { ...options.transactions, ...elementTransactions }
  const opened = openLog({ ...log, transactions })
  return { link: linkInline(opened), recovery: opened.recovery }
}

const reasons: Readonly<Record<string, string>> = {
  ENOENT: 'its parent directory does not exist',
  ENOTDIR: 'it is not a directory',
  EEXIST: 'it is not a directory',
  EACCES: 'it may not be written',
  EROFS: 'it is read-only',
  SQLITE_CANTOPEN: 'it may not be written',
  SQLITE_READONLY: 'it is read-only',
}

/** Makes the directory durable in its parent and takes its lock. */
function prepareDir(disk: Disk, dir: string): () => void {
  try {
    const slash = dir.lastIndexOf('/')
    disk.makeDir(dir)
    // Each time: an earlier run may have made it and died before this sync.
    disk.syncDir(slash > 0 ? dir.slice(0, slash) : slash === 0 ? '/' : '.')
    const unlock = disk.lock(dir)
    if (unlock === undefined) throw new HoldfastError('STORE_LOCKED', { directory: dir })
    return unlock
  } catch (error) {
    const code = errnoOf(error)
    if (code === undefined) throw error
    const reason = reasons[code] ?? code
    throw new HoldfastError('STORAGE_UNAVAILABLE', { directory: dir, reason }, { cause: error })
  }
}
