import { HoldfastError } from '@holdfast/core/errors.ts'
import { newUuid } from '@holdfast/core/ids.ts'
import type { CatalogView, Moment } from '@holdfast/core/ports/catalog.ts'
import type { Clock } from '@holdfast/core/ports/clock.ts'
import type { Disk } from '@holdfast/core/ports/disk.ts'
import type { BlobFacts } from '@holdfast/core/ports/element.ts'
import type { Random } from '@holdfast/core/ports/random.ts'
import type { Blob } from '@holdfast/core/records.ts'
import type { ChangeLine } from '../catalog/sqlite/commit/change-line.ts'
import { lineText } from '../catalog/sqlite/commit/line-text.ts'
import { type CommitContext, SqliteTransaction } from '../catalog/sqlite/commit/transaction.ts'
import { openSearchIndex, type Tables, viewOf } from '../catalog/sqlite/tables.ts'
import { FatalStoreError, isFull } from '../disk/disk-errors.ts'
import type { PackedBody } from '../element/disk/batch.ts'
import type { BlobFiles } from '../element/disk/blob-files.ts'
import { Journal } from '../element/disk/journal.ts'
import { formatLocation, parseLocation } from '../element/disk/layout.ts'
import type { AppliedPosition } from './applied-position.ts'
import type { Ballast } from './ballast.ts'
import type { CatalogRoom } from './catalog-room.ts'
import type { CommitReply, CommitRequest, StagedBytes } from './commit-request.ts'
import { Reclaimer, type ReclaimStep } from './reclaimer.ts'
import { toReplyError } from './reply-error.ts'

/** A named transaction as the committer sees it: any plain data in, any plain data out. */
export type AnyTransaction = (
  tx: SqliteTransaction['port'],
  args: never,
  moment: Moment,
) => Promise<unknown>

export interface CommitterParts {
  readonly disk: Disk
  readonly dir: string
  readonly secret: Uint8Array
  readonly tables: Tables
  readonly journal: Journal
  readonly files: BlobFiles
  readonly applied: AppliedPosition
  readonly ballast: Ballast
  readonly catalogRoom: CatalogRoom
  readonly clock: Clock
  readonly random: Random
  readonly transactions: Readonly<Record<string, AnyTransaction>>
}

interface BatchState {
  readonly bodies: PackedBody[]
  bodyBytes: number
  readonly publish: StagedBytes[]
  readonly lines: ChangeLine[]
  readonly removed: string[]
}

/** A request failed after it had written: the batch runs again, each request in a savepoint. */
class NeedsSavepoints extends Error {}

/**
 * The only writer of a store. A batch of requests becomes one catalog transaction and one batch in
 * the packs, synced once: run → link large files → append and sync → commit → answer. Whatever the
 * catalog loses in a power cut, the packs give back (see recovery in `open-store.ts`).
 */
export class Committer {
  readonly #parts: CommitterParts
  readonly #view: CatalogView
  readonly #search
  readonly #reclaimer: Reclaimer
  readonly #begin
  readonly #end
  readonly #undo
  readonly #savepoint
  readonly #release
  readonly #rollbackTo
  #seq: number
  #failed: FatalStoreError | undefined

  constructor(parts: CommitterParts) {
    this.#parts = parts
    this.#view = viewOf(parts.tables)
    this.#search = openSearchIndex(parts.tables)
    this.#reclaimer = new Reclaimer(parts)
    this.#begin = parts.tables.db.prepare('BEGIN IMMEDIATE')
    this.#end = parts.tables.db.prepare('COMMIT')
    this.#undo = parts.tables.db.prepare('ROLLBACK')
    this.#savepoint = parts.tables.db.prepare('SAVEPOINT request')
    this.#release = parts.tables.db.prepare('RELEASE request')
    this.#rollbackTo = parts.tables.db.prepare('ROLLBACK TO request')
    this.#seq = parts.tables.changes.latest()
  }

  /** Answers every request; never throws. After a fatal error all answers are OUTCOME_UNKNOWN. */
  async run(requests: readonly CommitRequest[]): Promise<CommitReply[]> {
    if (this.#failed !== undefined) {
      const error = toReplyError(this.#failed)
      return requests.map(() => ({ ok: false, error }))
    }
    try {
      return await this.#commit(requests)
    } catch (error) {
      if (error instanceof FatalStoreError) return this.#fail(requests, error)
      if (requests.length === 1) return [{ ok: false, error: toReplyError(error) }]
    }
    // Something of the whole batch failed cleanly, such as a full disk. Alone, the small ones may
    // still get through, deletes above all.
    const replies: CommitReply[] = []
    for (const request of requests) replies.push(...(await this.run([request])))
    return replies
  }

  /** One step of giving space back; to be called again while there is more. */
  reclaim(): ReclaimStep {
    if (this.#failed !== undefined) throw this.#failed
    try {
      return this.#reclaimer.step()
    } catch (error) {
      this.#reclaimer.reset()
      if (error instanceof FatalStoreError) this.#failed = error
      else if (isFull(error) && this.#parts.ballast.release()) return this.reclaim()
      throw error
    }
  }

  /** What can wait until nobody does: lays the ballast again when there is room. */
  rest(): void {
    const { ballast } = this.#parts
    if (ballast.held) return
    try {
      ballast.lay()
    } catch {
      // Still no room; the next rest tries again.
    }
  }

  /** Brings the search index up to date; true when more is waiting than one step took. */
  advanceSearch(limit: number): boolean {
    return this.#search.advance(limit)
  }

  #fail(requests: readonly CommitRequest[], error: FatalStoreError): CommitReply[] {
    this.#failed = error
    const reply = toReplyError(error)
    return requests.map(() => ({ ok: false, error: reply }))
  }

  /**
   * A savepoint costs a copy of every page that is touched, and few requests fail after their first
   * write. So all run without; if one does fail so, everything is taken back and runs again with.
   */
  async #commit(requests: readonly CommitRequest[]): Promise<CommitReply[]> {
    try {
      return await this.#commitAll(requests, false)
    } catch (error) {
      if (!(error instanceof NeedsSavepoints)) throw error
    }
    return await this.#commitAll(requests, true)
  }

  async #commitAll(
    requests: readonly CommitRequest[],
    savepoints: boolean,
  ): Promise<CommitReply[]> {
    const { journal, ballast, catalogRoom } = this.#parts
    catalogRoom.begin()
    const seqBefore = this.#seq
    const replies: CommitReply[] = []
    const batch: BatchState = { bodies: [], bodyBytes: 0, publish: [], lines: [], removed: [] }
    journal.roomFor(upperBound(requests))
    this.#begin.run()
    try {
      for (const request of requests) {
        replies.push(await this.#runOne(request, batch, savepoints))
      }
      if (batch.lines.length + batch.bodies.length + batch.publish.length === 0) {
        this.#rollback(seqBefore)
        return replies
      }
      await this.#makeDurable(batch)
    } catch (error) {
      this.#rollback(seqBefore)
      // Only what brings no bytes may use the space held back: deletes, collection, metadata.
      const light = requests.every(({ staged }) => staged.length === 0)
      if (light && isFull(error) && ballast.release()) {
        return await this.#commitAll(requests, savepoints)
      }
      throw error
    }
    this.#commitCatalog(batch)
    this.#removeBytes(batch.removed)
    return replies
  }

  async #runOne(
    request: CommitRequest,
    batch: BatchState,
    savepoint: boolean,
  ): Promise<CommitReply> {
    const { tables, clock, random, transactions } = this.#parts
    const transaction = Object.hasOwn(transactions, request.name)
      ? transactions[request.name]
      : undefined
    if (transaction === undefined) {
      const unknown = new HoldfastError('INTERNAL', {}, { cause: `transaction ${request.name}` })
      return { ok: false, error: toReplyError(unknown) }
    }
    const draft: BatchState = { ...batch, bodies: [], publish: [], lines: [], removed: [] }
    const at = new Date(clock.now()).toISOString()
    const { actor, requestId } = request
    const context: CommitContext = {
      at,
      actor,
      requestId,
      seq: this.#seq,
      place: facts => this.#place(facts, request, draft),
      isPresent: blob => this.#isPresent(blob, request),
      replaces: sha256 => request.staged.some(one => one.sha256 === sha256 && one.replaces),
    }
    const moment: Moment = { now: at, actor, newId: () => newUuid(clock, random) }
    tables.counters.begin()
    if (savepoint) this.#savepoint.run()
    const tx = new SqliteTransaction(tables, this.#view, context)
    try {
      // The arguments are what the same module's wrapper of that name passed in.
      const result = await transaction(tx.port, request.args as never, moment)
      const written = tx.end()
      tables.blobs.settle()
      if (savepoint) this.#release.run()
      this.#seq = context.seq
      batch.bodies.push(...draft.bodies)
      batch.bodyBytes = draft.bodyBytes
      batch.publish.push(...draft.publish)
      if (written?.line !== undefined) {
        batch.lines.push(written.line)
        batch.removed.push(...written.removedBlobs)
      }
      return { ok: true, result, touched: written?.touched ?? null }
    } catch (error) {
      tx.end()
      // Some failures, a full disk among them, end SQLite's whole transaction.
      if (isFull(error) || !tables.db.inTransaction) throw error
      if (tx.wrote && !savepoint) throw new NeedsSavepoints()
      if (savepoint) this.#takeBack()
      return { ok: false, error: toReplyError(error) }
    }
  }

  #takeBack(): void {
    this.#rollbackTo.run()
    this.#release.run()
    this.#parts.tables.counters.undo()
    this.#forget()
  }

  #forget(): void {
    const { words, buckets, quotas, blobs } = this.#parts.tables
    words.forget()
    buckets.forget()
    quotas.forget()
    blobs.forget()
  }

  /** Decides where staged bytes will lie, and takes them into the batch. */
  #place(facts: BlobFacts, request: CommitRequest, draft: BatchState): string {
    const staged = request.staged.find(bytes => bytes.sha256 === facts.sha256)
    if (staged === undefined) {
      throw new HoldfastError('INTERNAL', {}, { cause: `no staged bytes for ${facts.sha256}` })
    }
    if (staged.body === null) {
      draft.publish.push(staged)
      return formatLocation({ kind: 'file', sha256: staged.sha256 })
    }
    const place = this.#parts.journal.locate(draft.bodyBytes)
    draft.bodies.push({ sha256: staged.sha256, bytes: staged.body })
    draft.bodyBytes += Journal.bodyBytes(staged.size)
    return formatLocation({ kind: 'pack', ...place })
  }

  /**
   * Shared bytes are looked at before a version relies on them: a file when it was staged and by
   * its size here, a packed body byte by byte. What this batch itself brings is there by its end.
   */
  #isPresent(blob: Blob, request: CommitRequest): boolean {
    const { journal, files } = this.#parts
    const location = parseLocation(blob.location)
    const staged = request.staged.find(({ sha256 }) => sha256 === blob.sha256)
    if (location.kind === 'file') {
      return staged?.replaces !== true && files.sizeOf(location.sha256) === blob.size
    }
    const { position } = journal
    if (location.pack === position.pack && location.offset >= position.offset) return true
    const body = staged?.body
    return body === undefined || body === null || journal.holds(location, body)
  }

  async #makeDurable(batch: BatchState): Promise<void> {
    const { tables, journal, files, applied, catalogRoom } = this.#parts
    tables.counters.flush()
    const lines = batch.lines.map(lineText)
    catalogRoom.reserve(lines, batch.bodies.length + batch.publish.length > 0)
    try {
      for (const staged of batch.publish) {
        if (staged.temp === null)
          throw new Error('staged bytes are neither in memory nor in a file')
        files.publish(staged.temp, staged)
      }
      await files.sync()
    } catch (error) {
      files.forget()
      throw error
    }
    journal.append({ bodies: batch.bodies, lines })
    try {
      applied.set(journal.position)
    } catch (error) {
      throw new FatalStoreError('the catalog failed after the log was synced', { cause: error })
    }
  }

  /**
   * The batch is in the log, so it has happened. If the catalog cannot follow, the process must
   * come back through recovery, which applies the batch from the log.
   */
  #commitCatalog(batch: BatchState): void {
    try {
      this.#commitOrMakeRoom()
    } catch (error) {
      const cause = new Error(`${batch.lines.length} transactions are in the log`, { cause: error })
      throw new FatalStoreError('the catalog could not commit', { cause })
    }
  }

  #commitOrMakeRoom(): void {
    const { db } = this.#parts.tables
    try {
      this.#end.run()
    } catch (error) {
      if (!isFull(error) || !db.inTransaction || !this.#parts.ballast.release()) throw error
      this.#end.run()
    }
  }

  #rollback(seq: number): void {
    const { tables } = this.#parts
    try {
      if (tables.db.inTransaction) this.#undo.run()
    } finally {
      this.#seq = seq
      tables.counters.clear()
      this.#forget()
    }
  }

  /** Unlinks what was removed, unless a later transaction of the batch brought it back. */
  #removeBytes(removed: readonly string[]): void {
    const { tables, files } = this.#parts
    for (const sha256 of removed) {
      if (tables.blobs.get(sha256) !== undefined) continue
      try {
        files.remove(sha256)
      } catch {
        // The bytes stay as an orphan; the sweep takes them later.
      }
    }
  }
}

function upperBound(requests: readonly CommitRequest[]): number {
  let bytes = 0
  for (const { staged } of requests) {
    for (const { body } of staged) bytes += body === null ? 0 : Journal.bodyBytes(body.length)
  }
  return bytes
}
