import type { Disk } from '@holdfast/core/ports/disk.ts'
import { type ChangeLine, isEmptyLine } from '../catalog/sqlite/commit/change-line.ts'
import { lineText, parseLine } from '../catalog/sqlite/commit/line-text.ts'
import { liveOf } from '../catalog/sqlite/commit/live-records.ts'
import type { Tables } from '../catalog/sqlite/tables.ts'
import { FatalStoreError, isFull } from '../disk/disk-errors.ts'
import type { PackedBody } from '../element/disk/batch.ts'
import type { BlobFiles } from '../element/disk/blob-files.ts'
import { scanPastDamage } from '../element/disk/check-packs.ts'
import { Journal } from '../element/disk/journal.ts'
import { formatLocation, PACKS, packPath } from '../element/disk/layout.ts'
import { restIsZero, type ScannedBatch, scanPack } from '../element/disk/pack-scan.ts'
import type { AppliedPosition } from './applied-position.ts'
import type { CatalogRoom } from './catalog-room.ts'

export interface ReclaimerParts {
  readonly disk: Disk
  readonly dir: string
  readonly secret: Uint8Array
  readonly tables: Tables
  readonly journal: Journal
  readonly files: BlobFiles
  readonly applied: AppliedPosition
  readonly catalogRoom: CatalogRoom
}

/** One step of work, so that commits never wait long for it. */
export interface ReclaimStep {
  readonly more: boolean
  readonly freedBytes: number
  /** A pack that is gone; readers should let go of it. */
  readonly removedPack: number | null
  /** Blobs that lie elsewhere now. */
  readonly moved: readonly string[]
}

/** A sealed pack is rewritten when less than this share of it is still live. */
const LIVE_SHARE_MAX = 0.5
const STEP_BYTES = 4 * 1024 * 1024
const ORPHANS_PER_STEP = 500

type Work = Generator<Pick<ReclaimStep, 'freedBytes' | 'removedPack'>, void>

/**
 * Gives space back: rewrites packs that are mostly dead and unlinks files that no row names. Runs
 * between commits in the committer, the only place where bytes come and go, so what has no row
 * here has no upload on its way either.
 */
export class Reclaimer {
  readonly #parts: ReclaimerParts
  #work: Work | undefined
  #moved: string[] = []

  constructor(parts: ReclaimerParts) {
    this.#parts = parts
  }

  step(): ReclaimStep {
    this.#work ??= this.#all()
    const next = this.#work.next()
    const moved = this.#moved
    this.#moved = []
    if (!next.done) return { more: true, ...next.value, moved }
    this.#work = undefined
    return { more: false, freedBytes: 0, removedPack: null, moved }
  }

  /** After an error the work begins anew. */
  reset(): void {
    this.#work = undefined
  }

  *#all(): Work {
    for (const pack of this.#mostlyDead()) yield* this.#rewrite(pack)
    yield* this.#sweepOrphans()
  }

  /** Sealed packs in order, by the bytes of live blobs against their size. */
  *#mostlyDead(): Generator<number> {
    const { disk, dir, journal, tables } = this.#parts
    const liveBytes = tables.blobs.liveBytesByPack()
    for (const pack of journal.packs()) {
      if (pack === journal.position.pack) continue
      const size = disk.stat(packPath(dir, pack))?.size ?? 0
      if ((liveBytes.get(pack) ?? 0) >= size * LIVE_SHARE_MAX) continue
      const live = this.#liveShare(pack, size)
      if (live !== undefined && live < LIVE_SHARE_MAX) yield pack
    }
  }

  /**
   * Exact, change lines included. Undefined where a part of the pack proves nothing: what lies
   * there and behind it could not be carried over, so the pack must stay.
   */
  #liveShare(pack: number, size: number): number | undefined {
    const { journal, secret } = this.#parts
    let live = 0
    const file = journal.openPack(pack)
    try {
      const scan = scanPastDamage(file, pack, { start: 0, checkBytes: false, secret })
      for (;;) {
        const step = scan.next()
        if (step.done === true) {
          if (restIsZero(file, step.value).kind === 'torn') return undefined
          break
        }
        const batch = step.value
        if ('reason' in batch) return undefined
        for (const body of this.#liveBodies(batch)) live += Journal.bodyBytes(body.size)
        for (const line of this.#liveLines(batch)) live += lineText(line).length
      }
    } finally {
      file.close()
    }
    return live / Math.max(1, size)
  }

  *#rewrite(pack: number): Work {
    const { disk, dir } = this.#parts
    const size = disk.stat(packPath(dir, pack))?.size ?? 0
    const file = this.#parts.journal.openPack(pack)
    let written = 0
    try {
      let bodies: PackedBody[] = []
      let lines: ChangeLine[] = []
      let gathered = 0
      for (const batch of scanPack(file, pack, 0, {
        checkBytes: false,
        secret: this.#parts.secret,
      })) {
        for (const { sha256, size: length, offset } of this.#liveBodies(batch)) {
          const bytes = Buffer.alloc(length)
          file.read(bytes, offset)
          bodies.push({ sha256, bytes })
          gathered += Journal.bodyBytes(length)
        }
        const live = this.#liveLines(batch)
        lines.push(...live)
        gathered += live.length * 1024
        if (gathered < STEP_BYTES) continue
        written += this.#relocate(pack, bodies, lines)
        bodies = []
        lines = []
        gathered = 0
        yield { freedBytes: 0, removedPack: null }
      }
      written += this.#relocate(pack, bodies, lines)
    } finally {
      file.close()
    }
    this.#removePack(pack)
    yield { freedBytes: Math.max(0, size - written), removedPack: pack }
  }

  #liveBodies(batch: ScannedBatch): ScannedBatch['bodies'] {
    const { blobs } = this.#parts.tables
    return batch.bodies.filter(({ sha256, offset }) => {
      const location = formatLocation({ kind: 'pack', pack: batch.pack, offset })
      return blobs.get(sha256)?.location === location
    })
  }

  /** What still matters of the lines: newest states, and tombstones while older packs exist. */
  #liveLines(batch: ScannedBatch): ChangeLine[] {
    const oldest = this.#parts.journal.packs()[0] === batch.pack
    return batch.lines
      .map((text): ChangeLine => liveOf(this.#parts.tables, parseLine(text), !oldest))
      .filter(line => !isEmptyLine(line))
  }

  /** Copies into the active pack and moves the catalog along, as one commit. */
  #relocate(from: number, gathered: readonly PackedBody[], lines: readonly ChangeLine[]): number {
    const { tables, journal, applied, catalogRoom } = this.#parts
    // Commits came in between: only what still lies where it was read is moved.
    const prefix = `pack:${from}:`
    const bodies = gathered.filter(
      ({ sha256 }) => tables.blobs.get(sha256)?.location.startsWith(prefix) === true,
    )
    if (bodies.length === 0 && lines.length === 0) return 0
    const before = journal.position
    const texts = lines.map(lineText)
    catalogRoom.begin()
    tables.db.exec('BEGIN IMMEDIATE')
    try {
      let bodyBytes = 0
      for (const { bytes } of bodies) bodyBytes += Journal.bodyBytes(bytes.length)
      journal.roomFor(bodyBytes)
      let at = 0
      for (const { sha256, bytes } of bodies) {
        const location = formatLocation({ kind: 'pack', ...journal.locate(at) })
        tables.blobs.move(sha256, location)
        at += Journal.bodyBytes(bytes.length)
      }
      catalogRoom.reserve(texts, false)
      journal.append({ bodies, lines: texts })
    } catch (error) {
      tables.db.exec('ROLLBACK')
      throw error
    }
    try {
      applied.set(journal.position)
      tables.db.exec('COMMIT')
    } catch (error) {
      throw new FatalStoreError('the catalog failed after the log was synced', { cause: error })
    }
    for (const { sha256 } of bodies) this.#moved.push(sha256)
    const { position } = journal
    return position.pack === before.pack ? position.offset - before.offset : position.offset
  }

  /**
   * The pack may go only once the catalog can no longer fall back to a state that needs it: a
   * commit with full durability makes everything before it durable too. Where that fails, but for
   * want of space, nobody knows what is durable, and a second try might succeed for nothing.
   */
  #removePack(pack: number): void {
    const { disk, dir, tables, journal, applied } = this.#parts
    const { db } = tables
    db.pragma('synchronous = FULL')
    try {
      db.exec('BEGIN IMMEDIATE')
      applied.renew(journal.position)
      db.exec('COMMIT')
    } catch (error) {
      if (isFull(error)) throw error
      throw new FatalStoreError('the catalog could not be made durable', { cause: error })
    } finally {
      if (db.inTransaction) db.exec('ROLLBACK')
      db.pragma('synchronous = NORMAL')
    }
    disk.remove(packPath(dir, pack))
    try {
      disk.syncDir(`${dir}/${PACKS}`)
    } catch (error) {
      throw new FatalStoreError('a sync failed while a pack was removed', { cause: error })
    }
  }

  *#sweepOrphans(): Work {
    const { files, tables } = this.#parts
    let seen = 0
    let freedBytes = 0
    for (const { sha256, size } of files.list()) {
      if (tables.blobs.get(sha256) === undefined) {
        files.remove(sha256)
        freedBytes += size
      }
      seen += 1
      if (seen % ORPHANS_PER_STEP !== 0) continue
      yield { freedBytes, removedPack: null }
      freedBytes = 0
    }
    if (freedBytes > 0) yield { freedBytes, removedPack: null }
  }
}
