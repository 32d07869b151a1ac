import type { Asset, Version } from '@holdfast/core/records.ts'
import type { ChangeLine, LineBlob, LineChange } from './change-line.ts'

/**
 * A change line as text. What the rest of the line says already is left out and filled in when it
 * is read (docs/format.md, "What a line leaves out"): that halves the line of a small object.
 */

const NO_TAGS: Asset['tags'] = Object.freeze([])
const NO_VERSION_TAGS: Version['tags'] = Object.freeze([])
const NO_METADATA: Asset['metadata'] = Object.freeze({})
const usualBlob = { blockBytes: 64 * 1024 }

export function lineText(line: ChangeLine): string {
  const { seq, at, actor, request, changes, puts, gone } = line
  const { blobs, assets, versions } = puts
  const blob = one(blobs)
  const asset = one(assets)
  const short = {
    ...puts,
    ...(blobs && { blobs: blobs.map(each => trimmed(each, usualBlob)) }),
    ...(assets && { assets: assets.map(each => trimmed(each, usualAsset(line, each, blob))) }),
    ...(versions && {
      versions: versions.map(each => trimmed(each, usualVersion(line, each, asset))),
    }),
  }
  return JSON.stringify({
    seq,
    at,
    actor,
    request,
    changes: changes.map(change => trimmedChange(change, usualChange(line, asset))),
    puts: short,
    gone,
  })
}

/** The line with everything that was left out. */
export function parseLine(text: string): ChangeLine {
  // Text that this module wrote: what it left out is filled in below.
  const line: ChangeLine = JSON.parse(text)
  const { puts } = line
  const blobs = puts.blobs?.map((each): LineBlob => ({ ...usualBlob, ...each }))
  const blob = one(blobs)
  const assets = puts.assets?.map((each): Asset => ({ ...usualAsset(line, each, blob), ...each }))
  const asset = one(assets)
  const versions = puts.versions?.map(
    (each): Version => ({ ...usualVersion(line, each, asset), ...each }),
  )
  const usual = usualChange(line, asset)
  return {
    ...line,
    changes: line.changes.map(change => filledChange(change, usual)),
    puts: {
      ...puts,
      ...(blobs && { blobs }),
      ...(assets && { assets }),
      ...(versions && { versions }),
    },
  }
}

function one<T>(list: readonly T[] | undefined): T | undefined {
  return list?.length === 1 ? list[0] : undefined
}

/** What an asset holds unless its record says otherwise. `given` may be trimmed or whole. */
function usualAsset(
  { seq: lineSeq, at }: ChangeLine,
  given: Partial<Asset> & Pick<Asset, 'key'>,
  blob: LineBlob | undefined,
): Partial<Asset> {
  const { key, seq = lineSeq, versionNumber = 1 } = given
  return {
    seq: lineSeq,
    createdSeq: seq,
    name: key.slice(key.lastIndexOf('/') + 1),
    tags: NO_TAGS,
    metadata: NO_METADATA,
    acl: null,
    createdAt: at,
    updatedAt: at,
    deletedAt: null,
    trashed: false,
    versionNumber: 1,
    ...(blob && { size: blob.size, sha256: blob.sha256 }),
    contentAt: at,
    lastNumber: versionNumber,
  }
}

/** The same of a version; the one that the only asset of the line shows repeats the asset. */
function usualVersion(
  { seq: lineSeq, at }: ChangeLine,
  given: Partial<Version> & Pick<Version, 'id'>,
  asset: Asset | undefined,
): Partial<Version> {
  const { seq = lineSeq } = given
  const usual: Partial<Version> = {
    seq: lineSeq,
    createdSeq: seq,
    kind: 'content',
    md5: null,
    metadata: NO_METADATA,
    tags: NO_VERSION_TAGS,
    change: 'create',
    description: '',
    createdAt: at,
    deletedAt: null,
  }
  if (asset?.versionId !== given.id) return usual
  const { id, versionNumber, sha256, size, contentType, metadata, createdBy } = asset
  return {
    ...usual,
    assetId: id,
    number: versionNumber,
    sha256,
    size,
    contentType,
    metadata,
    createdBy,
  }
}

/** A change mostly tells of the only asset of its line. */
function usualChange({ seq }: ChangeLine, asset: Asset | undefined): Partial<LineChange> {
  if (asset === undefined) return { seq }
  return { seq, bucketId: asset.bucketId, assetId: asset.id, versionId: asset.versionId }
}

function trimmed<T extends object>(record: T, usual: Partial<T>): Partial<T> {
  const kept: Partial<T> = {}
  for (const field in record) {
    if (!same(record[field], usual[field])) kept[field] = record[field]
  }
  return kept
}

function same(a: unknown, b: unknown): boolean {
  if (a === b) return true
  if (typeof a !== 'object' || typeof b !== 'object' || a === null || b === null) return false
  // Lists and objects count as the same only when there is nothing in them.
  return Array.isArray(a) === Array.isArray(b) && isEmpty(a) && isEmpty(b)
}

function isEmpty(value: object): boolean {
  for (const _ in value) return false
  return true
}

/** `null` where the usual id is not meant. */
type ShortChange = { readonly [Field in keyof LineChange]?: LineChange[Field] | null }

function trimmedChange(change: LineChange, usual: Partial<LineChange>): ShortChange {
  const { detail, ...facts } = change
  const short: ShortChange = trimmed(facts, usual)
  const absent = ids.filter(id => usual[id] !== undefined && change[id] === undefined)
  return {
    ...short,
    ...(absent.length > 0 && Object.fromEntries(absent.map(id => [id, null]))),
    ...(detail !== undefined && !isEmpty(detail) && { detail }),
  }
}

const ids = ['bucketId', 'assetId', 'versionId'] as const

function filledChange(short: LineChange, usual: Partial<LineChange>): LineChange {
  const { bucketId, assetId, versionId, ...facts } = { ...usual, ...short }
  return {
    ...facts,
    ...(isGiven(bucketId) && { bucketId }),
    ...(isGiven(assetId) && { assetId }),
    ...(isGiven(versionId) && { versionId }),
  }
}

function isGiven(id: string | null | undefined): id is string {
  return id !== undefined && id !== null
}
