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
}

export interface LinePuts {
  readonly buckets?: readonly Bucket[]
  readonly assets?: readonly Asset[]
  readonly versions?: readonly Version[]
  readonly blobs?: readonly LineBlob[]
  readonly links?: readonly Link[]
  readonly quotas?: readonly Quota[]
  readonly keys?: readonly ApiKey[]
}

export interface LineGone {
  readonly buckets?: readonly string[]
  readonly assets?: readonly string[]
  readonly versions?: readonly string[]
  readonly blobs?: readonly string[]
  readonly links?: readonly string[]
  readonly quotas?: readonly { readonly scope: QuotaScope; readonly name: string }[]
}

type Lists<T> = {
  readonly [K in keyof T]-?: Array<NonNullable<T[K]> extends readonly (infer Item)[] ? Item : never>
}

/** Gathers a line while its transaction runs. */
export interface LineDraft {
  readonly changes: LineChange[]
  readonly puts: Lists<LinePuts>
  readonly gone: Lists<LineGone>
}

export function newDraft(): LineDraft {
  return {
    changes: [],
    puts: {
      buckets: [],
      assets: [],
      versions: [],
      blobs: [],
      links: [],
      quotas: [],
      keys: [],
    },
    gone: { buckets: [], assets: [], versions: [], blobs: [], links: [], quotas: [] },
  }
}

export function isEmptyDraft({ changes, puts, gone }: LineDraft): boolean {
  const lists = [...Object.values(puts), ...Object.values(gone)]
  return changes.length === 0 && lists.every(list => list.length === 0)
}

/** The lists of a draft that hold anything. */
export function filled<T extends LinePuts | LineGone>(lists: Lists<T>): Partial<Lists<T>> {
  const kept: Partial<Lists<T>> = {}
  for (const name in lists) {
    if (lists[name].length > 0) kept[name] = lists[name]
  }
  return kept
}
