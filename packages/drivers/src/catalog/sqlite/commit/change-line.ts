import type { AuditRow, Identity } from '@holdfast/core/identities.ts'
import type { AccessKey, MultipartUpload, UploadPart } from '@holdfast/core/objects.ts'
import type { Touched, TouchedAsset } from '@holdfast/core/ports/catalog.ts'
import type {
  ApiKey,
  Asset,
  Bucket,
  ChangeKind,
  JsonObject,
  Link,
  Quota,
  QuotaScope,
  Version,
} from '@holdfast/core/records.ts'
import type { EncodedParts } from '../rooms/objects/composed-blobs.ts'

/**
 * One transaction as it stands on the element (docs/format.md, "Change line"): the change rows it
 * noted and the full after-state of every record it wrote. These are the attributes from which the
 * catalog can be made again.
 */
export interface ChangeLine {
  /** The highest sequence number of the line. */
  readonly seq: number
  readonly at: string
  readonly actor: string
  readonly request: string
  readonly changes: readonly LineChange[]
  readonly puts: LinePuts
  readonly gone: LineGone
}

export interface LineChange {
  readonly seq: number
  readonly what: ChangeKind
  readonly bucketId?: string
  readonly assetId?: string
  readonly versionId?: string
  readonly detail?: JsonObject
}

export interface LineBlob {
  readonly sha256: string
  readonly size: number
  readonly blockBytes: number
  /** Base64 of the block sums. */
  readonly sums: string
  /** Set where the bytes are not in the packs, in the element's own words. */
  readonly location?: string
  /** Set where it has no bytes of its own, but those of other blobs. */
  readonly parts?: EncodedParts
}

export interface LinePuts {
  readonly buckets?: readonly Bucket[]
  readonly assets?: readonly Asset[]
  readonly versions?: readonly Version[]
  readonly blobs?: readonly LineBlob[]
  readonly links?: readonly Link[]
  readonly quotas?: readonly Quota[]
  readonly keys?: readonly ApiKey[]
  readonly accessKeys?: readonly AccessKey[]
  readonly uploads?: readonly MultipartUpload[]
  readonly parts?: readonly UploadPart[]
  readonly identities?: readonly Identity[]
  readonly audits?: readonly AuditRow[]
}

export interface LineGone {
  readonly buckets?: readonly string[]
  readonly assets?: readonly string[]
  readonly versions?: readonly string[]
  readonly blobs?: readonly string[]
  readonly links?: readonly string[]
  readonly quotas?: readonly { readonly scope: QuotaScope; readonly name: string }[]
  /** The parts go with their upload. */
  readonly uploads?: readonly string[]
  readonly identities?: readonly string[]
  /** Rows from the beginning up to a number. */
  readonly audits?: readonly { readonly until: number }[]
}

/** The kinds of records of a line, in the order in which they can be applied. */
export const recordKinds = [
  'buckets',
  'blobs',
  'assets',
  'versions',
  'links',
  'quotas',
  'keys',
  'accessKeys',
  'uploads',
  'parts',
  'identities',
  'audits',
] as const satisfies readonly (keyof LinePuts)[]
export type RecordKind = (typeof recordKinds)[number]

/** What names a quota, which has no id. */
export function quotaId(quota: { readonly scope: string; readonly name: string }): string {
  return `${quota.scope}\0${quota.name}`
}

/** What names that the audit log begins later; no row is called so. */
export function auditsGoneId({ until }: { readonly until: number }): string {
  return `until ${until}`
}

/** Gathers a line while its transaction runs. Of each record only its last fate counts. */
export class LineDraft {
  readonly changes: LineChange[] = []
  /** Blobs whose bytes this transaction laid elsewhere, without a record. */
  readonly moved: string[] = []
  readonly #assets: TouchedAsset[] = []
  readonly #puts = new Map<RecordKind, Map<string, object>>()
  readonly #gone = new Map<RecordKind, Map<string, unknown>>()

  put(kind: RecordKind, id: string, record: object): void {
    this.#gone.get(kind)?.delete(id)
    const ofKind = this.#puts.get(kind)
    if (ofKind === undefined) this.#puts.set(kind, new Map([[id, record]]))
    else ofKind.set(id, record)
  }

  remove(kind: RecordKind, id: string, name: unknown = id): void {
    this.#puts.get(kind)?.delete(id)
    const ofKind = this.#gone.get(kind)
    if (ofKind === undefined) this.#gone.set(kind, new Map([[id, name]]))
    else ofKind.set(id, name)
  }

  /** Notes asset records as they were and as they are. */
  touch(...records: readonly (Asset | undefined)[]): void {
    for (const record of records) {
      if (record === undefined) continue
      const { id, bucketId, key } = record
      const known = this.#assets.at(-1)
      if (known?.id === id && known.key === key && known.bucketId === bucketId) continue
      this.#assets.push({ id, bucketId, key })
    }
  }

  touched(): Touched {
    const records: { [kind: string]: string[] } = {}
    const add = (kind: string, ids: Iterable<string>): void => {
      const known = records[kind]
      if (known === undefined) records[kind] = [...ids]
      else known.push(...ids)
    }
    for (const written of [this.#puts, this.#gone]) {
      for (const [kind, ofKind] of written) {
        if (kind !== 'assets' && ofKind.size > 0) add(kind, ofKind.keys())
      }
    }
    if (this.moved.length > 0) add('blobs', this.moved)
    return { assets: this.#assets, records }
  }

  get puts(): LinePuts {
    return lists(this.#puts)
  }

  get gone(): LineGone {
    return lists(this.#gone)
  }
}

function lists(kinds: ReadonlyMap<RecordKind, ReadonlyMap<string, unknown>>): object {
  const filled = [...kinds].filter(([, records]) => records.size > 0)
  return Object.fromEntries(filled.map(([kind, records]) => [kind, [...records.values()]]))
}

export function isEmptyLine({
  changes,
  puts,
  gone,
}: Omit<ChangeLine, 'seq' | 'at' | 'actor' | 'request'>): boolean {
  return changes.length + Object.keys(puts).length + Object.keys(gone).length === 0
}
