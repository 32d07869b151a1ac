import { isDeepStrictEqual } from 'node:util'
import type { AuditRow, Identity } from '@holdfast/core/identities.ts'
import type { AccessKey, BlobPart, MultipartUpload, UploadPart } from '@holdfast/core/objects.ts'
import {
  type ApiKey,
  type Asset,
  type Bucket,
  defaultBucketSettings,
  type Link,
  type Quota,
  type Version,
} from '@holdfast/core/records.ts'
import { decodeParts, encodeParts } from '../rooms/objects/composed-blobs.ts'
import { parseRecord, toMs } from '../row-values.ts'
import type { Tables } from '../tables.ts'
import type { LineBlob, LineChange } from './change-line.ts'
import { Records } from './records.ts'
import type { ReplayScratch, ScratchChange, ScratchRecord } from './replay-scratch.ts'

const COMMIT_EVERY = 20_000

export interface ReplayOptions {
  /** Runs in the last commit. */
  readonly finish: () => void
  readonly salvage?: Salvage | undefined
}

/** Makes up for records that a damaged log lost. */
export interface Salvage {
  /** Sums of bytes as they lie on the element. */
  sumsAt(blob: { location: string; size: number; blockBytes: number }): Uint8Array
  /** A record that could not be kept, for the report. */
  lost(what: string): void
}

/**
 * Brings the tables to the state that the packs tell. Records are whole, so applying one again
 * changes nothing and an older one is passed over; a replay that was cut can simply run again.
 */
export function applyReplay(tables: Tables, scratch: ReplayScratch, how: ReplayOptions): void {
  scratch.settle()
  const replay = new Replay(tables, scratch, how.salvage)
  tables.db.exec('BEGIN IMMEDIATE')
  try {
    replay.run()
    tables.blobs.settle()
    how.finish()
    tables.counters.flush()
    tables.db.exec('COMMIT')
  } catch (error) {
    tables.counters.clear()
    tables.blobs.forget()
    if (tables.db.inTransaction) tables.db.exec('ROLLBACK')
    throw error
  }
}

class Replay {
  readonly #tables: Tables
  readonly #scratch: ReplayScratch
  readonly #records: Records
  readonly #salvage: Salvage | undefined
  #applied = 0

  constructor(tables: Tables, scratch: ReplayScratch, salvage: Salvage | undefined) {
    this.#salvage = salvage
    this.#tables = tables
    this.#scratch = scratch
    this.#records = new Records(tables)
  }

  run(): void {
    this.#freeNames()
    this.#putBuckets()
    this.#putBlobs()
    this.#composeBlobs()
    this.#putAssets()
    this.#putVersions()
    this.#putRest()
    this.#removeGone()
    for (const change of this.#scratch.changes()) this.#addChange(change)
  }

  /**
   * Keys and names that change hands would collide half way: whoever is about to change or go
   * gives up its own first.
   */
  #freeNames(): void {
    this.#tables.db.exec(`
      UPDATE main.assets SET trashed = 1 WHERE id IN (
        SELECT id FROM scratch.records WHERE kind = 2
        UNION SELECT id FROM scratch.gone WHERE kind = 2
      );
      UPDATE main.buckets SET name = '.' || id WHERE id IN (
        SELECT id FROM scratch.gone WHERE kind = 0
      );
      DELETE FROM main.links WHERE id IN (SELECT id FROM scratch.gone WHERE kind = 4);
    `)
    this.#tables.buckets.forget()
  }

  #putBuckets(): void {
    for (const { id, json } of this.#scratch.records('buckets')) {
      const bucket = parseRecord<Bucket>(json)
      const known = this.#tables.buckets.byId(id)
      if (known === undefined || known.seq <= bucket.seq) this.#records.putBucket(bucket)
      this.#step()
    }
  }

  #putBlobs(): void {
    for (const { at, json } of this.#scratch.records('blobs')) {
      const blob = parseRecord<LineBlob>(json)
      if (blob.parts !== undefined) continue
      // Bytes that no pack has are looked for as a file; if they are not there, verify says so.
      const packed = this.#scratch.locationOf(blob.sha256)
      const location = blob.location ?? packed ?? `file:${blob.sha256}`
      const known = this.#tables.blobs.get(blob.sha256)
      if (known === undefined || known.parts !== undefined) {
        const { sha256, size, blockBytes } = blob
        const sums = Buffer.from(blob.sums, 'base64')
        const whole = { sha256, size, blockBytes, sums, location }
        if (known === undefined) this.#records.putBlob(whole, toMs(at))
        else this.#records.fillBlob(whole, toMs(at))
      }
      this.#step()
    }
    // Compaction moves bytes without a line of their own.
    for (const { sha256, location } of this.#scratch.bodies()) {
      this.#tables.blobs.move(sha256, location)
      this.#step()
    }
  }

  /** After the plain ones, which they refer to. */
  #composeBlobs(): void {
    for (const record of this.#scratch.records('blobs')) {
      this.#composeBlob(record)
      this.#step()
    }
  }

  #composeBlob({ at, json }: ScratchRecord): void {
    const { sha256, size, parts } = parseRecord<LineBlob>(json)
    if (parts === undefined) return
    const known = this.#tables.blobs.get(sha256)?.parts
    if (known !== undefined && isDeepStrictEqual(encodeParts(known), parts)) return
    const decoded = decodeParts(parts)
    if (decoded.some(part => part.sha256 === sha256)) {
      this.#putLost({ sha256, size }, at)
    } else {
      for (const part of decoded) this.#requirePart(part, at)
      this.#records.composeBlob({ sha256, size, parts: decoded }, toMs(at))
    }
  }

  /** A part that lost its own bytes may be composed of others since. */
  #requirePart(part: BlobPart, at: string): void {
    if (this.#tables.blobs.get(part.sha256) !== undefined) return
    const record = this.#scratch.record('blobs', part.sha256)
    if (record !== undefined) this.#composeBlob(record)
    if (this.#salvage !== undefined) this.#makeBlob(part, at, this.#salvage)
  }

  /** Nothing can be made of itself: what was told so had lost its bytes. */
  #putLost({ sha256, size }: BlobPart, at: string): void {
    if (this.#tables.blobs.get(sha256) !== undefined) return
    const sums = new Uint8Array(0)
    const lost = { sha256, size, location: `file:${sha256}`, blockBytes: 64 * 1024, sums }
    this.#records.putBlob(lost, toMs(at))
  }

  #putAssets(): void {
    for (const { id, json } of this.#scratch.records('assets')) {
      const asset = parseRecord<Asset>(json)
      const known = this.#tables.assets.byId(id)
      if (known === undefined || known.seq <= asset.seq) {
        if (this.#salvage !== undefined) this.#makeBucket(asset)
        this.#records.putAsset(asset)
      }
      this.#step()
    }
  }

  #putVersions(): void {
    for (const { id, at, json } of this.#scratch.records('versions')) {
      const version = parseRecord<Version>(json)
      const known = this.#tables.versions.briefById(id)
      if (this.#salvage !== undefined && !this.#canKeep(version, this.#salvage)) continue
      if (known === undefined || known.seq <= version.seq) {
        this.#records.putVersion(version, toMs(at))
      }
      this.#step()
    }
  }

  /** The line that made the bucket is lost: its assets must not be. */
  #makeBucket({ bucketId, createdAt, seq }: Asset): void {
    if (this.#tables.buckets.byId(bucketId) !== undefined) return
    this.#records.putBucket({
      id: bucketId,
      name: `recovered-${bucketId}`,
      settings: defaultBucketSettings,
      ownerId: null,
      createdAt,
      createdBy: 'rebuild',
      updatedAt: createdAt,
      seq,
    })
    this.#salvage?.lost(`the record of a bucket, now recovered-${bucketId}`)
  }

  #canKeep(version: Version, salvage: Salvage): boolean {
    const { assets } = this.#tables
    if (assets.byId(version.assetId) === undefined) {
      salvage.lost(`the asset of version ${version.id}, SHA-256 ${version.sha256}`)
      return false
    }
    if (version.kind === 'content') this.#makeBlob(version, version.createdAt, salvage)
    return true
  }

  /** The line that made the blob is lost: its bytes may still be there. */
  #makeBlob({ sha256, size }: BlobPart, at: string, salvage: Salvage): void {
    if (this.#tables.blobs.get(sha256) !== undefined) return
    const location = this.#scratch.locationOf(sha256) ?? `file:${sha256}`
    const blockBytes = 64 * 1024
    const sums = salvage.sumsAt({ location, size, blockBytes })
    this.#records.putBlob({ sha256, size, location, blockBytes, sums }, toMs(at))
  }

  #putRest(): void {
    for (const { json } of this.#scratch.records('links')) {
      this.#records.putLink(parseRecord<Link>(json))
      this.#step()
    }
    for (const { json } of this.#scratch.records('quotas')) {
      const quota = parseRecord<Quota>(json)
      const known = this.#tables.quotas.get(quota.scope, quota.name)
      if (known === undefined || known.seq <= quota.seq) this.#records.putQuota(quota)
    }
    for (const { id, json } of this.#scratch.records('keys')) {
      const key = parseRecord<ApiKey>(json)
      const known = this.#tables.keys.byId(id)
      if (known === undefined || known.seq <= key.seq) this.#records.putKey(key)
    }
    for (const { id, json } of this.#scratch.records('accessKeys')) {
      const key = parseRecord<AccessKey>(json)
      const known = this.#tables.accessKeys.byId(id)
      if (known === undefined || known.seq <= key.seq) this.#records.putAccessKey(key)
    }
    this.#putUploads()
    this.#putPeople()
  }

  #putUploads(): void {
    const { uploads, buckets } = this.#tables
    for (const { id, json } of this.#scratch.records('uploads')) {
      const upload = parseRecord<MultipartUpload>(json)
      if (this.#salvage !== undefined && buckets.byId(upload.bucketId) === undefined) {
        this.#salvage.lost(`the bucket of multipart upload ${id}`)
        continue
      }
      const known = uploads.byId(id)
      if (known === undefined || known.seq <= upload.seq) this.#records.putUpload(upload)
      this.#step()
    }
    for (const { at, json } of this.#scratch.records('parts')) {
      const part = parseRecord<UploadPart>(json)
      const known = uploads.part(part.uploadId, part.number)
      if (known !== undefined && known.seq >= part.seq) continue
      // Parts go with their upload, without a word of their own.
      if (uploads.byId(part.uploadId) === undefined) continue
      if (this.#salvage !== undefined) this.#makeBlob(part, at, this.#salvage)
      this.#records.putPart(part, toMs(at))
      this.#step()
    }
  }

  #putPeople(): void {
    for (const { id, json } of this.#scratch.records('identities')) {
      const identity = parseRecord<Identity>(json)
      const seq = this.#tables.identities.seqOf(id, identity.kind)
      if (seq === undefined || seq <= identity.seq) this.#records.putIdentity(identity)
      this.#step()
    }
    for (const { json } of this.#scratch.records('audits')) {
      this.#records.putAudit(parseRecord<AuditRow>(json))
      this.#step()
    }
  }

  #removeGone(): void {
    const records = this.#records
    for (const { id, at } of this.#scratch.gone('uploads')) records.removeUpload(id, toMs(at))
    for (const { id } of this.#scratch.gone('links')) records.removeLink(id)
    for (const { id, at } of this.#scratch.gone('versions')) records.removeVersion(id, toMs(at))
    for (const { id } of this.#scratch.gone('assets')) records.removeAsset(id)
    for (const { id } of this.#scratch.gone('buckets')) records.removeBucket(id)
    for (const { json } of this.#scratch.gone('quotas')) {
      const { scope, name } = parseRecord<Pick<Quota, 'scope' | 'name'>>(json)
      records.removeQuota(scope, name)
    }
    for (const { id } of this.#scratch.gone('identities')) records.removeIdentity(id)
    for (const { json } of this.#scratch.gone('audits')) {
      const { until } = parseRecord<{ readonly until: number }>(json)
      // Salvage may have lost all rows behind them.
      if (until < this.#tables.audits.end().seq) records.removeAudits(until)
    }
    // Composed ones first: only then are their parts, which may be such, without references.
    while (this.#removeBlobs(true) > 0);
    this.#removeBlobs(false)
  }

  #removeBlobs(composed: boolean): number {
    let removed = 0
    for (const { id, at } of this.#scratch.gone('blobs')) {
      const isComposed = this.#tables.blobs.get(id)?.parts !== undefined
      if (isComposed === composed && this.#records.removeBlob(id, toMs(at))) removed += 1
    }
    return removed
  }

  #addChange({ at, actor, request, json }: ScratchChange): void {
    const change = parseRecord<LineChange>(json)
    const { assetId, versionId } = change
    const asset = assetId === undefined ? undefined : this.#tables.assets.seqOf(assetId)
    const version = versionId === undefined ? undefined : this.#tables.versions.seqOf(versionId)
    this.#tables.changes.add(
      {
        seq: change.seq,
        at,
        actor,
        requestId: request,
        what: change.what,
        bucketId: change.bucketId ?? null,
        assetId: assetId ?? null,
        versionId: versionId ?? null,
        detail: change.detail ?? {},
      },
      { asset, version },
    )
    this.#step()
  }

  /** Commits from time to time, so that a rebuild does not need the catalog's size twice. */
  #step(): void {
    this.#applied += 1
    if (this.#applied % COMMIT_EVERY !== 0) return
    this.#tables.blobs.settle()
    this.#tables.counters.flush()
    this.#tables.db.exec('COMMIT; BEGIN IMMEDIATE')
  }
}
