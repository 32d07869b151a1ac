import type { BlobQuestions } from '@holdfast/core/ports/catalog.ts'
import type { BlobPlace } from '@holdfast/core/ports/element.ts'
import type { Blob } from '@holdfast/core/records.ts'
import type { SqliteDatabase } from '../database.ts'
import { fromHex, toHexText, toIsoOrNull, toMs } from '../row-values.ts'

interface BlobRow {
  sha256: Buffer
  size: number
  location: string
  block_bytes: number
  sums: Buffer
  refs: number
  dead_since: number | null
}

const COLUMNS = 'sha256, size, location, block_bytes, sums, refs, dead_since'

type NewBlob = Omit<Blob, 'references' | 'deadSince'>

/**
 * Blobs and their reference counts: a count is the number of version rows with the digest. The
 * last new blob waits in memory for its first reference, so that both are one write.
 */
export class Blobs implements BlobQuestions {
  readonly #get
  readonly #list
  readonly #dead
  readonly #totals
  readonly #insert
  readonly #move
  readonly #refer
  readonly #release
  readonly #remove
  readonly #byPack
  readonly #renew
  #fresh: { readonly blob: NewBlob; readonly atMs: number } | undefined

  constructor(db: SqliteDatabase) {
    const select = `SELECT ${COLUMNS} FROM blobs`
    this.#get = db.prepare<[Buffer], BlobRow>(`${select} WHERE sha256 = ?`)
    this.#list = db.prepare<[Buffer, number], BlobRow>(
      `${select} WHERE sha256 > ? ORDER BY sha256 LIMIT ?`,
    )
    this.#dead = db.prepare<[number, number], BlobRow>(
      `${select} WHERE dead_since IS NOT NULL AND dead_since < ? ORDER BY dead_since LIMIT ?`,
    )
    this.#totals = db.prepare<
      [],
      { blobs: number; bytes: number; dead: number; deadBlobs: number }
    >(
      `SELECT count(*) AS blobs, coalesce(sum(size), 0) AS bytes,
       coalesce(sum(CASE WHEN refs = 0 THEN size END), 0) AS dead,
       coalesce(sum(refs = 0), 0) AS deadBlobs FROM blobs`,
    )
    this.#insert = db.prepare(
      `INSERT INTO blobs (${COLUMNS}) VALUES (?, ?, ?, ?, ?, ?, ?) ON CONFLICT DO NOTHING`,
    )
    this.#move = db.prepare('UPDATE blobs SET location = ? WHERE sha256 = ?')
    this.#refer = db.prepare('UPDATE blobs SET refs = refs + 1, dead_since = NULL WHERE sha256 = ?')
    this.#release = db.prepare(
      `UPDATE blobs SET refs = refs - 1, dead_since = CASE WHEN refs = 1 THEN ? END
       WHERE sha256 = ? AND refs > 0`,
    )
    this.#remove = db.prepare('DELETE FROM blobs WHERE sha256 = ? AND refs = 0')
    this.#renew = db.prepare('UPDATE blobs SET dead_since = ? WHERE refs = 0')
    this.#byPack = db.prepare<[], { pack: number; bytes: number }>(
      `SELECT CAST(substr(location, 6, instr(substr(location, 6), ':') - 1) AS INTEGER) AS pack,
       sum(size) AS bytes FROM blobs WHERE location LIKE 'pack:%' GROUP BY 1`,
    )
  }

  get(sha256: string): Blob | undefined {
    if (this.#fresh?.blob.sha256 === sha256) this.settle()
    const row = this.#get.get(fromHex(sha256))
    return row === undefined ? undefined : blobOf(row)
  }

  place(sha256: string): BlobPlace | undefined {
    const row = this.#get.get(fromHex(sha256))
    if (row === undefined) return undefined
    const { size, location, block_bytes: blockBytes, sums } = row
    return { sha256, size, location, blockBytes, sums }
  }

  list(query: { after?: string; limit: number }): Blob[] {
    this.settle()
    return this.#list.all(fromHex(query.after ?? ''), query.limit).map(blobOf)
  }

  dead(query: { before: string; limit: number }): Blob[] {
    this.settle()
    return this.#dead.all(toMs(query.before), query.limit).map(blobOf)
  }

  totals(): { blobs: number; bytes: number; dead: number; deadBlobs: number } {
    this.settle()
    return this.#totals.get() ?? { blobs: 0, bytes: 0, dead: 0, deadBlobs: 0 }
  }

  /** A new blob has no references yet, so it counts as dead until a version refers to it. */
  insert(blob: NewBlob, atMs: number): void {
    this.settle()
    this.#fresh = { blob, atMs }
  }

  /** Writes the blob that waits. Called before the end of every transaction. */
  settle(): void {
    if (this.#fresh === undefined) return
    const { blob, atMs } = this.#fresh
    this.#fresh = undefined
    this.#add(blob, 0, atMs)
  }

  /** After a rollback. */
  forget(): void {
    this.#fresh = undefined
  }

  /** False when it is there already. */
  #add(blob: NewBlob, references: number, deadSinceMs: number | null): boolean {
    const { sha256, size, location, blockBytes, sums } = blob
    const values = [size, location, blockBytes, Buffer.from(sums), references, deadSinceMs]
    return this.#insert.run(fromHex(sha256), ...values).changes === 1
  }

  move(sha256: string, location: string): void {
    this.settle()
    this.#move.run(location, fromHex(sha256))
  }

  refer(sha256: string): void {
    const fresh = this.#fresh
    if (fresh?.blob.sha256 === sha256) {
      this.#fresh = undefined
      if (this.#add(fresh.blob, 1, null)) return
    }
    if (this.#refer.run(fromHex(sha256)).changes !== 1) {
      throw new Error(`a version refers to blob ${sha256}, which the catalog does not have`)
    }
  }

  release(sha256: string, atMs: number): void {
    this.settle()
    if (this.#release.run(atMs, fromHex(sha256)).changes !== 1) {
      throw new Error(`the reference count of blob ${sha256} would fall below zero`)
    }
  }

  /** Starts the grace period of every blob without references anew. */
  renewGrace(atMs: number): void {
    this.settle()
    this.#renew.run(atMs)
  }

  /** Bytes of kept blobs in each pack. Reads the whole table. */
  liveBytesByPack(): Map<number, number> {
    this.settle()
    return new Map(this.#byPack.all().map(({ pack, bytes }) => [pack, bytes]))
  }

  /** False when it is still referenced. */
  remove(sha256: string): boolean {
    this.settle()
    return this.#remove.run(fromHex(sha256)).changes === 1
  }
}

function blobOf(row: BlobRow): Blob {
  return {
    sha256: toHexText(row.sha256),
    size: row.size,
    location: row.location,
    blockBytes: row.block_bytes,
    sums: row.sums,
    references: row.refs,
    deadSince: toIsoOrNull(row.dead_since),
  }
}
