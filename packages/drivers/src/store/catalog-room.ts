import { dirname } from 'node:path'
import type { DiskFile } from '@holdfast/core/ports/disk.ts'
import type { SqliteDatabase } from '../catalog/sqlite/database.ts'
import { systemClock } from '../clock/system-clock.ts'
import { nodeDisk } from '../disk/node-disk.ts'

/** With less than this free, deletes are left room of their own. */
const AMPLE_BYTES = 1024 * 1024 * 1024
const HEADER_BYTES = 32
const FRAME_HEADER_BYTES = 24
/** Pages that a changed row may touch: its leaf, those of its indexes, and what splits. */
const PAGES_PER_ROW = 12
const PAGES_PER_BATCH = 64
/** What batches that bring bytes leave to those that bring none, deletes above all. */
const SPARE_FRAMES = 1000
/** Room is laid in steps, so that most batches find it there. */
const STEP_BYTES = 256 * 1024
/** The index of the log grows by a block for each so many frames. */
const INDEX_BLOCK_BYTES = 32 * 1024
const FRAMES_PER_INDEX_BLOCK = 4062
/** Words of the header of the index, each of four bytes in the order of this processor. */
const INDEX_HEADER = { words: 12, version: 0, frames: 4 } as const
const INDEX_VERSION = 3_007_000
/** Nobody fills what has to be free besides `AMPLE_BYTES` in this time. */
const SPACE_MS = 100

/**
 * Sees to it that a catalog commit cannot fail for want of space once its batch is in the log. The
 * files that a commit writes, SQLite's write-ahead log and its index, are laid out ahead: zeros
 * behind the last frame end the log just as its end does, and SQLite writes over them
 * (https://www.sqlite.org/walformat.html). Always, since a quota may end where much is free: SQLite
 * takes every errno but ENOSPC for a failing disk. SQLite uses the log again and again, so each
 * part of it is laid once.
 */
export class CatalogRoom implements Disposable {
  readonly #db: SqliteDatabase
  readonly #pageBytes: number
  readonly #frames
  readonly #changes
  readonly #header = new Uint32Array(INDEX_HEADER.words)
  /** What SQLite keeps of its log; more would be laid again and again. */
  readonly #keptBytes: number
  #scarce = false
  /** When there was last seen to be plenty. */
  #ampleMs = Number.NEGATIVE_INFINITY
  /** Frames in use when the transaction began; undefined where nothing lies on a disk. */
  #used: number | undefined
  #changesBefore = 0
  #log: DiskFile | undefined
  #index: DiskFile | undefined
  /** What is known to be there of both: SQLite makes neither smaller than that. */
  #logBytes = 0
  #indexBytes = 0

  constructor(db: SqliteDatabase) {
    this.#db = db
    this.#pageBytes = Number(db.pragma('page_size', { simple: true }))
    const limit = Number(db.pragma('journal_size_limit', { simple: true }))
    this.#keptBytes = limit < 0 ? Number.POSITIVE_INFINITY : limit
    // The column `log` is the number of frames; NOOP moves none of them.
    this.#frames = db.prepare<[], { log: number }>('PRAGMA wal_checkpoint(NOOP)')
    this.#changes = db.prepare<[], number>('SELECT total_changes()').pluck()
  }

  /** To be called before a transaction begins. */
  begin(): void {
    this.#used = undefined
    if (this.#db.memory) return
    this.#lookForSpace()
    this.#used = this.#framesInUse()
    this.#changesBefore = this.#changes.get() ?? 0
  }

  /** A lone put would pay for each look, so plenty is believed for a moment. */
  #lookForSpace(): void {
    const nowMs = systemClock.monotonic()
    if (nowMs - this.#ampleMs < SPACE_MS) return
    // SQLite writes to the real disk, whatever the packs lie on.
    const { freeBytes } = nodeDisk.space(dirname(this.#db.name))
    this.#scarce = freeBytes < AMPLE_BYTES
    if (freeBytes >= 2 * AMPLE_BYTES) this.#ampleMs = nowMs
  }

  /**
   * As the header of the index says it, which nobody but this connection changes. SQLite parses the
   * pragma anew each time it runs, so that is asked only until there is a header.
   */
  #framesInUse(): number {
    const bytes = new Uint8Array(this.#header.buffer)
    const isWhole = this.#openIndex().read(bytes, 0) === bytes.length
    const { version, frames } = INDEX_HEADER
    if (isWhole && this.#header[version] === INDEX_VERSION) return this.#header[frames] ?? 0
    return this.#frames.get()?.log ?? 0
  }

  #openIndex(): DiskFile {
    this.#index ??= nodeDisk.open(`${this.#db.name}-shm`, 'edit')
    return this.#index
  }

  /** Frames of the log in use when the transaction began. */
  get used(): number | undefined {
    return this.#used
  }

  /**
   * To be called when the transaction has changed its rows, before its batch goes into the log
   * with these lines. Throws ENOSPC while all can still be taken back.
   */
  reserve(lines: readonly string[], bringsBytes: boolean): void {
    if (this.#used === undefined) return
    const rows = (this.#changes.get() ?? 0) - this.#changesBefore
    let lineBytes = 0
    for (const line of lines) lineBytes += Buffer.byteLength(line)
    // A wide row goes into the table, and its words into indexes.
    const wide = 4 * Math.ceil(lineBytes / this.#pageBytes)
    const spare = bringsBytes && this.#scarce ? SPARE_FRAMES : 0
    this.#layOut(this.#used + PAGES_PER_BATCH + rows * PAGES_PER_ROW + wide + spare)
  }

  #layOut(frames: number): void {
    const needed = HEADER_BYTES + frames * (FRAME_HEADER_BYTES + this.#pageBytes)
    const bytes = this.#scarce ? needed : Math.min(needed, this.#keptBytes)
    if (bytes > this.#logBytes) {
      this.#log ??= nodeDisk.open(`${this.#db.name}-wal`, 'edit')
      lay(this.#log, bytes, STEP_BYTES)
      this.#logBytes = Math.min(bytes, this.#keptBytes)
    }
    const indexBytes = INDEX_BLOCK_BYTES * (1 + Math.ceil(frames / FRAMES_PER_INDEX_BLOCK))
    if (indexBytes > this.#indexBytes) {
      lay(this.#openIndex(), indexBytes, INDEX_BLOCK_BYTES)
      this.#indexBytes = indexBytes
    }
  }

  /**
   * To be called when the database is closed, not before: POSIX lets go of all locks of a process
   * on a file as soon as it closes any descriptor of it (https://www.sqlite.org/howtocorrupt.html).
   */
  [Symbol.dispose](): void {
    this.#log?.close()
    this.#index?.close()
    this.#log = undefined
    this.#index = undefined
  }
}

/** Zeros up to `size`, in whole steps. What was laid before ENOSPC stays. */
function lay(file: DiskFile, size: number, stepBytes: number): void {
  let at = file.size()
  if (at >= size) return
  const zeros = Buffer.alloc(stepBytes)
  for (; at < size; at += stepBytes) file.write(zeros, at)
}
