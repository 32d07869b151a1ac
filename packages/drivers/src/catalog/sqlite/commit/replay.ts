import type { Change } from '@holdfast/core/records.ts'
import { toMs } from '../row-values.ts'
import type { Tables } from '../tables.ts'
import type { ChangeLine } from './change-line.ts'
import { Records } from './records.ts'

/** Finds where a blob of the packs lies now; undefined when no pack has it. */
export type LocateBlob = (sha256: string) => string | undefined

/**
 * Applies change lines from the packs to the tables. Lines hold whole records, so applying one
 * twice, or an old one after a newer, changes nothing: the higher `seq` of a record wins, and a
 * record that is gone stays gone.
 */
export class Replay {
  readonly #tables: Tables
  readonly #records: Records
  readonly #locate: LocateBlob
  /** Sequence at which ids were removed, while this replay runs. */
  readonly #gone = new Map<string, number>()
  #seq = 0

  constructor(tables: Tables, locate: LocateBlob) {
    this.#tables = tables
    this.#records = new Records(tables)
    this.#locate = locate
  }

  /** The highest sequence number seen. */
  get seq(): number {
    return this.#seq
  }

  apply(line: ChangeLine): void {
    this.#seq = Math.max(this.#seq, line.seq)
    this.#applyPuts(line)
    this.#applyGone(line)
    for (const change of line.changes) this.#applyChange(line, change)
  }

  #applyPuts(line: ChangeLine): void {
    const { puts } = line
    const records = this.#records
    const atMs = toMs(line.at)
    for (const blob of puts.blobs ?? []) {
      // Bytes that no pack has are looked for as a file; if they are not there, verify says so.
      const location = blob.location ?? this.#locate(blob.sha256) ?? `file:${blob.sha256}`
      if (this.#tables.blobs.get(blob.sha256) !== undefined) continue
      const sums = Buffer.from(blob.sums, 'base64')
      records.putBlob({ ...blob, sums, location }, atMs)
    }
    for (const bucket of puts.buckets ?? []) {
      const { id, seq } = bucket
      if (this.#newer(id, seq, this.#tables.buckets.byId(id)?.seq)) records.putBucket(bucket)
    }
    for (const asset of puts.assets ?? []) {
      const { id, seq } = asset
      if (this.#newer(id, seq, this.#tables.assets.byId(id)?.seq)) records.putAsset(asset)
    }
    for (const version of puts.versions ?? []) {
      const { id, seq } = version
      if (this.#newer(id, seq, this.#tables.versions.byId(id)?.seq)) {
        records.putVersion(version, atMs)
      }
    }
    for (const link of puts.links ?? []) {
      if (this.#newer(link.id, link.seq, undefined)) records.putLink(link)
    }
    for (const quota of puts.quotas ?? []) {
      const known = this.#tables.quotas.get(quota.scope, quota.name)
      if (this.#newer(`${quota.scope}\0${quota.name}`, quota.seq, known?.seq)) {
        records.putQuota(quota)
      }
    }
    for (const key of puts.keys ?? []) {
      if (this.#newer(key.id, key.seq, this.#tables.keys.byId(key.id)?.seq)) records.putKey(key)
    }
  }

  #applyGone(line: ChangeLine): void {
    const { gone, seq } = line
    const records = this.#records
    const atMs = toMs(line.at)
    for (const id of gone.links ?? []) this.#drop(id, seq, () => records.removeLink(id))
    for (const id of gone.versions ?? []) {
      this.#drop(id, seq, () => records.removeVersion(id, atMs))
    }
    for (const id of gone.assets ?? []) this.#drop(id, seq, () => records.removeAsset(id))
    for (const id of gone.buckets ?? []) this.#drop(id, seq, () => records.removeBucket(id))
    for (const { scope, name } of gone.quotas ?? []) {
      this.#drop(`${scope}\0${name}`, seq, () => records.removeQuota(scope, name))
    }
    for (const sha256 of gone.blobs ?? []) records.removeBlob(sha256)
  }

  #newer(id: string, seq: number, known: number | undefined): boolean {
    return seq > (this.#gone.get(id) ?? -1) && (known === undefined || seq > known)
  }

  #drop(id: string, seq: number, remove: () => void): void {
    this.#gone.set(id, Math.max(seq, this.#gone.get(id) ?? 0))
    remove()
  }

  #applyChange(line: ChangeLine, change: ChangeLine['changes'][number]): void {
    const version =
      change.versionId === undefined ? undefined : this.#tables.versions.byId(change.versionId)
    const row: Change = {
      seq: change.seq,
      at: line.at,
      actor: line.actor,
      requestId: line.request,
      what: change.what,
      bucketId: change.bucketId ?? null,
      assetId: change.assetId ?? null,
      versionId: change.versionId ?? null,
      detail: change.detail ?? {},
    }
    this.#tables.changes.add(row, version?.createdSeq)
  }
}
