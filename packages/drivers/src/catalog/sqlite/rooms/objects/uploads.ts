import type { MultipartUpload, UploadPart } from '@holdfast/core/objects.ts'
import type {
  UploadEntry,
  UploadQuery,
  UploadQuestions,
} from '@holdfast/core/ports/object-questions.ts'
import type { SqliteDatabase } from '../../database.ts'
import { fromHex, parseRecord, toMs } from '../../row-values.ts'
import { Statements } from '../../statements.ts'
import type { Buckets } from '../buckets.ts'
import { afterPrefix, commonPrefix, type KeyRange, keyRange } from './key-range.ts'

/** Multipart uploads under way, and their parts. */
export class Uploads implements UploadQuestions {
  readonly #buckets: Buckets
  readonly #statements: Statements
  readonly #byId
  readonly #part
  readonly #parts
  readonly #abandoned
  readonly #count
  readonly #put
  readonly #putPart
  readonly #remove
  readonly #removeParts

  constructor(db: SqliteDatabase, buckets: Buckets) {
    this.#buckets = buckets
    this.#statements = new Statements(db)
    this.#byId = db.prepare<[string], string>('SELECT record FROM uploads WHERE id = ?').pluck()
    const parts = `SELECT p.record FROM parts p JOIN uploads u ON u.created_seq = p.upload
      WHERE u.id = ?`
    this.#part = db.prepare<[string, number], string>(`${parts} AND p.number = ?`).pluck()
    this.#parts = db
      .prepare<[string, number, number], string>(
        `${parts} AND p.number > ? ORDER BY p.number LIMIT ?`,
      )
      .pluck()
    this.#abandoned = db
      .prepare<[number, number, number], string>(
        `SELECT record FROM uploads u WHERE created_at < ? AND NOT EXISTS (
           SELECT 1 FROM parts p WHERE p.upload = u.created_seq AND p.created_at >= ?
         ) ORDER BY created_at LIMIT ?`,
      )
      .pluck()
    this.#count = db.prepare<[], number>('SELECT count(*) FROM uploads').pluck()
    this.#put = db.prepare(
      `INSERT INTO uploads (created_seq, id, bucket, key, created_at, record)
       VALUES (?, ?, ?, ?, ?, ?) ON CONFLICT (id) DO UPDATE SET record = excluded.record`,
    )
    this.#putPart = db.prepare(
      `INSERT OR REPLACE INTO parts (upload, number, created_at, sha256, record)
       SELECT created_seq, ?, ?, ?, ? FROM uploads WHERE id = ?`,
    )
    this.#remove = db.prepare('DELETE FROM uploads WHERE id = ?')
    this.#removeParts = db.prepare(
      'DELETE FROM parts WHERE upload = (SELECT created_seq FROM uploads WHERE id = ?)',
    )
  }

  byId(id: string): MultipartUpload | undefined {
    return recordOf<MultipartUpload>(this.#byId.get(id))
  }

  part(uploadId: string, number: number): UploadPart | undefined {
    return recordOf<UploadPart>(this.#part.get(uploadId, number))
  }

  parts(query: { uploadId: string; after?: number; limit: number }): UploadPart[] {
    const { uploadId, after = 0, limit } = query
    return this.#parts.all(uploadId, after, limit).map(text => parseRecord<UploadPart>(text))
  }

  abandoned({ before, limit }: { before: string; limit: number }): MultipartUpload[] {
    const ms = toMs(before)
    return this.#abandoned.all(ms, ms, limit).map(text => parseRecord<MultipartUpload>(text))
  }

  count(): number {
    return this.#count.get() ?? 0
  }

  list(query: UploadQuery): UploadEntry[] {
    const entries: UploadEntry[] = []
    const bucket = this.#buckets.no(query.bucketId)
    if (bucket === undefined || query.limit < 1) return entries
    const { after, afterSeq, prefix = '' } = query
    const range = keyRange(query)
    const within = after !== undefined && afterSeq !== undefined && after.startsWith(prefix)
    let next: string | undefined =
      within && commonPrefix(after, query) === undefined ? after : range.from
    while (next !== undefined) {
      const rows: Iterable<UploadRow> = this.#rows(bucket, { from: next, to: range.to }, query)
      next = undefined
      for (const row of rows) {
        const group = commonPrefix(row.key, query)
        entries.push(
          group === undefined
            ? { upload: parseRecord<MultipartUpload>(row.record) }
            : { prefix: group },
        )
        if (entries.length >= query.limit) return entries
        if (group === undefined) continue
        next = afterPrefix(group)
        break
      }
    }
    return entries
  }

  put(upload: MultipartUpload): void {
    const bucket = this.#buckets.no(upload.bucketId)
    if (bucket === undefined) throw new Error(`the catalog has no bucket ${upload.bucketId}`)
    const { createdSeq, id, key, createdAt } = upload
    this.#put.run(createdSeq, id, bucket, key, toMs(createdAt), JSON.stringify(upload))
  }

  putPart(part: UploadPart): void {
    const { number, createdAt, sha256, uploadId } = part
    const record = JSON.stringify(part)
    const { changes } = this.#putPart.run(
      number,
      toMs(createdAt),
      fromHex(sha256),
      record,
      uploadId,
    )
    if (changes !== 1) throw new Error(`the catalog has no upload ${uploadId}`)
  }

  remove(id: string): void {
    this.#removeParts.run(id)
    this.#remove.run(id)
  }

  #rows(
    bucket: number,
    { from, to }: KeyRange,
    { after, afterSeq }: UploadQuery,
  ): Iterable<UploadRow> {
    const values: unknown[] = [bucket, from]
    let sql = 'SELECT key, record FROM uploads WHERE bucket = ? AND key >= ?'
    if (to !== undefined) {
      sql += ' AND key < ?'
      values.push(to)
    }
    if (after !== undefined && afterSeq !== undefined) {
      sql += ' AND (key <> ? OR created_seq > ?)'
      values.push(after, afterSeq)
    }
    return this.#statements.iterate<UploadRow>(`${sql} ORDER BY key, created_seq`, values)
  }
}

interface UploadRow {
  readonly key: string
  readonly record: string
}

function recordOf<T>(text: string | undefined): T | undefined {
  return text === undefined ? undefined : parseRecord<T>(text)
}
