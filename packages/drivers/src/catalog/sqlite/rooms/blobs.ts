import type { BlobPart } from '@holdfast/core/objects.ts'
import type { BlobQuestions, StoredPlace } from '@holdfast/core/ports/catalog.ts'
import type { Blob } from '@holdfast/core/records.ts'
import type { SqliteDatabase } from '../database.ts'
import { fromHex, hexColumn, toIsoOrNull, toMs } from '../row-values.ts'
import { COMPOSED, ComposedBlobs } from './objects/composed-blobs.ts'

interface BlobRow {
  sha256_hex: string
  size: number
  location: string
  block_bytes: number
  sums: Buffer
  refs: number
  dead_since: number | null
}

const OTHERS = 'size, location, block_bytes, sums, refs, dead_since'

type NewBlob = Omit<Blob, 'references' | 'deadSince'>

/**
 * Blobs and their reference counts: a count is the number of versions, of parts of uploads and of
 * places in composed blobs that have the digest. The last new blob waits in memory for its first
 * reference, so that both are one write.
 */
export class Blobs implements BlobQuestions {
  readonly #get
  readonly #list
  readonly #dead
  readonly #totals
  readonly #insert
  readonly #move
  readonly #describe
  readonly #refer
  readonly #release
  readonly #remove
  readonly #byPack
  readonly #renew
  readonly #composed: ComposedBlobs
  #fresh: { readonly blob: NewBlob; readonly atMs: number } | undefined

  constructor(db: SqliteDatabase) {
    this.#composed = new ComposedBlobs(db)
    const select = `SELECT ${hexColumn('sha256')}, ${OTHERS} FROM blobs`
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
      `SELECT count(*) AS blobs, coalesce(sum(iif(block_bytes = 0, 0, size)), 0) AS bytes,
       coalesce(sum(iif(refs = 0 AND block_bytes > 0, size, 0)), 0) AS dead,
       coalesce(sum(refs = 0), 0) AS deadBlobs FROM blobs`,
    )
    this.#insert = db.prepare(
      `INSERT INTO blobs (sha256, ${OTHERS}) VALUES (?, ?, ?, ?, ?, ?, ?) ON CONFLICT DO NOTHING`,
    )
    this.#describe = db.prepare(
      'UPDATE blobs SET location = ?, block_bytes = ?, sums = ? WHERE sha256 = ?',
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
    return row === undefined ? undefined : this.#blobOf(row)
  }

  place(sha256: string): StoredPlace | undefined {
    if (this.#fresh?.blob.sha256 === sha256) this.settle()
    const row = this.#get.get(fromHex(sha256))
    if (row === undefined) return undefined
    const { size, location, block_bytes: blockBytes, sums } = row
    const place = { sha256, size, location, blockBytes, sums }
    if (!location.startsWith(COMPOSED)) return place
    return { ...place, parts: this.#composed.partsOf(sha256) }
  }

  list(query: { after?: string; limit: number }): Blob[] {
    this.settle()
    return this.#list.all(fromHex(query.after ?? ''), query.limit).map(row => this.#blobOf(row))
  }

  dead(query: { before: string; limit: number }): Blob[] {
    this.settle()
    return this.#dead.all(toMs(query.before), query.limit).map(row => this.#blobOf(row))
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

  /** Makes a new blob, or one whose own bytes are lost, one of the bytes of others. */
  compose(sha256: string, size: number, { parts, atMs }: Composition): void {
    this.settle()
    this.settle()
    const location = COMPOSED + sha256
    const blob = { sha256, size, location, blockBytes: 0, sums: Buffer.alloc(0) }
    if (!this.#add(blob, 0, atMs)) this.#describe.run(location, 0, blob.sums, fromHex(sha256))
    this.#composed.put(sha256, parts)
  }

  /** Gives a composed blob bytes of its own. Its parts are for the caller to release. */
  fill({ sha256, location, blockBytes, sums }: NewBlob): void {
    this.settle()
    this.#describe.run(location, blockBytes, Buffer.from(sums), fromHex(sha256))
    this.#composed.remove(sha256)
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

  forgetParts(sha256: string): void {
    this.#composed.remove(sha256)
  }

  #blobOf(row: BlobRow): Blob {
    const blob = blobOf(row)
    if (!row.location.startsWith(COMPOSED)) return blob
    return { ...blob, parts: this.#composed.partsOf(blob.sha256) }
  }
}

export interface Composition {
  readonly parts: readonly BlobPart[]
  readonly atMs: number
}

function blobOf(row: BlobRow): Blob {
  return {
    sha256: row.sha256_hex,
    size: row.size,
    location: row.location,
    blockBytes: row.block_bytes,
    sums: row.sums,
    references: row.refs,
    deadSince: toIsoOrNull(row.dead_since),
  }
}
