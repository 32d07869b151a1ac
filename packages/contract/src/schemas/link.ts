import Type, { type Static } from 'typebox'
import { bucketName, closed, key, limit, offset, page, service, time, uuid } from './fields.ts'

const linkType = Type.String({
  pattern: '^[A-Za-z0-9][A-Za-z0-9._:-]{0,63}$',
  description: 'What the other asset is to this one, such as `thumbnail` or `derived-from`.',
})

export const linkResponse = Type.Object(
  {
    id: uuid('Link id.'),
    type: linkType,
    from_id: uuid('The asset the link starts at.'),
    to_id: uuid('The asset it points to.'),
    created_at: time('When it was made.'),
    created_by: Type.String(),
  },
  { title: 'LinkResponse', description: 'A directed relation between two assets.' },
)
export type LinkResponse = Static<typeof linkResponse>

export const linkCreate = Type.Object(
  { type: linkType, asset_id: uuid('The asset to point to.') },
  { ...closed, title: 'LinkCreate' },
)

export const linkList = page(linkResponse, 'LinkList')
export type LinkList = Static<typeof linkList>

export const linkListQuery = Type.Object({ type: Type.Optional(linkType), limit, offset }, closed)

export const linkRemoveQuery = Type.Object(
  { type: linkType, asset_id: uuid('The asset it points to.') },
  closed,
)

export const linkParams = Type.Object({ id: uuid('Asset id.'), link_id: uuid('Link id.') })

const expiration = Type.Optional(
  Type.Integer({ minimum: 60, maximum: 86_400, default: 3600, description: 'Seconds.' }),
)

export const presignQuery = Type.Object(
  {
    expiration,
    version: Type.Optional(Type.Integer({ minimum: 1, description: 'Pin this version number.' })),
  },
  closed,
)

export const presignedDownload = Type.Object(
  {
    url: Type.String({ description: 'Anyone who has it may read the asset until it expires.' }),
    method: Type.Literal('GET'),
    expires_at: time('When the link stops working.'),
  },
  { title: 'PresignedDownload' },
)
export type PresignedDownload = Static<typeof presignedDownload>

export const presignUpload = Type.Object(
  {
    bucket: bucketName,
    key,
    size_max: Type.Optional(
      Type.Integer({ minimum: 0, description: 'Largest body, bytes. Default: upload limit.' }),
    ),
    content_type: Type.Optional(
      Type.String({ minLength: 3, maxLength: 255, description: 'The only type it accepts.' }),
    ),
    expiration,
    service: Type.Optional(service),
    owner_id: Type.Optional(uuid('Owner of a new asset.')),
  },
  { ...closed, title: 'PresignUpload' },
)

export const presignedUpload = Type.Object(
  {
    url: Type.String(),
    method: Type.Literal('PUT'),
    expires_at: time('When the link stops working.'),
    headers: Type.Record(Type.String(), Type.String(), {
      description: 'Headers the upload must send.',
    }),
  },
  { title: 'PresignedUpload' },
)
export type PresignedUpload = Static<typeof presignedUpload>
