import { HoldfastError, isHoldfastError } from '@holdfast/core/errors.ts'
import { toHex } from '@holdfast/core/ids.ts'
import type { Disk } from '@holdfast/core/ports/disk.ts'
import type {
  BlobBytes,
  BlobPlace,
  ByteRange,
  ByteSource,
  Element,
  ElementFault,
  ElementProbe,
  ElementTraits,
  LentBytes,
  ListedBlob,
  ReadOptions,
  Repair,
  WriteOptions,
  WrittenBlob,
} from '@holdfast/core/ports/element.ts'
import type { Random } from '@holdfast/core/ports/random.ts'
import { errnoOf, fromDisk } from '../../disk/disk-errors.ts'
import { readBeginning } from '../../disk/read-text.ts'
import type { ReclaimStep } from '../../store/reclaimer.ts'
import { BlobCache, CACHED_BYTES_MAX } from '../blob-cache.ts'
import { blobEntrySha256 } from './batch.ts'
import { BlobFiles } from './blob-files.ts'
import { checkPacks } from './check-packs.ts'
import type { DiskStaging } from './disk-staging.ts'
import { blobPath, formatLocation, NOTES, parseLocation, TEMP } from './layout.ts'
import { livePacked } from './live-packed.ts'
import { PackFiles } from './pack-files.ts'
import { lendBlob } from './reading/lend-blob.ts'
import { readBlob } from './reading/read-blob.ts'
import { ReadBuffers } from './reading/read-buffers.ts'
import { RecentReads } from './reading/recent-reads.ts'
import { DAMAGE_NOTE, DamageList, watched } from './repair/damage-list.ts'
import { otherCopies } from './repair/other-copies.ts'
import { RECORD, readHeader, type TarEntry } from './tar-entry.ts'

export interface DiskElementOptions {
  readonly id: string
  readonly disk: Disk
  readonly dir: string
  /** Proves batches of the packs. */
  readonly secret: Uint8Array
  readonly random: Random
  readonly staging: DiskStaging
  /** Makes staged bytes durable on their own, through the committer. */
  readonly keep: (source: ByteSource, write: WriteOptions) => Promise<WrittenBlob>
  /** Where the catalog says a blob lies. */
  readonly locate: (sha256: string) => Promise<string | undefined>
  /** Removes bytes for good, through the committer. */
  readonly drop: (location: string) => Promise<void>
  /** One step of giving space back, in the committer. */
  readonly reclaimStep: () => Promise<ReclaimStep>
  readonly cacheBytes: number
  /** Memory for the chunks of large blobs on their way out. */
  readonly readBufferBytes: number
  /** How many bytes of what was read the system is trusted to have in memory still. */
  readonly recentReadBytes: number
  readonly now: () => number
  readonly monotonic: () => number
}

const NOTE_NAME = /^[A-Za-z0-9][A-Za-z0-9._-]{0,127}$/

/** Blobs in packs and files of one data directory (docs/format.md). */
export class DiskElement implements Element {
  readonly id: string
  readonly traits: ElementTraits = { driver: 'disk', durable: true }
  readonly staging: DiskStaging
  readonly #options: DiskElementOptions
  readonly #packs: PackFiles
  readonly #cache: BlobCache
  readonly #buffers: ReadBuffers
  readonly #recent: RecentReads
  readonly #damage: DamageList
  readonly repair: Repair

  constructor(options: DiskElementOptions) {
    this.id = options.id
    this.staging = options.staging
    this.#options = options
    this.#packs = new PackFiles(options.disk, options.dir)
    this.#cache = new BlobCache(options.cacheBytes)
    this.#buffers = new ReadBuffers(options.readBufferBytes)
    this.#recent = new RecentReads(options.recentReadBytes, options.monotonic)
    this.#damage = new DamageList({
      ...options,
      readNote: async () => await this.readNote(DAMAGE_NOTE),
      writeNote: async text => await this.writeNote(DAMAGE_NOTE, text),
    })
    this.repair = {
      known: this.#damage.entries,
      readStored: async place => await this.#readThere(place),
      report: async (place, problem) => await this.#damage.add(place, problem),
      settle: async sha256 => await this.#damage.drop(sha256),
      copies: place => this.#copies(place),
    }
  }

  /** What was known to be damaged when the store was last open. */
  async loadDamage(): Promise<void> {
    await this.#damage.load()
  }

  write(source: ByteSource, options: WriteOptions): Promise<WrittenBlob> {
    return this.#options.keep(source, options)
  }

  held(sha256: string): Uint8Array | undefined {
    return this.#cache.get(sha256)
  }

  lend(place: BlobPlace): LentBytes | Promise<LentBytes> | undefined {
    const { sha256, location, size } = place
    if (this.#damage.entries.has(sha256)) return undefined
    // What is read for the first time goes through `read`, into the cache.
    const isNew = size <= CACHED_BYTES_MAX && !this.#recent.isLikelyInMemory(location)
    if (isNew) return this.#lendRead(place)
    return lendBlob({ packs: this.#packs, buffers: this.#buffers, recent: this.#recent }, place)
  }

  async #lendRead(place: BlobPlace): Promise<LentBytes> {
    const { bytes } = await this.read(place)
    if (bytes === undefined) throw new HoldfastError('BLOB_MISSING', { sha256: place.sha256 })
    return { bytes, release: keep }
  }

  async read(place: BlobPlace, range?: ByteRange, options: ReadOptions = {}): Promise<BlobBytes> {
    const known = this.#cache.get(place.sha256)
    if (known !== undefined && range === undefined) return { size: known.length, bytes: known }
    const damage = this.#damage.entries.get(place.sha256)
    // A body that would break off somewhere is refused at once; its whole blocks can be had.
    if (range === undefined && damage?.location === place.location) await this.#requireWhole(place)
    const result = await this.#readThere(place, { ...options, range })
    if (result.bytes !== undefined && range === undefined) {
      this.#cache.add(place.sha256, result.bytes)
      this.#recent.add(place.location, place.size)
    }
    return result
  }

  /** Compaction may move the bytes between the caller's look-up and this read. */
  async #readThere(
    place: BlobPlace,
    options: ReadOptions & { readonly range?: ByteRange | undefined } = {},
  ): Promise<BlobBytes> {
    const { disk, dir, locate } = this.#options
    const from = { disk, dir, packs: this.#packs, buffers: this.#buffers }
    try {
      return this.#watch(place, await readBlob(from, place, options))
    } catch (error) {
      const location = await locate(place.sha256)
      if (!isLost(error) || location === undefined || location === place.location) {
        await this.#tellDamage(place, error)
        throw error
      }
      const moved = { ...place, location }
      try {
        return this.#watch(moved, await readBlob(from, moved, options))
      } catch (failure) {
        await this.#tellDamage(moved, failure)
        throw failure
      }
    }
  }

  #watch(place: BlobPlace, read: BlobBytes): BlobBytes {
    if (read.chunks === undefined) return read
    const onError = async (error: unknown) => await this.#tellDamage(place, error)
    return { size: read.size, chunks: watched(read.chunks, onError) }
  }

  /** Bytes that were collected while they were read are no damage. */
  async #tellDamage(place: BlobPlace, error: unknown): Promise<void> {
    if (!isHoldfastError(error)) return
    if (error.code !== 'BLOB_DAMAGED' && error.code !== 'BLOB_MISSING') return
    if ((await this.#options.locate(place.sha256)) !== place.location) return
    await this.#damage.add(place, reasonOf(error))
  }

  async #requireWhole(place: BlobPlace): Promise<void> {
    const read = await this.#readThere(place)
    for await (const _ of read.chunks ?? []);
    await this.#damage.drop(place.sha256)
  }

  async *#copies(place: BlobPlace): AsyncGenerator<BlobBytes> {
    const { disk, dir, secret } = this.#options
    const known = this.#cache.get(place.sha256)
    if (known !== undefined) yield { size: known.length, bytes: known }
    const from = { disk, dir, packs: this.#packs, buffers: this.#buffers }
    for (const location of otherCopies({ disk, dir, secret }, place)) {
      try {
        yield await readBlob(from, { ...place, location })
      } catch (error) {
        if (!isHoldfastError(error)) throw error
      }
    }
  }

  async reclaim(signal?: AbortSignal): Promise<number> {
    let freed = 0
    for (;;) {
      signal?.throwIfAborted()
      const { more, freedBytes, removedPack } = await this.#options.reclaimStep()
      freed += freedBytes
      if (removedPack !== null) await this.#packs.drop(removedPack)
      if (!more) return freed
    }
  }

  async stat(location: string): Promise<{ readonly size: number } | undefined> {
    const place = parseLocation(location)
    const { disk, dir } = this.#options
    if (place.kind === 'file') {
      const stat = disk.stat(blobPath(dir, place.sha256))
      return stat === undefined ? undefined : { size: stat.size }
    }
    const entry = await this.#entryAt(place.pack, place.offset)
    const sha256 = entry === undefined ? undefined : blobEntrySha256(entry.name)
    // Removed bytes lie in their pack until it is compacted; only the catalog knows.
    if (entry === undefined || sha256 === undefined) return undefined
    return (await this.#options.locate(sha256)) === location ? { size: entry.size } : undefined
  }

  async #entryAt(pack: number, offset: number): Promise<TarEntry | undefined> {
    try {
      const { file, release } = await this.#packs.open(pack)
      try {
        const header = Buffer.alloc(RECORD)
        await file.read(header, offset - RECORD)
        const entry = readHeader(header, 0)
        return entry === 'end' ? undefined : entry
      } finally {
        await release()
      }
    } catch (error) {
      if (errnoOf(error) === 'ENOENT') return undefined
      throw fromDisk(error)
    }
  }

  remove(location: string): Promise<void> {
    return this.#options.drop(location)
  }

  async *list(): AsyncGenerator<ListedBlob> {
    const { disk, dir, secret } = this.#options
    for (const [sha256, { size, location }] of livePacked(disk, dir, secret)) {
      yield { sha256, size, location }
    }
    for (const { sha256, size } of new BlobFiles(disk, dir).list()) {
      yield { sha256, size, location: formatLocation({ kind: 'file', sha256 }) }
    }
  }

  async *check(): AsyncGenerator<ElementFault> {
    const { disk, dir, secret } = this.#options
    yield* checkPacks(disk, dir, secret)
  }

  async readNote(
    name: string,
    { bytesMax = Number.POSITIVE_INFINITY }: { bytesMax?: number } = {},
  ): Promise<string | undefined> {
    const { disk } = this.#options
    const path = this.#notePath(name)
    if (disk.stat(path) === undefined) return undefined
    return readBeginning(disk, path, bytesMax)
  }

  async writeNote(
    name: string,
    text: string,
    options: { ifAbsent?: boolean } = {},
  ): Promise<boolean> {
    const { disk, dir, random } = this.#options
    const path = this.#notePath(name)
    const temp = `${dir}/${TEMP}/${toHex(random.bytes(16))}.note`
    try {
      const file = disk.open(temp, 'create')
      try {
        file.write(Buffer.from(text), 0)
        file.sync()
      } finally {
        file.close()
      }
      if (options.ifAbsent === true) {
        if (!disk.link(temp, path)) return false
      } else {
        disk.rename(temp, path)
      }
      disk.syncDir(`${dir}/${NOTES}`)
      return true
    } catch (error) {
      throw fromDisk(error)
    } finally {
      disk.remove(temp)
    }
  }

  async probe(): Promise<ElementProbe> {
    const { disk, dir, random } = this.#options
    try {
      const space = disk.space(dir)
      const temp = `${dir}/${TEMP}/${toHex(random.bytes(16))}.probe`
      const file = disk.open(temp, 'create')
      try {
        file.write(Buffer.from('holdfast'), 0)
      } finally {
        file.close()
        disk.remove(temp)
      }
      const { size } = this.#damage.entries
      if (size > 0 && this.staging.hasRoom()) {
        const reason = `${size} damaged or missing blobs; a verification names them`
        return { state: 'degraded', reason, ...space }
      }
      return this.staging.hasRoom()
        ? { state: 'up', reason: 'the element takes writes', ...space }
        : { state: 'full', reason: 'free space is below the reserve', ...space }
    } catch (error) {
      const reason = `a write test failed: ${errnoOf(error) ?? 'unknown error'}`
      return { state: 'down', reason, freeBytes: 0, totalBytes: 0 }
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#packs.close()
  }

  #notePath(name: string): string {
    if (!NOTE_NAME.test(name)) throw new HoldfastError('INVALID_NAME', { name })
    return `${this.#options.dir}/${NOTES}/${name}`
  }
}

/** What was lent out of the cache stays there. */
function keep(): void {}

function isLost(error: unknown): boolean {
  return isHoldfastError(error) && error.code === 'BLOB_MISSING'
}

function reasonOf(error: HoldfastError): string {
  return error.cause instanceof Error ? error.cause.message : error.message
}
