import Type, { type Static } from 'typebox'
import { usage } from './bucket.ts'
import { closed, nullable, time, total, uuid } from './fields.ts'
import { givenKeyLimits, keyFields, keyName } from './key-fields.ts'

const scope = Type.Enum(['bucket', 'owner', 'service'])
const quotaName = Type.String({
  minLength: 1,
  maxLength: 255,
  description: 'Bucket name, owner id or service name.',
})

export const quotaParams = Type.Object({ scope, name: quotaName })

export const quotaUpdate = Type.Object(
  {
    bytes_max: Type.Optional(
      nullable(Type.Integer({ minimum: 0, description: 'Null: no limit.' })),
    ),
    assets_max: Type.Optional(
      nullable(Type.Integer({ minimum: 0, description: 'Null: no limit.' })),
    ),
  },
  { ...closed, title: 'QuotaUpdate', minProperties: 1, description: 'Replaces the quota.' },
)

export const quotaResponse = Type.Object(
  {
    scope,
    name: quotaName,
    bytes_max: nullable(Type.Integer({ minimum: 0 })),
    assets_max: nullable(Type.Integer({ minimum: 0 })),
    usage,
    updated_at: nullable(time('When it was set; null when no quota is set.')),
    updated_by: nullable(Type.String()),
  },
  { title: 'QuotaResponse', description: 'A ceiling and what is used of it now.' },
)
export type QuotaResponse = Static<typeof quotaResponse>

export const quotaList = Type.Object(
  { items: Type.Array(quotaResponse), total },
  { title: 'QuotaList' },
)
export type QuotaList = Static<typeof quotaList>

export const keyResponse = Type.Object(
  {
    id: uuid('Id of the key: the principal id in access lists and history.'),
    name: Type.String(),
    prefix: Type.String({ description: 'How the key begins, to recognise it.' }),
    ...keyFields,
  },
  { title: 'KeyResponse' },
)
export type KeyResponse = Static<typeof keyResponse>

export const keyCreated = Type.Object(
  {
    ...keyResponse.properties,
    key: Type.String({ description: 'The API key itself. Shown this once, kept only as a hash.' }),
  },
  { title: 'KeyCreated' },
)
export type KeyCreated = Static<typeof keyCreated>

export const keyCreate = Type.Object(
  {
    name: keyName,
    permissions: Type.Array(Type.String({ minLength: 1, maxLength: 64 }), {
      maxItems: 64,
      description: '`resource:action`, with wildcards: `assets:read`, `assets:*`, `*:read`, `*`.',
    }),
    ...givenKeyLimits,
  },
  { ...closed, title: 'KeyCreate' },
)

export const keyList = Type.Object(
  { items: Type.Array(keyResponse), total },
  { title: 'ApiKeyList' },
)
export type ApiKeyList = Static<typeof keyList>

export const garbageResult = Type.Object(
  {
    removed_blobs: Type.Integer({ minimum: 0 }),
    removed_bytes: Type.Integer({ minimum: 0 }),
    waiting_blobs: Type.Integer({
      minimum: 0,
      description: 'Unreferenced blobs that are kept until their grace period is over.',
    }),
    freed_bytes: Type.Integer({ description: 'Space that came back on the element, bytes.' }),
    stopped: nullable(Type.String({ description: 'Why nothing was done; null when it was.' })),
  },
  { title: 'GarbageResult' },
)
export type GarbageResult = Static<typeof garbageResult>

const findings = Type.Array(
  Type.Object({
    sha256: Type.String(),
    location: Type.String({ description: 'Where on the element.' }),
    size: Type.Integer({ minimum: 0 }),
    problem: Type.String(),
  }),
)

export const verifyResult = Type.Object(
  {
    ok: Type.Boolean({ description: 'Nothing is missing or damaged.' }),
    checked_blobs: Type.Integer({ minimum: 0 }),
    checked_bytes: Type.Integer({ minimum: 0 }),
    missing: findings,
    damaged: findings,
    healed: findings,
    orphaned: findings,
    truncated: Type.Boolean({ description: 'There are more findings than are told.' }),
  },
  {
    title: 'VerifyResult',
    description:
      'Every stored blob was read again. Healed ones were damaged; another copy took their place.',
  },
)
export type VerifyResult = Static<typeof verifyResult>
