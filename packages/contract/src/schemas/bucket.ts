import Type, { type Static } from 'typebox'
import { bucketName, closed, cursor, limit, nullable, time, total, uuid } from './fields.ts'

const settings = {
  versioning: Type.Enum(['enabled', 'disabled', 'suspended'], {
    description:
      '`enabled` keeps a version of every changed content; `disabled` only the newest; ' +
      '`suspended` (of S3) keeps the versions there are, and of new contents the newest.',
  }),
  public_read: Type.Boolean({ description: 'Anyone may read and list, without a credential.' }),
  content_types: Type.Array(Type.String({ minLength: 1, maxLength: 255 }), {
    maxItems: 256,
    description: 'Allowed content types such as `image/png` or `image/*`; empty allows all.',
  }),
  asset_bytes_max: nullable(
    Type.Integer({ minimum: 0, description: 'Largest asset, bytes; null: limit of the server.' }),
  ),
  versions_max: nullable(
    Type.Integer({ minimum: 1, description: 'Versions kept by prune; null: server setting.' }),
  ),
  version_retention_days: nullable(
    Type.Integer({ minimum: 0, description: 'Age at which prune takes them; null: setting.' }),
  ),
  cors_origins: Type.Array(Type.String({ minLength: 1, maxLength: 255 }), {
    maxItems: 64,
    description: 'Origins whose pages may use this bucket from a browser.',
  }),
}

export const usage = Type.Object(
  {
    assets: Type.Integer({ minimum: 0, description: 'All assets, deleted ones included.' }),
    bytes: Type.Integer({ minimum: 0, description: 'Bytes of all kept versions.' }),
  },
  { title: 'Usage' },
)
export type Usage = Static<typeof usage>

export const bucketResponse = Type.Object(
  {
    id: uuid('Bucket id.'),
    name: bucketName,
    ...settings,
    owner_id: nullable(
      Type.String({ description: 'The principal whose own it is; null: open by roles.' }),
    ),
    usage: nullable(usage),
    created_at: time('When it was created.'),
    created_by: Type.String(),
    updated_at: time('When its settings last changed.'),
  },
  { title: 'BucketResponse' },
)
export type BucketResponse = Static<typeof bucketResponse>

const givenSettings = Type.Partial(Type.Object(settings))

export const bucketUpdate = Type.Object(
  {
    ...givenSettings.properties,
    owner_id: Type.Optional(
      nullable(
        uuid(
          'Gives the bucket to a user, service account or key with `buckets:create`, and with it ' +
            'what its owner so far stored there; null: open by roles, and assets stay whose they ' +
            'are. Only for administrators, who prove who they are.',
        ),
      ),
    ),
  },
  { ...closed, title: 'BucketUpdate', description: 'What is absent stays.' },
)
export type BucketUpdate = Static<typeof bucketUpdate>

export const bucketCreate = Type.Object(
  { name: bucketName, ...givenSettings.properties },
  { ...closed, title: 'BucketCreate' },
)
export type BucketCreate = Static<typeof bucketCreate>

export const bucketList = Type.Object(
  {
    items: Type.Array(bucketResponse),
    total,
    limit: Type.Integer({ minimum: 1 }),
    next_cursor: nullable(Type.String()),
  },
  { title: 'BucketList' },
)
export type BucketList = Static<typeof bucketList>

export const bucketListQuery = Type.Object({ limit, cursor }, closed)

export const bucketParams = Type.Object({ bucket: bucketName })
