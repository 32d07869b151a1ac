import { dirname } from 'node:path'
import type { DiskFile } from '@holdfast/core/ports/disk.ts'
import type { SqliteDatabase } from '../catalog/sqlite/database.ts'
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

/**
 * Sees to it that a catalog commit cannot fail for want of space once its batch is in the log. The
 * files that a commit writes, SQLite's write-ahead log and its index, are laid out ahead: zeros
 * behind the last frame end the log just as its end does, and SQLite writes over them
 * (https://www.sqlite.org/walformat.html). Always, since a quota may end where much is free: SQLite
 * takes every errno but ENOSPC for a failing disk. SQLite uses the log again and again, so each part
 * of it is laid once.
 */
export class CatalogRoom implements Disposable {
  readonly #db: SqliteDatabase
  readonly #pageBytes: number
  readonly #frames
  readonly #changes
  /** What SQLite keeps of its log; more would be laid again and again. */
  readonly #keptBytes: number
  #scarce = false
  /** Frames in use when the transaction began; undefined where nothing lies on a disk. */
  #used: number | undefined
  #changesBefore = 0
  #log: DiskFile | undefined
  #index: DiskFile | undefined

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
    // SQLite writes to the real disk, whatever the packs lie on.
    this.#scarce = nodeDisk.space(dirname(this.#db.name)).freeBytes < AMPLE_BYTES
    this.#used = this.#frames.get()?.log ?? 0
    this.#changesBefore = this.#changes.get() ?? 0
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
    this.#log ??= nodeDisk.open(`${this.#db.name}-wal`, 'edit')
    const bytes = HEADER_BYTES + frames * (FRAME_HEADER_BYTES + this.#pageBytes)
    lay(this.#log, this.#scarce ? bytes : Math.min(bytes, this.#keptBytes), STEP_BYTES)
    this.#index ??= nodeDisk.open(`${this.#db.name}-shm`, 'edit')
    const blocks = 1 + Math.ceil(frames / FRAMES_PER_INDEX_BLOCK)
    lay(this.#index, blocks * INDEX_BLOCK_BYTES, INDEX_BLOCK_BYTES)
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
