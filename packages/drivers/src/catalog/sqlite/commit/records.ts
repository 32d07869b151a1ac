import { HoldfastError } from '@holdfast/core/errors.ts'
import type { AuditRow, Identity } from '@holdfast/core/identities.ts'
import type { AccessKey, MultipartUpload, UploadPart } from '@holdfast/core/objects.ts'
import type { ComposedBlob } from '@holdfast/core/ports/catalog.ts'
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

const PARTS_PAGE = 1000

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

  /** Makes a composed blob, or changes what an existing blob consists of. */
  composeBlob({ sha256, size, parts }: ComposedBlob, atMs: number): void {
    const { blobs } = this.#tables
    // First the new references, so that parts of both never look dead.
    for (const part of parts) blobs.refer(part.sha256)
    this.#releaseParts(sha256, atMs)
    blobs.compose(sha256, size, { parts, atMs })
  }

  /** A composed blob gets bytes of its own. */
  fillBlob(blob: Omit<Blob, 'references' | 'deadSince'>, atMs: number): void {
    this.#releaseParts(blob.sha256, atMs)
    this.#tables.blobs.fill(blob)
  }

  putUpload(record: MultipartUpload): void {
    this.#tables.uploads.put(record)
  }

  /** Bytes of open parts count for the bucket, service and owner of the object to be. */
  putPart(record: UploadPart, atMs: number): void {
    const { uploads, blobs, counters } = this.#tables
    const upload = uploads.byId(record.uploadId)
    if (upload === undefined) throw new Error(`the catalog has no upload ${record.uploadId}`)
    const before = uploads.part(record.uploadId, record.number)
    blobs.refer(record.sha256)
    if (before !== undefined) blobs.release(before.sha256, atMs)
    uploads.putPart(record)
    counters.countBytes(payerOf(upload), record.size - (before?.size ?? 0))
  }

  putAccessKey(record: AccessKey): void {
    this.#tables.accessKeys.put(record)
  }

  removeUpload(id: string, atMs: number): void {
    const { uploads, blobs, counters } = this.#tables
    const upload = uploads.byId(id)
    if (upload === undefined) return
    for (let after = 0; ; ) {
      const page = uploads.parts({ uploadId: id, after, limit: PARTS_PAGE })
      for (const part of page) {
        blobs.release(part.sha256, atMs)
        counters.countBytes(payerOf(upload), -part.size)
      }
      after = page.at(-1)?.number ?? after
      if (page.length < PARTS_PAGE) break
    }
    uploads.remove(id)
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

  putIdentity(record: Identity): void {
    this.#tables.identities.put(record)
  }

  putAudit(row: AuditRow): void {
    this.#tables.audits.put(row)
  }

  removeAudits(until: number): void {
    const { audits } = this.#tables
    if (until >= audits.end().seq) throw new Error(`no audit row is left behind ${until}`)
    audits.dropUntil(until)
  }

  removeIdentity(id: string): void {
    this.#tables.identities.remove(id)
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

  /** False when it is still referenced and so was kept. A composed one releases its parts. */
  removeBlob(sha256: string, atMs: number): boolean {
    const { blobs } = this.#tables
    const parts = blobs.get(sha256)?.parts
    if (!blobs.remove(sha256)) return false
    for (const part of parts ?? []) blobs.release(part.sha256, atMs)
    if (parts !== undefined) blobs.forgetParts(sha256)
    return true
  }

  #releaseParts(sha256: string, atMs: number): void {
    const { blobs } = this.#tables
    for (const part of blobs.get(sha256)?.parts ?? []) blobs.release(part.sha256, atMs)
  }

  static atMs(iso: string): number {
    return toMs(iso)
  }
}

/** Bytes are counted for no type, so any will do. */
function payerOf({ bucketId, service, ownerId }: MultipartUpload) {
  return { bucketId, service, ownerId, type: 'binary' as const }
}

function sameOwners(a: Asset, b: Asset): boolean {
  return a.bucketId === b.bucketId && a.service === b.service && a.ownerId === b.ownerId
}
