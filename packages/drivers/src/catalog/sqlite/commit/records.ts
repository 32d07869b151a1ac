import { HoldfastError } from '@holdfast/core/errors.ts'
import type {
  ApiKey,
  Asset,
  Blob,
  Bucket,
  Link,
  Quota,
  QuotaScope,
  Version,
} from '@holdfast/core/records.ts'
import { toMs } from '../row-values.ts'
import type { Tables } from '../tables.ts'

/**
 * Writing records with all that follows from them: reference counts, totals, tags. Both a live
 * transaction and the replay of the packs write through here, so both end in the same state.
 */
export class Records {
  readonly #tables: Tables
  /** The asset put last: its version mostly follows at once. */
  #last: Asset | undefined

  constructor(tables: Tables) {
    this.#tables = tables
  }

  putBucket(record: Bucket): void {
    this.#tables.buckets.put(record)
  }

  /** Returns what stood there before. */
  putAsset(record: Asset): Asset | undefined {
    const { assets, versions, counters } = this.#tables
    const before = assets.put(record)
    this.#last = record
    if (before === undefined || sameOwners(before, record)) return before
    // Its versions' bytes follow the asset to its new bucket, service or owner.
    const bytes = versions.bytesOf(record.createdSeq)
    counters.countBytes(before, -bytes)
    counters.countBytes(record, bytes)
    return before
  }

  putVersion(record: Version, atMs: number): void {
    const { versions, blobs, counters } = this.#tables
    const asset = this.#asset(record.assetId)
    if (asset === undefined) throw new Error(`the catalog has no asset ${record.assetId}`)
    const before = versions.put(record, asset.createdSeq)
    if (record.kind === 'content' && before?.sha256 !== record.sha256) blobs.refer(record.sha256)
    if (before?.kind === 'content' && before.sha256 !== record.sha256) {
      blobs.release(before.sha256, atMs)
    }
    counters.countBytes(asset, record.size - (before?.size ?? 0))
  }

  putBlob(blob: Omit<Blob, 'references' | 'deadSince'>, atMs: number): void {
    this.#tables.blobs.insert(blob, atMs)
  }

  putLink(record: Link): void {
    this.#tables.links.put(record)
  }

  putQuota(record: Quota): void {
    this.#tables.quotas.put(record)
  }

  putKey(record: ApiKey): void {
    this.#tables.keys.put(record)
  }

  removeBucket(id: string): void {
    if (this.#tables.counters.usage('bucket', id).assets > 0) {
      throw new HoldfastError('BUCKET_NOT_EMPTY')
    }
    this.#tables.buckets.remove(id)
  }

  removeAsset(id: string): Asset | undefined {
    const { assets, versions } = this.#tables
    const seq = assets.seqOf(id)
    if (seq === undefined) return undefined
    if (versions.hasAny(seq)) throw new Error(`asset ${id} still has versions`)
    this.#last = undefined
    return assets.remove(id)
  }

  /** The number that the change log knows the asset by. */
  assetSeq(id: string): number | undefined {
    return this.#last?.id === id ? this.#last.createdSeq : this.#tables.assets.seqOf(id)
  }

  #asset(id: string): Asset | undefined {
    return this.#last?.id === id ? this.#last : this.#tables.assets.byId(id)
  }

  removeVersion(id: string, atMs: number): void {
    const { versions, blobs, counters } = this.#tables
    const before = versions.remove(id)
    if (before === undefined) return
    if (before.kind === 'content') blobs.release(before.sha256, atMs)
    const asset = this.#asset(before.assetId)
    if (asset !== undefined) counters.countBytes(asset, -before.size)
  }

  removeLink(id: string): void {
    this.#tables.links.remove(id)
  }

  removeQuota(scope: QuotaScope, name: string): void {
    this.#tables.quotas.remove(scope, name)
  }

  /** False when it is still referenced and so was kept. */
  removeBlob(sha256: string): boolean {
    return this.#tables.blobs.remove(sha256)
  }

  static atMs(iso: string): number {
    return toMs(iso)
  }
}

function sameOwners(a: Asset, b: Asset): boolean {
  return a.bucketId === b.bucketId && a.service === b.service && a.ownerId === b.ownerId
}
