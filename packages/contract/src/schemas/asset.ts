import { bounds } from '@holdfast/core/limits.ts'
import Type, { type Static } from 'typebox'
import {
  acl,
  assetName,
  assetType,
  bucketName,
  closed,
  cursor,
  key,
  limit,
  metadata,
  nullable,
  offset,
  service,
  tags,
  time,
  total,
  uuid,
} from './fields.ts'

export const assetResponse = Type.Object(
  {
    id: uuid('Stays the same for the life of the asset, also when it is moved.'),
    name: assetName,
    bucket: bucketName,
    key,
    service,
    owner_id: uuid('Who owns the asset; quotas may be set for an owner.'),
    asset_type: assetType,
    s3_key: Type.String({ description: 'Same as `key`.' }),
    s3_url: Type.String({ description: 'The asset as an S3 address.' }),
    size: Type.Integer({ minimum: 0, description: 'Bytes of the current content.' }),
    content_type: Type.String(),
    checksum: Type.String({
      pattern: '^[0-9a-f]{64}$',
      description: 'SHA-256 of the content, hex.',
    }),
    etag: Type.String({
      description: 'Entity tag of the content, with quotes: use it in If-Match and If-None-Match.',
    }),
    record_etag: Type.String({
      description:
        'Entity tag of this record, with quotes: changes with everything told here. In If-Match ' +
        'of a change it also guards metadata, tags, name and access list.',
    }),
    current_version: Type.Integer({ minimum: 1, description: 'Number of the current version.' }),
    version_id: uuid('Id of the current version.'),
    tags: Type.Array(Type.String()),
    metadata,
    acl: nullable(acl),
    created_at: time('When the asset was created.'),
    created_by: Type.String({ description: 'Principal that created it.' }),
    updated_at: time('When anything of the asset last changed.'),
    content_updated_at: time('When the current content was written; the Last-Modified of it.'),
    is_deleted: Type.Boolean(),
    deleted_at: nullable(time('When it was deleted; it can be restored until it is removed.')),
  },
  {
    title: 'AssetResponse',
    description:
      'An asset and its current version. Who may change it, but not read it, is answered without ' +
      'metadata, tags and access list.',
  },
)
export type AssetResponse = Static<typeof assetResponse>

export const assetList = Type.Object(
  {
    items: Type.Array(assetResponse),
    total,
    limit: Type.Integer({ minimum: 1 }),
    offset: Type.Integer({ minimum: 0 }),
    next_cursor: nullable(
      Type.String({ description: 'Pass as `cursor` for the next page; null on the last one.' }),
    ),
  },
  { title: 'AssetList' },
)
export type AssetList = Static<typeof assetList>

export const assetQuery = Type.Object(
  {
    bucket: Type.Optional(bucketName),
    service: Type.Optional(service),
    owner_id: Type.Optional(uuid('Only assets of this owner.')),
    asset_type: Type.Optional(assetType),
    tags: Type.Optional(
      Type.Array(Type.String({ minLength: 1, maxLength: 256 }), {
        maxItems: 64,
        description: 'Assets that have any of these tags. Repeat the parameter.',
      }),
    ),
    search: Type.Optional(
      Type.String({
        minLength: 1,
        maxLength: 512,
        description:
          'Words looked up in name, key, tags and metadata. All must be found; each matches as a ' +
          'prefix; a "quoted phrase" matches exactly.',
      }),
    ),
    prefix: Type.Optional(Type.String({ maxLength: 1024, description: 'Keys that begin so.' })),
    include_deleted: Type.Optional(
      Type.Boolean({ default: false, description: 'Deleted assets as well.' }),
    ),
    only_deleted: Type.Optional(
      Type.Boolean({ default: false, description: 'Only deleted assets.' }),
    ),
    limit,
    offset,
    cursor,
  },
  closed,
)
export type AssetQuery = Static<typeof assetQuery>

export const keyListQuery = Type.Object(
  {
    prefix: Type.Optional(Type.String({ maxLength: 1024, description: 'Keys that begin so.' })),
    limit,
    cursor,
  },
  closed,
)

export const keyList = Type.Object(
  {
    items: Type.Array(assetResponse),
    total,
    limit: Type.Integer({ minimum: 1 }),
    next_cursor: nullable(Type.String()),
  },
  { title: 'KeyList', description: 'Assets of a bucket in the order of the UTF-8 bytes of keys.' },
)
export type KeyList = Static<typeof keyList>

export const assetUpdate = Type.Object(
  {
    name: Type.Optional(assetName),
    metadata: Type.Optional(metadata),
    tags: Type.Optional(tags),
    acl: Type.Optional(nullable(acl)),
    created_by: Type.Optional(
      Type.String({ minLength: 1, maxLength: 255, description: 'Noted as author of the version.' }),
    ),
  },
  {
    ...closed,
    title: 'AssetUpdate',
    description: 'Metadata is merged (null removes a key); tags and the access list are replaced.',
  },
)
export type AssetUpdate = Static<typeof assetUpdate>

export const assetMove = Type.Object(
  { bucket: Type.Optional(bucketName), key: Type.Optional(key), name: Type.Optional(assetName) },
  { ...closed, title: 'AssetMove', description: 'What is absent stays.', minProperties: 1 },
)

export const assetCopy = Type.Object(
  {
    bucket: Type.Optional(bucketName),
    key: Type.Optional(key),
    name: Type.Optional(assetName),
    owner_id: Type.Optional(uuid('Owner of the copy.')),
    service: Type.Optional(service),
  },
  {
    ...closed,
    title: 'AssetCopy',
    description: 'The current version is copied, without its past.',
  },
)

const serviceStats = Type.Object({
  total_assets: Type.Integer({ minimum: 0 }),
  total_size: Type.Integer({ minimum: 0 }),
})

export const assetStats = Type.Object(
  {
    total_assets: Type.Integer({ minimum: 0 }),
    total_size: Type.Integer({ minimum: 0, description: 'Bytes of current content.' }),
    average_size: Type.Number({ minimum: 0 }),
    asset_types: Type.Record(Type.String(), Type.Integer({ minimum: 0 })),
    service_stats: Type.Record(Type.String(), serviceStats, {
      description: `The ${bounds.servicesToldMax} largest; others are in the totals alone.`,
    }),
  },
  { title: 'AssetStats', description: 'Deleted assets and old versions are not counted.' },
)
export type AssetStats = Static<typeof assetStats>
