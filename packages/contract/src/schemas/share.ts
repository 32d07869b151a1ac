import Type, { type Static } from 'typebox'
import { bucketName, closed, cursor, limit, nullable, offset, page, time, uuid } from './fields.ts'

const note = Type.String({ maxLength: 255, description: "For the maker's own list." })
const usesMax = Type.Integer({
  minimum: 1,
  maximum: 1_000_000,
  description: 'Downloads it is good for; absent or null: any number.',
})
const prefix = Type.String({
  maxLength: 1024,
  description: 'What the keys begin with; empty for the whole bucket.',
})
const version = Type.Integer({ minimum: 1, description: 'This version number, not the newest.' })
const state = Type.Enum(['live', 'locked', 'expired', 'used_up', 'revoked', 'withdrawn'], {
  description:
    'What who has the link would meet now. `withdrawn`: its maker, or what it opens, is gone, or ' +
    'the maker may no longer read it.',
})

export const shareCreate = Type.Object(
  {
    asset_id: Type.Optional(uuid('Share this asset. Excludes `bucket`.')),
    version: Type.Optional(version),
    bucket: Type.Optional(bucketName),
    prefix: Type.Optional(prefix),
    expires_in: Type.Optional(
      Type.Integer({
        minimum: 60,
        maximum: 31_536_000,
        default: 604_800,
        description: 'Seconds until it ends.',
      }),
    ),
    uses_max: Type.Optional(nullable(usesMax)),
    password: Type.Optional(
      Type.String({ minLength: 8, maxLength: 1024, description: 'Asked of who has the link.' }),
    ),
    note: Type.Optional(note),
  },
  {
    ...closed,
    title: 'ShareCreate',
    description: 'Of one asset, or of all assets of a bucket whose keys begin with a prefix.',
  },
)
export type ShareCreate = Static<typeof shareCreate>

const shown = {
  id: uuid('Share id. It opens nothing: the link does.'),
  state,
  asset_id: nullable(uuid('The asset that is shared.')),
  version: nullable(version),
  bucket: nullable(bucketName),
  prefix: nullable(prefix),
  note,
  has_password: Type.Boolean(),
  expires_at: time('When it ends.'),
  uses_max: nullable(usesMax),
  uses: Type.Integer({ minimum: 0, description: 'Downloads so far.' }),
  last_used_at: nullable(time('Of the last download.')),
  maker_id: Type.String({ description: 'Principal whose rights it is held to.' }),
  maker_name: Type.String(),
  created_at: time('When it was made.'),
  revoked_at: nullable(time('When it was revoked.')),
  revoked_by: nullable(Type.String()),
}

export const shareResponse = Type.Object(shown, { title: 'ShareResponse' })
export type ShareResponse = Static<typeof shareResponse>

export const shareCreated = Type.Object(
  { ...shown, url: Type.String({ description: 'The link itself. Shown this once.' }) },
  { title: 'ShareCreated' },
)
export type ShareCreated = Static<typeof shareCreated>

export const shareParams = Type.Object({ id: uuid('Share id.') })

export const shareListQuery = Type.Object(
  {
    maker_id: Type.Optional(
      Type.String({ minLength: 1, maxLength: 64, description: 'Of others: needs `admin:users`.' }),
    ),
    all: Type.Optional(
      Type.Boolean({ default: false, description: 'Of all makers; needs `admin:users`.' }),
    ),
    asset_id: Type.Optional(uuid('Of this asset.')),
    bucket: Type.Optional(bucketName),
    state: Type.Optional(state),
    limit,
    offset,
  },
  closed,
)

export const shareList = page(shareResponse, 'ShareList')
export type ShareList = Static<typeof shareList>

export const shareTokenParams = Type.Object({
  token: Type.String({ minLength: 1, maxLength: 128, description: 'The token of the link.' }),
})
export const sharedFileParams = Type.Object({
  ...shareTokenParams.properties,
  key: Type.String({ minLength: 1, maxLength: 1024, description: 'Key without the prefix.' }),
})

export const fileKey = Type.Optional(
  Type.String({
    maxLength: 1024,
    description:
      'The file with this key without the prefix, instead of the page: for `.`, `..` and the ' +
      'prefix itself, which no path can name in a browser.',
  }),
)

export const sharedQuery = Type.Object({ limit, cursor }, closed)

export const sharedResponse = Type.Object(
  {
    kind: Type.Enum(['asset', 'prefix']),
    expires_at: time('When the link ends.'),
    uses_left: nullable(Type.Integer({ minimum: 0, description: 'Null: any number.' })),
    files: Type.Array(
      Type.Object({
        key: Type.String({ description: 'Key without the prefix; of an asset, its name.' }),
        name: Type.String(),
        size: Type.Integer({ minimum: 0 }),
        content_type: Type.String(),
        updated_at: time('When this content was written.'),
        url: Type.String({ description: 'Where to download it; a download counts.' }),
      }),
    ),
    total: Type.Integer({ minimum: 0 }),
    next_cursor: Type.Optional(Type.String()),
  },
  { title: 'Shared', description: 'What a share link opens.' },
)
export type SharedResponse = Static<typeof sharedResponse>
