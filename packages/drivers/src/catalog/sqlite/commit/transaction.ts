import { hash } from 'node:crypto'
import { filedEntry } from '@holdfast/core/audit-entries.ts'
import { HoldfastError } from '@holdfast/core/errors.ts'
import {
  type AuditEntry,
  type AuditLink,
  type AuditRow,
  auditText,
} from '@holdfast/core/identities.ts'
import type {
  CatalogPuts,
  CatalogRemovals,
  CatalogTransaction,
  CatalogView,
  ComposedBlob,
  NewChange,
  Touched,
} from '@holdfast/core/ports/catalog.ts'
import type { BlobFacts } from '@holdfast/core/ports/element.ts'
import type { Blob } from '@holdfast/core/records.ts'
import { encodeParts } from '../rooms/objects/composed-blobs.ts'
import type { Tables } from '../tables.ts'
import {
  auditsGoneId,
  type ChangeLine,
  isEmptyLine,
  type LineBlob,
  LineDraft,
  quotaId,
} from './change-line.ts'
import { OpenTransaction } from './open-transaction.ts'
import { Records } from './records.ts'

/** What a transaction needs from the commit it is part of. */
export interface CommitContext {
  readonly at: string
  readonly actor: string
  readonly requestId: string
  /** The last sequence number given out, in this and all earlier commits. */
  seq: number
  /** Finds a place for staged bytes; throws when none were staged with the digest. */
  place(facts: BlobFacts): string
  /** Whether the bytes of a blob lie where the catalog says. */
  isPresent(blob: Blob): boolean
  /** Whether what has the digest was found damaged when bytes of it were staged. */
  replaces(sha256: string): boolean
}

/** What a transaction leaves for the commit. */
export interface WrittenLine {
  /** Undefined when only bytes moved, which the packs tell by themselves. */
  readonly line: ChangeLine | undefined
  readonly removedBlobs: readonly string[]
  readonly touched: Touched
}

/** One transaction on the tables, and the line that tells it to the packs. */
export class SqliteTransaction {
  readonly #tables: Tables
  readonly #records: Records
  readonly #context: CommitContext
  readonly #draft = new LineDraft()
  readonly #removedBlobs: string[] = []
  /** Versions put in this transaction, by the change that created them. */
  readonly #versionSeqs = new Map<string, number>()
  #ended = false
  #wrote = false
  readonly port: CatalogTransaction

  constructor(tables: Tables, view: CatalogView, context: CommitContext) {
    this.#tables = tables
    this.#records = new Records(tables)
    this.#context = context
    this.port = this.#open(view)
  }

  /** Whether there is anything to take back. */
  get wrote(): boolean {
    return this.#wrote
  }

  /** Ends the transaction: every later use throws. Undefined when nothing was written. */
  end(): WrittenLine | undefined {
    this.#ended = true
    const { at, actor, requestId, seq } = this.#context
    const { changes, puts, gone } = this.#draft
    const line: ChangeLine = { seq, at, actor, request: requestId, changes, puts, gone }
    if (isEmptyLine(line)) {
      if (this.#draft.moved.length === 0) return undefined
      return { line: undefined, removedBlobs: [], touched: this.#draft.touched() }
    }
    return { line, removedBlobs: this.#removedBlobs, touched: this.#draft.touched() }
  }

  #open(view: CatalogView): CatalogTransaction {
    return new OpenTransaction(view, {
      alive: () => this.#alive(),
      put: this.#puts(),
      remove: this.#removals(),
      note: change => this.#note(change),
      audit: (entry, seal) => this.#audit(entry, seal),
      nextSeq: () => {
        this.#alive()
        return this.#context.seq + 1
      },
      keepBlob: (facts, location) => this.#keepBlob(facts, location),
      composeBlob: blob => this.#composeBlob(blob),
    })
  }

  #alive(): void {
    if (this.#ended) throw new Error('the transaction has ended')
  }

  /** Before anything is written. */
  #write(): void {
    this.#alive()
    this.#wrote = true
  }

  #note(change: NewChange): number {
    this.#write()
    const context = this.#context
    context.seq += 1
    const { assetId, versionId } = change
    const asset = assetId === undefined ? undefined : this.#records.assetSeq(assetId)
    const version = versionId === undefined ? undefined : this.#versionSeq(versionId)
    this.#tables.changes.add(
      {
        seq: context.seq,
        at: context.at,
        actor: context.actor,
        requestId: context.requestId,
        what: change.what,
        bucketId: change.bucketId ?? null,
        assetId: assetId ?? null,
        versionId: versionId ?? null,
        detail: change.detail ?? {},
      },
      { asset, version },
    )
    this.#draft.changes.push({ seq: context.seq, ...change })
    return context.seq
  }

  #audit(told: AuditEntry, seal?: (link: AuditLink) => string): AuditRow {
    this.#write()
    const { seq: last, hash: previous } = this.#tables.audits.end()
    const seq = last + 1
    if (!Number.isSafeInteger(seq)) {
      throw new HoldfastError('STORE_DAMAGED', { part: 'audit log', reason: `row ${last}` })
    }
    const entry = filedEntry(told)
    const digest = hash('sha256', auditText({ seq, previous, entry }))
    const sealed = seal === undefined ? {} : { seal: seal({ seq, hash: digest }) }
    const row: AuditRow = { id: String(seq), seq, entry, previous, hash: digest, ...sealed }
    this.#records.putAudit(row)
    this.#draft.put('audits', row.id, row)
    return row
  }

  #versionSeq(id: string): number | undefined {
    return this.#versionSeqs.get(id) ?? this.#tables.versions.seqOf(id)
  }

  #keepBlob(facts: BlobFacts, location: string | null): void {
    this.#write()
    const known = this.#tables.blobs.get(facts.sha256)
    if (known !== undefined) {
      // Equal bytes are shared only if they are still there; else these take their place.
      const isLost = known.parts !== undefined && this.#context.replaces(facts.sha256)
      if (location !== null || (!isLost && this.#isPresent(known))) return
      if (known.parts === undefined) {
        this.#tables.blobs.move(facts.sha256, this.#context.place(facts))
        this.#draft.moved.push(facts.sha256)
        return
      }
    }
    const place = location ?? this.#context.place(facts)
    const { sha256, size, blockBytes, sums } = facts
    const atMs = Records.atMs(this.#context.at)
    const blob = { sha256, size, blockBytes, sums, location: place }
    if (known === undefined) this.#records.putBlob(blob, atMs)
    else this.#records.fillBlob(blob, atMs)
    const line: LineBlob = {
      sha256,
      size,
      blockBytes,
      sums: Buffer.from(sums).toString('base64'),
      ...(place.startsWith('pack:') ? {} : { location: place }),
    }
    this.#draft.put('blobs', sha256, line)
  }

  #composeBlob({ sha256, size, parts, replaces }: ComposedBlob): void {
    this.#write()
    const known = this.#tables.blobs.get(sha256)
    // Beside empty parts it may be its only part; nothing can be made of itself.
    const isOwnPart = parts.some(part => part.sha256 === sha256)
    const isLost = replaces === true && !isOwnPart
    if (known !== undefined && !isLost && (isOwnPart || this.#isPresent(known))) return
    this.#records.composeBlob({ sha256, size, parts }, Records.atMs(this.#context.at))
    const line: LineBlob = { sha256, size, blockBytes: 0, sums: '', parts: encodeParts(parts) }
    this.#draft.put('blobs', sha256, line)
  }

  /** Whether the bytes, or those of all parts, lie where the catalog says. */
  #isPresent(blob: Blob): boolean {
    if (blob.parts === undefined) return this.#context.isPresent(blob)
    return blob.parts.every(({ sha256 }) => {
      const part = this.#tables.blobs.get(sha256)
      // What is made of itself, as older versions could tell it, has lost its bytes.
      if (part === undefined || sha256 === blob.sha256) return false
      if (part.parts !== undefined) return this.#isPresent(part)
      // Elements that do not stage answer for their bytes themselves.
      return !/^(?:pack|file):/.test(part.location) || this.#context.isPresent(part)
    })
  }

  #puts(): CatalogPuts {
    const records = this.#records
    const draft = this.#draft
    return {
      bucket: record => {
        this.#write()
        records.putBucket(record)
        draft.put('buckets', record.id, record)
      },
      asset: record => {
        this.#write()
        draft.touch(record, records.putAsset(record))
        draft.put('assets', record.id, record)
      },
      version: record => {
        this.#write()
        records.putVersion(record, Records.atMs(this.#context.at))
        draft.put('versions', record.id, record)
        this.#versionSeqs.set(record.id, record.createdSeq)
      },
      link: record => {
        this.#write()
        records.putLink(record)
        draft.put('links', record.id, record)
      },
      quota: record => {
        this.#write()
        records.putQuota(record)
        draft.put('quotas', quotaId(record), record)
      },
      key: record => {
        this.#write()
        records.putKey(record)
        draft.put('keys', record.id, record)
      },
      accessKey: record => {
        this.#write()
        records.putAccessKey(record)
        draft.put('accessKeys', record.id, record)
      },
      upload: record => {
        this.#write()
        records.putUpload(record)
        draft.put('uploads', record.id, record)
      },
      part: record => {
        this.#write()
        records.putPart(record, Records.atMs(this.#context.at))
        draft.put('parts', record.id, record)
      },
      identity: record => {
        this.#write()
        records.putIdentity(record)
        draft.put('identities', record.id, record)
      },
    }
  }

  #removals(): CatalogRemovals {
    const records = this.#records
    const draft = this.#draft
    return {
      bucket: id => {
        this.#write()
        records.removeBucket(id)
        draft.remove('buckets', id)
      },
      asset: id => {
        this.#write()
        draft.touch(records.removeAsset(id))
        draft.remove('assets', id)
      },
      version: id => {
        this.#write()
        records.removeVersion(id, Records.atMs(this.#context.at))
        draft.remove('versions', id)
        this.#versionSeqs.delete(id)
      },
      link: id => {
        this.#write()
        records.removeLink(id)
        draft.remove('links', id)
      },
      quota: (scope, name) => {
        this.#write()
        records.removeQuota(scope, name)
        draft.remove('quotas', quotaId({ scope, name }), { scope, name })
      },
      upload: id => {
        this.#write()
        records.removeUpload(id, Records.atMs(this.#context.at))
        draft.remove('uploads', id)
      },
      identity: id => {
        this.#write()
        records.removeIdentity(id)
        draft.remove('identities', id)
      },
      audits: until => {
        this.#write()
        records.removeAudits(until)
        draft.remove('audits', auditsGoneId({ until }), { until })
      },
      blob: sha256 => {
        this.#write()
        const blob = this.#tables.blobs.get(sha256)
        if (blob === undefined) return
        if (!records.removeBlob(sha256, Records.atMs(this.#context.at))) {
          throw new HoldfastError('INTERNAL', {}, { cause: `blob ${sha256} is referenced` })
        }
        draft.remove('blobs', sha256)
        if (blob.parts === undefined) this.#removedBlobs.push(sha256)
      },
    }
  }
}
