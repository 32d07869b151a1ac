import Type, { type Static } from 'typebox'
import {
  acl,
  assetName,
  assetType,
  bucketName,
  closed,
  key,
  metadata,
  service,
  tags,
  uuid,
} from './fields.ts'

const contentType = Type.String({
  minLength: 3,
  maxLength: 255,
  description: 'Media type; checked against the bytes and the rules of the bucket.',
  examples: ['image/jpeg'],
})

const checksum = Type.String({
  pattern: '^[0-9a-fA-F]{64}$',
  description: 'SHA-256 of the file, hex; a file with another one is refused.',
})

const createdBy = Type.String({ minLength: 1, maxLength: 255, description: 'Noted as author.' })

export const uploadOptions = Type.Object(
  {
    versioning: Type.Optional(Type.Boolean({ description: 'Accepted; the bucket decides.' })),
    compression: Type.Optional(Type.Boolean({ description: 'Accepted, without effect yet.' })),
    encryption: Type.Optional(Type.Boolean({ description: 'Accepted, without effect yet.' })),
    retention: Type.Optional(
      Type.Unsafe<unknown>({ description: 'Accepted, without effect yet.' }),
    ),
  },
  { ...closed, title: 'UploadOptions' },
)

/** Fields of the form besides the file; JSON texts are already parsed here. */
export const uploadFields = Type.Object(
  {
    filename: assetName,
    content_type: contentType,
    service,
    owner_id: uuid('Owner of the asset.'),
    bucket: Type.Optional(bucketName),
    key: Type.Optional(key),
    metadata: Type.Optional(metadata),
    tags: Type.Optional(tags),
    asset_type: Type.Optional(assetType),
    acl: Type.Optional(acl),
    created_by: Type.Optional(createdBy),
    checksum: Type.Optional(checksum),
    options: Type.Optional(uploadOptions),
  },
  {
    ...closed,
    title: 'UploadFields',
    description:
      'Form fields of an upload. `metadata`, `tags`, `acl` and `options` are JSON texts. Without ' +
      '`key`, the key becomes `<service>/<owner>/<date>/<8 hex>_<filename>`.',
  },
)
export type UploadFields = Static<typeof uploadFields>

export const batchFile = Type.Object(
  {
    filename: assetName,
    content_type: contentType,
    key: Type.Optional(key),
    metadata: Type.Optional(metadata),
    tags: Type.Optional(tags),
    asset_type: Type.Optional(assetType),
    acl: Type.Optional(acl),
    checksum: Type.Optional(checksum),
  },
  { ...closed, title: 'BatchFile' },
)

export const batchRequest = Type.Object(
  {
    files: Type.Array(batchFile, {
      minItems: 1,
      maxItems: 1000,
      description: 'One entry for each file part, in the same order.',
    }),
    service,
    owner_id: uuid('Owner of the assets.'),
    bucket: Type.Optional(bucketName),
    metadata: Type.Optional(metadata),
    tags: Type.Optional(tags),
    created_by: Type.Optional(createdBy),
    atomic: Type.Optional(
      Type.Boolean({ default: false, description: 'All files or none; also as query parameter.' }),
    ),
  },
  {
    ...closed,
    title: 'BatchUploadRequest',
    description: 'Form field `request`. Metadata and tags hold for all files; a file may add more.',
  },
)
export type BatchRequest = Static<typeof batchRequest>

/** Query of a raw PUT: what a form would carry in fields. */
export const rawPutQuery = Type.Object(
  {
    service: Type.Optional(service),
    owner_id: Type.Optional(uuid('Owner of a new asset.')),
    name: Type.Optional(assetName),
    tags: Type.Optional(tags),
    asset_type: Type.Optional(assetType),
    created_by: Type.Optional(createdBy),
    description: Type.Optional(
      Type.String({ maxLength: 1000, description: 'What changed, for the version.' }),
    ),
  },
  closed,
)
export type RawPutQuery = Static<typeof rawPutQuery>

/** The same for the address that has the key in the query. */
export const rawPutKeyQuery = Type.Object({ key, ...rawPutQuery.properties }, closed)

export const keyQuery = Type.Object({ key }, closed)

export const versionFields = Type.Object(
  {
    filename: Type.Optional(assetName),
    content_type: Type.Optional(contentType),
    created_by: Type.Optional(createdBy),
    change_description: Type.Optional(Type.String({ maxLength: 1000 })),
    checksum: Type.Optional(checksum),
  },
  { ...closed, title: 'VersionFields', description: 'Form fields of a new version.' },
)
export type VersionFields = Static<typeof versionFields>

export const updateFields = Type.Object(
  {
    filename: Type.Optional(assetName),
    content_type: Type.Optional(contentType),
    name: Type.Optional(assetName),
    metadata: Type.Optional(metadata),
    tags: Type.Optional(tags),
    acl: Type.Optional(acl),
    created_by: Type.Optional(createdBy),
    change_description: Type.Optional(Type.String({ maxLength: 1000 })),
    checksum: Type.Optional(checksum),
  },
  { ...closed, title: 'UpdateFields', description: 'Form fields of an update; all optional.' },
)
export type UpdateFields = Static<typeof updateFields>
