import type { JsonObject } from '@holdfast/core/records.ts'
import Type, { type TSchema } from 'typebox'

/** Wire pieces used by many schemas. Everything on the wire is snake_case. */

export const UUID_PATTERN =
  '^[0-9a-fA-F]{8}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{12}$'

export function uuid(description: string) {
  return Type.String({ format: 'uuid', pattern: UUID_PATTERN, description })
}

export function nullable<Schema extends TSchema>(schema: Schema) {
  return Type.Union([schema, Type.Null()])
}

export function time(description: string) {
  return Type.String({
    format: 'date-time',
    description,
    examples: ['2026-11-21T22:31:00.000Z'],
  })
}

/** An object that takes no other fields: a misspelt field is refused, not ignored. */
export const closed = { additionalProperties: false } as const

export const metadata = Type.Unsafe<JsonObject>({
  type: 'object',
  description:
    'Free key-value data. At most 256 keys, 8 levels and 32 KiB of JSON; the keys `__proto__`, ' +
    '`constructor` and `prototype` are refused.',
  examples: [{ project: 'atlas', page: 12 }],
})

export const tags = Type.Array(Type.String({ minLength: 1, maxLength: 256 }), {
  maxItems: 64,
  description: 'Labels to find assets by.',
})

export const acl = Type.Object(
  {
    read: Type.Array(Type.String(), { maxItems: 256, description: 'Principal ids that may read.' }),
    write: Type.Array(Type.String(), {
      maxItems: 256,
      description: 'Principal ids that may change and delete.',
    }),
  },
  {
    ...closed,
    title: 'Acl',
    description:
      'When set, only administrators and the principals named here may use the asset; the ones ' +
      'named need no scope for it.',
  },
)

export const assetType = Type.Enum(['image', 'document', 'audio', 'video', 'binary', 'archive'], {
  description: 'Kind of content; derived from the content type when absent.',
})

export const bucketName = Type.String({
  minLength: 3,
  maxLength: 63,
  description: 'Bucket name, by the rules of S3.',
  examples: ['holdfast'],
})

export const key = Type.String({
  minLength: 1,
  maxLength: 1024,
  description:
    'Name of the asset in its bucket: 1 to 1,024 bytes of UTF-8, any characters but NUL, kept ' +
    'exactly as given.',
  examples: ['photos/2026/cliff.jpg'],
})

export const assetName = Type.String({
  minLength: 1,
  maxLength: 1024,
  description: 'Name shown to people and offered on download; no control characters.',
  examples: ['cliff.jpg'],
})

export const service = Type.String({
  minLength: 1,
  maxLength: 255,
  description: 'The service or program the asset belongs to.',
  examples: ['gallery'],
})

export const limit = Type.Optional(
  Type.Integer({ minimum: 1, maximum: 1000, default: 100, description: 'Items per page.' }),
)

export const offset = Type.Optional(
  Type.Integer({
    minimum: 0,
    maximum: 1_000_000_000,
    default: 0,
    description: 'Items to skip. For deep paging use `cursor`, whose cost does not grow.',
  }),
)

export const cursor = Type.Optional(
  Type.String({
    minLength: 1,
    maxLength: 4096,
    description: '`next_cursor` of the page before; excludes `offset`.',
  }),
)

export const total = Type.Integer({ minimum: 0, description: 'All items that match, not a page.' })

/** Where nothing bounds how many there are. */
export const totalBehind = Type.Integer({
  minimum: 0,
  description: 'Items that match; of those behind the page up to 10,000 are counted.',
})

/** The fields of a page around its items. */
export function page<Item extends TSchema>(item: Item, title: string, counted = total) {
  return Type.Object(
    {
      items: Type.Array(item),
      total: counted,
      limit: Type.Integer({ minimum: 1 }),
      offset: Type.Integer({ minimum: 0 }),
    },
    { title },
  )
}
