import { HoldfastError } from '@holdfast/core/errors.ts'
import type { Clock } from '@holdfast/core/ports/clock.ts'
import type { Disk, DiskFile } from '@holdfast/core/ports/disk.ts'
import { FatalStoreError } from '../../disk/disk-errors.ts'
import { type Batch, encodeBatch } from './batch.ts'
import { type PackGap, scanPastDamage } from './check-packs.ts'
import { PACKS, packNumber, packPath, QUARANTINE } from './layout.ts'
import {
  endsBatch,
  laterBatchAt,
  restIsZero,
  type ScanEnd,
  type ScannedBatch,
  scanPack,
  type TornEnd,
} from './pack-scan.ts'
import { entryBytes, RECORD } from './tar-entry.ts'

/** Position in the log: batch number `batch`, the next one, begins here. */
export interface JournalPosition {
  readonly pack: number
  readonly offset: number
  readonly batch: number
}

export interface JournalOptions {
  readonly disk: Disk
  readonly dir: string
  readonly clock: Clock
  /** A pack that reached this size is sealed. */
  readonly packBytesMax: number
  /** Zeros written ahead: syncing laid-out space is 1.4 to 3 times cheaper than a growing file. */
  readonly layOutBytes: number
  /** Proves batches; see BatchHead. */
  readonly secret: Uint8Array
  /** Passes over damage instead of refusing it, and tells each gap. For rebuilds only. */
  readonly onGap?: ((gap: PackGap) => void) | undefined
}

export const defaultJournal = Object.freeze({
  packBytesMax: 128 * 1024 * 1024,
  layOutBytes: 4 * 1024 * 1024,
})

/** For a batch of at least this part of what is laid out, zeros cost more than they save. */
const LAY_OUT_FOR = 1 / 8
/** Of the laid out bytes, what batches with bodies do not use. */
const SPARE_SHARE = 1 / 4

const ZEROS = Buffer.alloc(1024 * 1024)

/**
 * The log that makes everything durable: packs of batches, one sync each. Only the committer
 * writes it. A batch is in the log wholly or not at all; a failed sync is fatal (torture §6.4).
 */
export class Journal {
  readonly #options: JournalOptions
  #file: DiskFile | undefined
  #pack = 0
  #offset = 0
  #laidOut = 0
  #nextBatch = 1
  #buffer = Buffer.alloc(0)

  constructor(options: JournalOptions) {
    this.#options = options
  }

  get position(): JournalPosition {
    return { pack: this.#pack, offset: this.#offset, batch: this.#nextBatch }
  }

  packs(): number[] {
    const numbers: number[] = []
    for (const entry of this.#options.disk.list(`${this.#options.dir}/${PACKS}`)) {
      const number = packNumber(entry.name)
      if (number !== undefined && entry.kind === 'file') numbers.push(number)
    }
    return numbers.sort((a, b) => a - b)
  }

  openPack(pack: number): DiskFile {
    return this.#options.disk.open(packPath(this.#options.dir, pack), 'read')
  }

  /**
   * Reads every batch after `from`, then stands at the end, ready to append. Bytes of a cut batch
   * at the very end are removed; anything else that does not prove itself is damage and nothing
   * is changed. Returns what was cut off, in bytes.
   */
  recover(from: JournalPosition | undefined, apply: (batch: ScannedBatch) => void): number {
    const packs = this.#withoutEmptyTail(from)
    const last = packs.at(-1)
    this.#nextBatch = from?.batch ?? 1
    if (from !== undefined && from.pack > 0 && !packs.includes(from.pack)) {
      throw damaged(`pack ${from.pack} is missing`)
    }
    if (last === undefined) {
      this.#startPack(1)
      return 0
    }
    let cut = 0
    for (const pack of packs) {
      if (from !== undefined && pack < from.pack) continue
      const start = from !== undefined && pack === from.pack ? from.offset : 0
      cut = this.#recoverPack(pack, { start, last: pack === last, apply })
    }
    return cut
  }

  /** Packs that were made but never written to, so that the one before them is still the last. */
  #withoutEmptyTail(from: JournalPosition | undefined): number[] {
    const { disk, dir } = this.#options
    const packs = this.packs()
    for (;;) {
      const last = packs.at(-1)
      // Where the catalog says it stands, everything before was applied: that pack may be empty.
      if (last === undefined || last === from?.pack) return packs
      const path = packPath(dir, last)
      if (disk.stat(path)?.size !== 0) return packs
      disk.remove(path)
      packs.pop()
    }
  }

  #recoverPack(
    pack: number,
    scan: { start: number; last: boolean; apply: (batch: ScannedBatch) => void },
  ): number {
    const path = packPath(this.#options.dir, pack)
    const file = this.#options.disk.open(path, scan.last ? 'edit' : 'read')
    let keep = false
    try {
      if (scan.start > file.size()) throw damaged(`pack ${pack} is shorter than the catalog says`)
      this.#refuseOlder(file, pack, scan.start)
      const end = restIsZero(file, this.#applyBatches(file, pack, scan))
      if (end.kind === 'torn') this.#refuseDamage(file, pack, { end, last: scan.last })
      if (!scan.last) return 0
      keep = true
      return this.#standAt(file, pack, end.at, end.kind === 'torn')
    } finally {
      if (!keep) file.close()
    }
  }

  /**
   * A batch is synced before the catalog tells of it. One that is not there went with an older copy
   * of the pack, whose laid out zeros may reach as far.
   */
  #refuseOlder(file: DiskFile, pack: number, start: number): void {
    const batch = this.#nextBatch - 1
    if (start === 0 || endsBatch(file, start, batch)) return
    throw damaged(`pack ${pack} does not hold batch ${batch}, which the catalog has applied`)
  }

  #applyBatches(
    file: DiskFile,
    pack: number,
    scan: { start: number; last: boolean; apply: (batch: ScannedBatch) => void },
  ): ScanEnd {
    const { onGap, secret } = this.#options
    const options = { start: scan.start, checkBytes: scan.last, secret }
    const found: Generator<ScannedBatch | PackGap, ScanEnd> =
      onGap === undefined
        ? scanPack(file, pack, scan.start, options)
        : scanPastDamage(file, pack, options)
    let step = found.next()
    while (!step.done) {
      if ('reason' in step.value) onGap?.(step.value)
      else {
        scan.apply(step.value)
        this.#nextBatch = step.value.head.batch + 1
      }
      step = found.next()
    }
    return step.value
  }

  /** An unfinished commit at the very end is cut off; anything else is damage. */
  #refuseDamage(
    file: DiskFile,
    pack: number,
    { end, last }: { end: TornEnd; last: boolean },
  ): void {
    const { onGap, secret } = this.#options
    const expected = this.#nextBatch
    const later = last ? laterBatchAt(file, { from: end.at, expected, secret }) : undefined
    if (last && later === undefined && end.foreign !== true) return
    if (onGap !== undefined) {
      onGap({ pack, from: end.at, to: file.size(), reason: end.reason })
      return
    }
    const follows = later === undefined ? '' : `, but a batch follows at ${later}`
    throw damaged(`pack ${pack} at ${end.at}: ${end.reason}${follows}`)
  }

  /** Clears what lies behind the end, since no answer was given for it. */
  #standAt(file: DiskFile, pack: number, offset: number, torn: boolean): number {
    const size = file.size()
    this.#file = file
    this.#pack = pack
    this.#offset = offset
    this.#laidOut = size
    if (torn) {
      this.#setAside(file, pack, offset)
      file.truncate(offset)
      this.#laidOut = offset
    }
    // A killed process may have left a whole batch that only the page cache has. It is about to be
    // seen, so it must be durable first.
    file.sync()
    this.#options.disk.syncDir(`${this.#options.dir}/${PACKS}`)
    return torn ? size - offset : 0
  }

  /** What is cut off is kept in the quarantine: bytes are never dropped on a guess. */
  #setAside(file: DiskFile, pack: number, offset: number): void {
    const { disk, dir, clock } = this.#options
    const to = `${dir}/${QUARANTINE}`
    disk.makeDir(to)
    // On a full disk the cut matters more than its copy: no answer was given for these bytes.
    if (disk.space(dir).freeBytes < 2 * (file.size() - offset)) return
    const copy = disk.open(`${to}/pack-${pack}-${offset}.${clock.now()}`, 'create')
    try {
      const size = file.size()
      const buffer = Buffer.alloc(1024 * 1024)
      for (let at = offset; at < size; at += buffer.length) {
        const piece = buffer.subarray(0, Math.min(buffer.length, size - at))
        file.read(piece, at)
        // Zeros laid out ahead need no room in the copy.
        if (piece.some(byte => byte !== 0)) copy.write(piece, at - offset)
      }
      copy.sync()
    } finally {
      copy.close()
    }
    disk.syncDir(to)
    disk.syncDir(dir)
  }

  /** Where a body will lie if it is the next in the coming batch, given the bytes before it. */
  locate(bytesBefore: number): { readonly pack: number; readonly offset: number } {
    return { pack: this.#pack, offset: this.#offset + bytesBefore + RECORD }
  }

  /** To be called before bodies are located: moves on to a new pack when this one is full. */
  roomFor(batchBytes: number): void {
    if (this.#offset === 0 || this.#offset + batchBytes <= this.#options.packBytesMax) return
    this.#startPack(this.#pack + 1)
  }

  /**
   * Durable when it returns. A disk error before the sync leaves the log as it was and is thrown
   * as it came; FatalStoreError means the log is in doubt.
   */
  append(batch: Batch): void {
    const file = this.#file
    if (file === undefined) throw new FatalStoreError('the journal is not open')
    this.#refuseElsewhere(file)
    const seconds = Math.floor(this.#options.clock.now() / 1000)
    const { secret } = this.#options
    const how = { mtimeS: seconds, secret, room: (size: number) => this.#room(size) }
    const bytes = encodeBatch(this.#nextBatch, batch, how)
    const end = this.#offset + bytes.length
    // Nothing of the batch is written yet: what was laid out stays for those that need less.
    this.#makeRoom(file, end, batch)
    try {
      file.write(bytes, this.#offset)
      this.#laidOut = Math.max(this.#laidOut, end)
    } catch (error) {
      this.#takeBack(file)
      throw error
    }
    try {
      file.sync()
    } catch (error) {
      throw new FatalStoreError('sync of the journal failed', { cause: error })
    }
    this.#offset = end
    this.#nextBatch += 1
  }

  /**
   * Bytes that no name leads to are lost to whoever opens the store next. The directory may have
   * been moved away, mounted over or exchanged since: one stat for each batch.
   */
  #refuseElsewhere(file: DiskFile): void {
    if (file.isAt(packPath(this.#options.dir, this.#pack))) return
    throw new HoldfastError('STORAGE_UNAVAILABLE', { reason: 'the data directory went away' })
  }

  /** Whether these bytes lie at a place in a pack. */
  holds(place: { readonly pack: number; readonly offset: number }, bytes: Uint8Array): boolean {
    try {
      const file = this.openPack(place.pack)
      try {
        const found = Buffer.allocUnsafe(bytes.length)
        return file.read(found, place.offset) === bytes.length && found.equals(bytes)
      } finally {
        file.close()
      }
    } catch {
      return false
    }
  }

  /** Bytes that bodies of these sizes take in a batch, before the change lines. */
  static bodyBytes(size: number): number {
    return entryBytes(size)
  }

  close(): void {
    this.#file?.close()
    this.#file = undefined
  }

  /** The same memory for every batch: it would else be as much garbage as there is payload. */
  #room(bytes: number): Buffer {
    if (this.#buffer.length < bytes) this.#buffer = Buffer.allocUnsafeSlow(bytes * 2)
    return this.#buffer.subarray(0, bytes)
  }

  /** Batches with bodies leave a part of the room to those without, deletes above all. */
  #makeRoom(file: DiskFile, end: number, batch: Batch): void {
    const { layOutBytes } = this.#options
    const bringsBytes = batch.bodies.length > 0
    const needed = bringsBytes ? end + layOutBytes * SPARE_SHARE : end
    if (needed <= this.#laidOut || end - this.#offset >= layOutBytes * LAY_OUT_FOR) return
    try {
      this.#layOut(file, end + layOutBytes)
    } catch (error) {
      if (bringsBytes || this.#laidOut < end) throw error
    }
  }

  #layOut(file: DiskFile, target: number): void {
    while (this.#laidOut < target) {
      const piece = ZEROS.subarray(0, Math.min(ZEROS.length, target - this.#laidOut))
      file.write(piece, this.#laidOut)
      this.#laidOut += piece.length
    }
  }

  /**
   * After a failed write nothing of it may stay, not even on the device: the caller is about to be
   * told that it did not happen.
   */
  #takeBack(file: DiskFile): void {
    try {
      file.truncate(this.#offset)
      this.#laidOut = this.#offset
      file.sync()
    } catch (error) {
      throw new FatalStoreError('the journal could not be taken back', { cause: error })
    }
  }

  /** Gives back the zeros laid out ahead, but for the two records that end a tar archive. */
  #seal(file: DiskFile, offset: number): void {
    try {
      file.truncate(Math.min(file.size(), offset + 2 * RECORD))
      file.close()
    } catch {
      // Only space is at stake: the sealed pack is whole and synced.
    }
  }

  #startPack(pack: number): void {
    const { disk, dir } = this.#options
    const file = this.#createPack(pack)
    try {
      disk.syncDir(`${dir}/${PACKS}`)
    } catch (error) {
      file.close()
      throw new FatalStoreError('a sync failed while a new pack was begun', { cause: error })
    }
    // From here on nothing may be written to the pack before: it counts as whole.
    const sealed = this.#file
    const sealedAt = this.#offset
    this.#file = file
    this.#pack = pack
    this.#offset = 0
    this.#laidOut = 0
    if (sealed !== undefined) this.#seal(sealed, sealedAt)
  }

  /** A pack that an attempt before made and could not use is empty, and is used now. */
  #createPack(pack: number): DiskFile {
    const { disk, dir } = this.#options
    const path = packPath(dir, pack)
    const known = disk.stat(path)
    if (known === undefined) return disk.open(path, 'create')
    if (known.size > 0) throw new FatalStoreError(`pack ${pack} is already there`)
    return disk.open(path, 'edit')
  }
}

function damaged(reason: string): HoldfastError {
  return new HoldfastError('STORE_DAMAGED', { part: 'packs', reason })
}
