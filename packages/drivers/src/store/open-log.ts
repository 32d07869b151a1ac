import { HoldfastError } from '@holdfast/core/errors.ts'
import type { Clock } from '@holdfast/core/ports/clock.ts'
import type { Disk } from '@holdfast/core/ports/disk.ts'
import type { Random } from '@holdfast/core/ports/random.ts'
import type { ChangeLine } from '../catalog/sqlite/commit/change-line.ts'
import { applyReplay } from '../catalog/sqlite/commit/replay.ts'
import { ReplayScratch } from '../catalog/sqlite/commit/replay-scratch.ts'
import { openDatabase } from '../catalog/sqlite/database.ts'
import { openTables, type Tables } from '../catalog/sqlite/tables.ts'
import { BlobFiles } from '../element/disk/blob-files.ts'
import { defaultJournal, Journal } from '../element/disk/journal.ts'
import { formatLocation, TEMP } from '../element/disk/layout.ts'
import { AppliedPosition } from './applied-position.ts'
import { Ballast } from './ballast.ts'
import { type AnyTransaction, Committer } from './committer.ts'

export interface LogOptions {
  readonly disk: Disk
  readonly dir: string
  readonly catalogPath: string
  readonly elementId: string
  readonly clock: Clock
  readonly random: Random
  readonly reservedBytes: number
  readonly packBytesMax?: number
  readonly layOutBytes?: number
  readonly transactions: Readonly<Record<string, AnyTransaction>>
}

/** What recovery found, for the log and for `holdfast rebuild`. */
export interface Recovery {
  /** Batches that the catalog had not applied yet. */
  readonly batches: number
  readonly changes: number
  /** Bytes of an unfinished commit that were cut off the last pack. */
  readonly cutBytes: number
  readonly tempsSwept: number
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
  const { disk, dir, clock, random, transactions } = options
  Ballast.makeRoom(disk, dir)
  const db = openDatabase(options.catalogPath)
  try {
    const tables = openTables(db)
    checkElement(tables, options.elementId)
    const tempsSwept = sweepTemps(disk, dir)
    const journal = new Journal({ ...defaultJournal, ...journalOptions(options), disk, dir, clock })
    const applied = new AppliedPosition(db)
    const recovery = recover(
      { tables, journal, applied },
      { scratchPath: `${options.catalogPath}-replay`, nowMs: clock.now() },
    )
    const ballast = new Ballast(disk, dir, options.reservedBytes)
    ballast.lay()
    const files = new BlobFiles(disk, dir)
    const parts = {
      disk,
      dir,
      tables,
      journal,
      files,
      applied,
      ballast,
      clock,
      random,
      transactions,
    }
    return {
      committer: new Committer(parts),
      tables,
      recovery: { ...recovery, tempsSwept },
      close: () => {
        journal.close()
        db.close()
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

function sweepTemps(disk: Disk, dir: string): number {
  let swept = 0
  for (const { name, kind } of disk.list(`${dir}/${TEMP}`)) {
    if (kind === 'file' && disk.remove(`${dir}/${TEMP}/${name}`)) swept += 1
  }
  return swept
}

function recover(
  parts: { tables: Tables; journal: Journal; applied: AppliedPosition },
  { scratchPath, nowMs }: { scratchPath: string; nowMs: number },
): Omit<Recovery, 'tempsSwept'> {
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
        const line: ChangeLine = JSON.parse(text)
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
    applyReplay(tables, scratch, finish)
    return { batches, changes, cutBytes }
  } finally {
    scratch.close()
  }
}
