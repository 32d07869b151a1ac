import type { SqliteDatabase } from '../../catalog/sqlite/database.ts'
import { openSearchWords } from '../../catalog/sqlite/rooms/search/search-terms.ts'
import type { ComparedRows } from './compared-rows.ts'

type Value = string | number | bigint | Buffer | null
type Row = readonly Value[]

const ROWS_PER_STEP = 1000

/** What one step found: records that differ, by key, and how many rows it looked at. */
export interface CompareStep {
  readonly differs?: string
  readonly rows: number
}

/** Walks the rows of two catalogs side by side, in the order of their keys. */
export function* compareRows(
  catalogs: readonly [SqliteDatabase, SqliteDatabase],
  { sql, keys }: ComparedRows,
): Generator<CompareStep> {
  const [left, right] = catalogs.map(db => db.prepare<[], Row>(sql).raw().iterate())
  if (left === undefined || right === undefined) return
  try {
    let rows = 0
    let a = next(left)
    let b = next(right)
    while (a !== undefined || b !== undefined) {
      const order = a === undefined ? 1 : b === undefined ? -1 : compareKeys(a, b, keys)
      const isSame = order === 0 && a !== undefined && b !== undefined && isEqual(a, b)
      rows += 1
      if (!isSame || rows === ROWS_PER_STEP) {
        yield isSame ? { rows } : { rows, differs: nameOf((order <= 0 ? a : b) ?? [], keys) }
        rows = 0
      }
      if (order <= 0) a = next(left)
      if (order >= 0) b = next(right)
    }
    yield { rows }
  } finally {
    left.return?.()
    right.return?.()
  }
}

/**
 * The words of the full-text index with their places. True where they are the same but for
 * documents that the index has still to look at again.
 */
export function* compareSearch(
  catalogs: readonly [SqliteDatabase, SqliteDatabase],
  waiting: ReadonlySet<Value>,
): Generator<number, boolean> {
  const [left, right] = catalogs.map(db => {
    openSearchWords(db)
    // Words of an asset that is gone may stay behind; no search finds them.
    const words = `SELECT term, doc, col, offset FROM search_words
      WHERE EXISTS (SELECT 1 FROM main.assets WHERE created_seq = doc)`
    return db.prepare<[], Row>(words).raw().iterate()
  })
  if (left === undefined || right === undefined) return false
  try {
    for (let rows = 1; ; rows += 1) {
      const a = nextOf(left, waiting)
      const b = nextOf(right, waiting)
      if (a === undefined || b === undefined) return a === b
      if (!isEqual(a, b)) return false
      if (rows % ROWS_PER_STEP === 0) yield ROWS_PER_STEP
    }
  } finally {
    left.return?.()
    right.return?.()
  }
}

function next(rows: Iterator<Row>): Row | undefined {
  const step = rows.next()
  return step.done === true ? undefined : step.value
}

function nextOf(rows: Iterator<Row>, waiting: ReadonlySet<Value>): Row | undefined {
  for (;;) {
    const row = next(rows)
    if (row === undefined || !waiting.has(row[1] ?? null)) return row
  }
}

function isEqual(a: Row, b: Row): boolean {
  return a.length === b.length && a.every((value, at) => isSame(value, b[at] ?? null))
}

function isSame(a: Value, b: Value): boolean {
  return a === b || (Buffer.isBuffer(a) && Buffer.isBuffer(b) && a.equals(b))
}

function compareKeys(a: Row, b: Row, keys: number): number {
  for (let at = 0; at < keys; at += 1) {
    const order = compareValues(a[at] ?? null, b[at] ?? null)
    if (order !== 0) return order
  }
  return 0
}

/** As SQLite orders them: NULL, numbers, text by its UTF-8 bytes, bytes. */
function compareValues(a: Value, b: Value): number {
  if (isSame(a, b)) return 0
  const [rankA, rankB] = [rankOf(a), rankOf(b)]
  if (rankA !== rankB) return rankA - rankB
  if (typeof a === 'number' && typeof b === 'number') return a - b
  return Buffer.compare(bytesOf(a), bytesOf(b))
}

function rankOf(value: Value): number {
  if (value === null) return 0
  if (typeof value === 'number' || typeof value === 'bigint') return 1
  return typeof value === 'string' ? 2 : 3
}

function bytesOf(value: Value): Buffer {
  return Buffer.isBuffer(value) ? value : Buffer.from(String(value))
}

function nameOf(row: Row, keys: number): string {
  const parts = row.slice(0, keys).map(value => {
    return Buffer.isBuffer(value) ? value.toString('hex') : String(value)
  })
  return parts.join(':')
}
