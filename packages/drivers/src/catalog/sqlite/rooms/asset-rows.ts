import { type Acl, type Asset, assetTypes, type JsonObject } from '@holdfast/core/records.ts'
import {
  codeOf,
  fromCode,
  fromHex,
  hexColumn,
  parseRecord,
  toIso,
  toIsoOrNull,
  toJsonOrNull,
  toMs,
  toMsOrNull,
} from '../row-values.ts'
import type { Words } from '../words.ts'
import type { Buckets } from './buckets.ts'

export interface AssetRow {
  created_seq: number
  id: string
  seq: number
  bucket: number
  key: string
  name: string
  type: number
  service: number
  owner: number
  tags: string | null
  metadata: string | null
  acl: string | null
  created_at: number
  created_by: number
  updated_at: number
  deleted_at: number | null
  trashed: number
  version_id: string
  version_number: number
  size: number
  sha256_hex: string
  content_type: number
  content_at: number
  last_number: number
}

export const ASSET_COLUMNS = [
  'created_seq',
  'id',
  'seq',
  'bucket',
  'key',
  'name',
  'type',
  'service',
  'owner',
  'tags',
  'metadata',
  'acl',
  'created_at',
  'created_by',
  'updated_at',
  'deleted_at',
  'trashed',
  'version_id',
  'version_number',
  'size',
  'sha256',
  'content_type',
  'content_at',
  'last_number',
] as const

/** What a query asks for, to be read by `assetOfRow`. */
export function assetColumns(table = ''): string {
  const columns = ASSET_COLUMNS.map(name => {
    return name === 'sha256' ? hexColumn(name, table) : `${table}${name}`
  })
  return columns.join(', ')
}

const NO_TAGS: readonly string[] = Object.freeze([])
const NO_METADATA: JsonObject = Object.freeze({})

export function assetOfRow(row: AssetRow, buckets: Buckets, words: Words): Asset {
  return {
    id: row.id,
    createdSeq: row.created_seq,
    seq: row.seq,
    bucketId: buckets.idOf(row.bucket),
    key: row.key,
    name: row.name,
    type: fromCode(assetTypes, row.type),
    service: words.word(row.service),
    ownerId: words.word(row.owner),
    tags: row.tags === null ? NO_TAGS : parseRecord<string[]>(row.tags),
    metadata: row.metadata === null ? NO_METADATA : parseRecord<JsonObject>(row.metadata),
    acl: row.acl === null ? null : parseRecord<Acl>(row.acl),
    createdAt: toIso(row.created_at),
    createdBy: words.word(row.created_by),
    updatedAt: toIso(row.updated_at),
    deletedAt: toIsoOrNull(row.deleted_at),
    trashed: row.trashed === 1,
    versionId: row.version_id,
    versionNumber: row.version_number,
    size: row.size,
    sha256: row.sha256_hex,
    contentType: words.word(row.content_type),
    contentAt: toIso(row.content_at),
    lastNumber: row.last_number,
  }
}

/** Column values in the order of ASSET_COLUMNS. */
export function valuesOfAsset(asset: Asset, bucketNo: number, words: Words): unknown[] {
  return [
    asset.createdSeq,
    asset.id,
    asset.seq,
    bucketNo,
    asset.key,
    asset.name,
    codeOf(assetTypes, asset.type),
    words.number(asset.service),
    words.number(asset.ownerId),
    toJsonOrNull(asset.tags),
    toJsonOrNull(asset.metadata),
    asset.acl === null ? null : JSON.stringify(asset.acl),
    toMs(asset.createdAt),
    words.number(asset.createdBy),
    toMs(asset.updatedAt),
    toMsOrNull(asset.deletedAt),
    asset.trashed ? 1 : 0,
    asset.versionId,
    asset.versionNumber,
    asset.size,
    fromHex(asset.sha256),
    words.number(asset.contentType),
    toMs(asset.contentAt),
    asset.lastNumber,
  ]
}
