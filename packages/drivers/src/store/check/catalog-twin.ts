import type { Disk } from '@holdfast/core/ports/disk.ts'
import { parseLine } from '../../catalog/sqlite/commit/line-text.ts'
import { applyReplay } from '../../catalog/sqlite/commit/replay.ts'
import { ReplayScratch, removeScratch } from '../../catalog/sqlite/commit/replay-scratch.ts'
import { openDatabase } from '../../catalog/sqlite/database.ts'
import { openSearchIndex, openTables, type Tables } from '../../catalog/sqlite/tables.ts'
import { nodeDisk } from '../../disk/node-disk.ts'
import type { JournalPosition } from '../../element/disk/journal.ts'
import { formatLocation } from '../../element/disk/layout.ts'
import { eachPack } from '../../element/disk/pack-files.ts'
import { restIsZero, type ScannedBatch, scanPack } from '../../element/disk/pack-scan.ts'

export interface TwinOptions {
  readonly disk: Disk
  readonly dir: string
  readonly secret: Uint8Array
  readonly catalogPath: string
}

/** The packs do not tell everything, so there is nothing to compare with. */
export class PacksIncomplete extends Error {
  override readonly name = 'PacksIncomplete'
}

const SEARCH_STEP = 1000
const LINES_PER_STEP = 1000

/** A second catalog, made from the packs alone as a rebuild makes it, beside the one in use. */
export class CatalogTwin implements Disposable {
  readonly tables: Tables
  readonly #options: TwinOptions
  readonly #path: string
  #position: JournalPosition | undefined

  constructor(options: TwinOptions) {
    this.#options = options
    this.#path = twinPath(options.catalogPath)
    removeTwin(options.catalogPath)
    const db = openDatabase(this.#path)
    // It is thrown away, whatever happens. SQLite keeps its log all the same (see ReplayScratch).
    db.pragma('synchronous = OFF')
    this.tables = openTables(db)
  }

  /** Applies the packs up to a position. Yields how many change lines each step read. */
  *catchUp(to: JournalPosition): Generator<number> {
    const { db } = this.tables
    const scratch = new ReplayScratch(db, `${this.#path}-replay`)
    let lines = 0
    try {
      for (const batch of this.#batches(to)) {
        for (const { sha256, offset } of batch.bodies) {
          scratch.addBody(sha256, formatLocation({ kind: 'pack', pack: batch.pack, offset }))
        }
        for (const text of batch.lines) scratch.addLine(parseLine(text))
        lines += batch.lines.length
        if (lines < LINES_PER_STEP) continue
        yield lines
        lines = 0
      }
      applyReplay(this.tables, scratch, { finish: () => {} })
    } finally {
      scratch.close()
    }
    this.#position = to
    yield lines
  }

  /** Indexes what the other index has seen, and no more. */
  *catchUpSearch(seq: number): Generator<number> {
    const index = openSearchIndex(this.tables)
    for (let at = index.position(); at < seq; at = index.position()) {
      index.advance(Math.min(SEARCH_STEP, seq - at))
      yield SEARCH_STEP
    }
  }

  *#batches(to: JournalPosition): Generator<ScannedBatch> {
    const { disk, dir, secret } = this.#options
    const from = this.#position ?? { pack: 0, offset: 0 }
    for (const { pack, file } of eachPack(disk, dir)) {
      if (pack < from.pack) continue
      if (pack > to.pack) return
      const start = pack === from.pack ? from.offset : 0
      const batches = scanPack(file, pack, start, { checkBytes: false, secret })
      let at = start
      while (pack < to.pack || at < to.offset) {
        const step = batches.next()
        if (step.done !== true) {
          at = step.value.end
          yield step.value
          continue
        }
        if (pack === to.pack || restIsZero(file, step.value).kind === 'torn') {
          throw new PacksIncomplete(`pack ${pack} proves nothing from ${step.value.at} on`)
        }
        break
      }
    }
  }

  [Symbol.dispose](): void {
    this.tables.db.close()
    removeTwin(this.#options.catalogPath)
  }
}

function twinPath(catalogPath: string): string {
  return `${catalogPath}-check`
}

/** Also for what a process left that was killed while it compared. */
export function removeTwin(catalogPath: string): void {
  const path = twinPath(catalogPath)
  for (const end of ['', '-journal', '-wal', '-shm']) nodeDisk.remove(`${path}${end}`)
  removeScratch(`${path}-replay`)
}
