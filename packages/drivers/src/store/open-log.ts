import { HoldfastError } from '@holdfast/core/errors.ts'
import type { Clock } from '@holdfast/core/ports/clock.ts'
import type { Disk } from '@holdfast/core/ports/disk.ts'
import type { Random } from '@holdfast/core/ports/random.ts'
import { parseLine } from '../catalog/sqlite/commit/line-text.ts'
import { applyReplay, type Salvage } from '../catalog/sqlite/commit/replay.ts'
import { ReplayScratch } from '../catalog/sqlite/commit/replay-scratch.ts'
import { openDatabase } from '../catalog/sqlite/database.ts'
import { openTables, type Tables } from '../catalog/sqlite/tables.ts'
import { errnoOf } from '../disk/disk-errors.ts'
import { BlobFiles } from '../element/disk/blob-files.ts'
import type { PackGap } from '../element/disk/check-packs.ts'
import { defaultJournal, Journal } from '../element/disk/journal.ts'
import { BLOBS, formatLocation, NOTES, TEMP } from '../element/disk/layout.ts'
import { sumsAt } from '../element/disk/reading/sums-at.ts'
import { AppliedPosition } from './applied-position.ts'
import { Ballast } from './ballast.ts'
import { CatalogRoom } from './catalog-room.ts'
import { removeTwin } from './check/catalog-twin.ts'
import { type AnyTransaction, Committer } from './committer.ts'

export interface LogOptions {
  readonly disk: Disk
  readonly dir: string
  readonly catalogPath: string
  readonly elementId: string
  readonly secret: Uint8Array
  readonly clock: Clock
  readonly random: Random
  readonly reservedBytes: number
  readonly packBytesMax?: number
  readonly layOutBytes?: number
  readonly transactions: Readonly<Record<string, AnyTransaction>>
  /** Keeps what can be kept of a damaged log, and tells what was lost. For rebuilds only. */
  readonly salvage?: boolean
}

/** What recovery found, for the log and for `holdfast rebuild`. */
export interface Recovery {
  /** Batches that the catalog had not applied yet. */
  readonly batches: number
  readonly changes: number
  /** Bytes of an unfinished commit that were cut off the last pack. */
  readonly cutBytes: number
  readonly tempsSwept: number
  /** What salvage could not keep, a sentence each. */
  readonly lost: readonly string[]
}

export interface OpenedLog {
  readonly committer: Committer
  readonly tables: Tables
  readonly recovery: Recovery
  close(): void
}

/**
 * Opens the writing side of a store: sweeps temp names, lets the catalog catch up with the packs,
 * and stands ready to commit. An absent catalog is made again from the packs.
 */
export function openLog(options: LogOptions): OpenedLog {
  const { disk, dir, secret, clock, random, transactions } = options
  Ballast.makeRoom(disk, dir)
  removeTwin(options.catalogPath)
  const db = openDatabase(options.catalogPath)
  try {
    const tables = openTables(db)
    checkElement(tables, options.elementId)
    restoreDirs(disk, dir, [TEMP, NOTES])
    const tempsSwept = sweepTemps(disk, dir)
    const lost: string[] = []
    const onGap = options.salvage === true ? (gap: PackGap) => lost.push(gapText(gap)) : undefined
    const sizes = { ...defaultJournal, ...journalOptions(options) }
    const journal = new Journal({ ...sizes, disk, dir, clock, secret, onGap })
    const applied = new AppliedPosition(db)
    const recovery = recover(
      { tables, journal, applied },
      {
        scratchPath: `${options.catalogPath}-replay`,
        nowMs: clock.now(),
        salvage: options.salvage === true ? salvageOf(options, lost) : undefined,
      },
    )
    restoreBlobs(options, tables, lost)
    const ballast = new Ballast(disk, dir, options.reservedBytes)
    ballast.lay()
    const files = new BlobFiles(disk, dir)
    const catalogRoom = new CatalogRoom(db)
    const parts = {
      disk,
      dir,
      secret,
      tables,
      journal,
      files,
      applied,
      ballast,
      catalogRoom,
      clock,
      random,
      transactions,
    }
    return {
      committer: new Committer(parts),
      tables,
      recovery: { ...recovery, tempsSwept, lost },
      close: () => {
        journal.close()
        db.close()
        catalogRoom[Symbol.dispose]()
      },
    }
  } catch (error) {
    db.close()
    throw error
  }
}

function journalOptions(options: LogOptions): { packBytesMax?: number; layOutBytes?: number } {
  const { packBytesMax, layOutBytes } = options
  return {
    ...(packBytesMax === undefined ? {} : { packBytesMax }),
    ...(layOutBytes === undefined ? {} : { layOutBytes }),
  }
}

/** A catalog belongs to one element; beside another's packs it would tell lies. */
function checkElement(tables: Tables, elementId: string): void {
  const { db } = tables
  const known = db
    .prepare<[], string>("SELECT value FROM state WHERE name = 'element'")
    .pluck()
    .get()
  if (known === undefined) {
    db.prepare("INSERT INTO state (name, value) VALUES ('element', ?)").run(elementId)
  } else if (known !== elementId) {
    throw new HoldfastError('STORE_FOREIGN', { reason: 'the catalog is of another element' })
  }
}

function gapText({ pack, from, to, reason }: PackGap): string {
  return `${to - from} bytes of pack ${pack} at ${from}: ${reason}`
}

function salvageOf(options: LogOptions, lost: string[]): Salvage {
  return { sumsAt: blob => sumsAt(options, blob), lost: what => lost.push(what) }
}

/** Backups leave out empty directories. What lies in one that comes back must be safe there. */
function restoreDirs(disk: Disk, dir: string, names: readonly string[]): void {
  const absent = names.filter(name => disk.stat(`${dir}/${name}`) === undefined)
  for (const name of absent) disk.makeDir(`${dir}/${name}`)
  if (absent.length > 0) disk.syncDir(dir)
}

/** STORE_DAMAGED where it cannot have been empty. The packs told what lies there, too. */
function restoreBlobs({ disk, dir, salvage }: LogOptions, { db }: Tables, lost: string[]): void {
  if (isThere(disk, `${dir}/${BLOBS}`)) return
  const inFiles = db.prepare("SELECT 1 FROM blobs WHERE location LIKE 'file:%' LIMIT 1").get()
  if (inFiles !== undefined) {
    const reason = `${BLOBS}/ is missing, with the large files in it`
    if (salvage !== true) throw new HoldfastError('STORE_DAMAGED', { part: 'blobs', reason })
    lost.push(reason)
  }
  restoreDirs(disk, dir, [BLOBS])
}

/** A link to a disk that is not there leads nowhere. */
function isThere(disk: Disk, path: string): boolean {
  const kind = disk.stat(path)?.kind
  if (kind !== 'other') return kind !== undefined
  try {
    disk.list(path)
    return true
  } catch (error) {
    return errnoOf(error) !== 'ENOENT'
  }
}

function sweepTemps(disk: Disk, dir: string): number {
  let swept = 0
  for (const { name, kind } of disk.list(`${dir}/${TEMP}`)) {
    if (kind === 'file' && disk.remove(`${dir}/${TEMP}/${name}`)) swept += 1
  }
  return swept
}

function recover(
  parts: { tables: Tables; journal: Journal; applied: AppliedPosition },
  {
    scratchPath,
    nowMs,
    salvage,
  }: {
    scratchPath: string
    nowMs: number
    salvage: Salvage | undefined
  },
): Omit<Recovery, 'tempsSwept' | 'lost'> {
  const { tables, journal, applied } = parts
  const scratch = new ReplayScratch(tables.db, scratchPath)
  let batches = 0
  let changes = 0
  try {
    const cutBytes = journal.recover(applied.get(), batch => {
      for (const { sha256, offset } of batch.bodies) {
        scratch.addBody(sha256, formatLocation({ kind: 'pack', pack: batch.pack, offset }))
      }
      for (const text of batch.lines) {
        const line = parseLine(text)
        scratch.addLine(line)
        changes += line.changes.length
      }
      batches += 1
    })
    const fromNothing = applied.get() === undefined
    const finish = (): void => {
      // The packs do not tell when the last reference went: better too much grace than too little.
      if (fromNothing) tables.blobs.renewGrace(nowMs)
      applied.set(journal.position)
    }
    applyReplay(tables, scratch, { finish, salvage })
    return { batches, changes, cutBytes }
  } finally {
    scratch.close()
  }
}
