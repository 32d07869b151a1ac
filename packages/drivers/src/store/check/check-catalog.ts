import type { RecordFault } from '@holdfast/core/ports/catalog.ts'
import { openDatabase, type SqliteDatabase } from '../../catalog/sqlite/database.ts'
import { AppliedPosition } from '../applied-position.ts'
import { CatalogTwin, PacksIncomplete, type TwinOptions } from './catalog-twin.ts'
import { compareRows, compareSearch } from './compare-rows.ts'
import { comparedRows } from './compared-rows.ts'

export interface CheckOptions extends TwinOptions {
  readonly elementId: string
  /** Free space that the comparison may not touch. */
  readonly reservedBytes: number
}

/** A fault, or how many records were looked at since the last step. */
export type CheckStep = RecordFault | number

/** Beyond them it is told once that there are more. */
const FAULTS_MAX = 1000
/** The twin, and what the packs tell while it is made, beside the catalog. */
const SPACE_FACTOR = 3
/** So often the twin catches up before the catalog is held still to be compared. */
const ROUNDS = 2

/**
 * Compares the catalog with what a rebuild would make of the packs: a second catalog is made beside
 * it, and every record of both is held together at one moment. SQLite's pages have no checksums,
 * so nothing else notices a flipped bit. Other connections may commit meanwhile; packs must not be
 * rewritten.
 */
export function* checkCatalog(options: CheckOptions): Generator<CheckStep> {
  const db = openDatabase(options.catalogPath, { readonly: true, cacheBytes: 8 * 1024 * 1024 })
  try {
    let faults = 0
    for (const step of allSteps(db, options)) {
      if (typeof step !== 'number') faults += 1
      if (faults > FAULTS_MAX) {
        yield { place: 'catalog', problem: 'there are more differences; a rebuild mends them' }
        return
      }
      yield step
    }
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error)
    yield { place: 'catalog', problem: `it cannot be compared with the packs: ${reason}` }
  } finally {
    db.close()
  }
}

function* allSteps(db: SqliteDatabase, options: CheckOptions): Generator<CheckStep> {
  const shortage = shortageOf(db, options)
  if (shortage !== undefined) {
    yield shortage
    return
  }
  const applied = new AppliedReader(db)
  using twin = new CatalogTwin(options)
  // Catalogs that a reader holds still cannot shorten their WAL, so that comes last.
  for (let round = 0; round < ROUNDS; round += 1) yield* twin.catchUp(applied.get())
  db.exec('BEGIN')
  yield* twin.catchUp(applied.get())
  yield* structure(db, options.elementId)
  for (const compared of comparedRows) {
    for (const { rows, differs } of compareRows([db, twin.tables.db], compared)) {
      yield rows
      if (differs !== undefined) yield fault(`${compared.table}:${differs}`)
    }
  }
  yield* search(db, twin)
  db.exec('COMMIT')
}

function* structure(db: SqliteDatabase, elementId: string): Generator<CheckStep> {
  const found = db.prepare<[], string>('PRAGMA integrity_check(100)').pluck().all()
  for (const problem of found) {
    if (problem !== 'ok') yield { place: 'catalog', problem: `${problem}; a rebuild mends it` }
  }
  const element = db.prepare("SELECT value FROM state WHERE name = 'element'").pluck().get()
  if (element !== elementId) yield fault('element')
}

function* search(db: SqliteDatabase, twin: CatalogTwin): Generator<CheckStep> {
  const position = db
    .prepare<[], number>("SELECT value FROM state WHERE name = 'search_seq'")
    .pluck()
    .get()
  yield* twin.catchUpSearch(position ?? 0)
  const waiting = db
    .prepare<[number], number>('SELECT asset FROM changes WHERE seq > ? AND asset IS NOT NULL')
    .pluck()
    .all(position ?? 0)
  if (!(yield* compareSearch([db, twin.tables.db], new Set(waiting)))) yield fault('search')
}

function shortageOf(db: SqliteDatabase, options: CheckOptions): RecordFault | undefined {
  const pages = Number(db.pragma('page_count', { simple: true }))
  const needed = SPACE_FACTOR * pages * Number(db.pragma('page_size', { simple: true }))
  const free = options.disk.space(options.dir).freeBytes - options.reservedBytes
  if (free >= needed) return undefined
  const problem = `comparing it with the packs takes ${needed} bytes, of which ${free} are free`
  return { place: 'catalog', problem }
}

function fault(name: string): RecordFault {
  return { place: `catalog:${name}`, problem: 'not as the packs tell it; a rebuild mends it' }
}

/** Where the catalog stands in the packs. */
class AppliedReader {
  readonly #applied: AppliedPosition

  constructor(db: SqliteDatabase) {
    this.#applied = new AppliedPosition(db)
  }

  get() {
    const position = this.#applied.get()
    if (position === undefined) throw new PacksIncomplete('it does not say where it stands')
    return position
  }
}
