import Type, { type Static } from 'typebox'
import { bucketName, closed, limit, nullable, offset, page, time, uuid } from '../fields.ts'

const roles = Type.Array(Type.Enum(['ADMIN', 'OPERATOR', 'USER', 'AUDITOR', 'READONLY']), {
  maxItems: 16,
  description: 'Named sets of permissions.',
})
const permissions = Type.Array(Type.String(), {
  maxItems: 64,
  description: 'Scopes beyond those of the roles, such as `assets:read`.',
})
const buckets = nullable(
  Type.Array(bucketName, { maxItems: 1000, description: 'Confined to these buckets; null: all.' }),
)
const description = Type.String({ maxLength: 1000 })
const expiresAt = nullable(time('When the account ends; null: never.'))
const name = Type.String({
  pattern: '^[a-z0-9][a-z0-9-]{1,62}$',
  description: 'Stands in the client id.',
  examples: ['backup-runner'],
})
const environment = Type.String({
  pattern: '^[a-z0-9][a-z0-9-]{0,19}$',
  description: 'Stands in the client id.',
  default: 'default',
})
const rateLimit = nullable(
  Type.Integer({
    minimum: 0,
    maximum: 1_000_000,
    description:
      'Requests a minute, of all its tokens, keys and links together; 0: no limit; null: ' +
      'STORAGE_RATE_LIMIT_ACCOUNT.',
  }),
)
const status = Type.Enum(['ACTIVE', 'SUSPENDED', 'EXPIRED', 'DELETED'])
const secretDays = Type.Integer({
  minimum: 1,
  maximum: 365,
  default: 90,
  description: 'Days that the secret is good for.',
})

const shown = {
  id: uuid('Id of the account: the principal id in access lists and history.'),
  client_id: Type.String({ examples: ['sa_default_backup-runner_1f2e3d4c5b6a'] }),
  name,
  description,
  environment,
  status,
  roles,
  permissions,
  buckets,
  expires_at: expiresAt,
  rate_limit: rateLimit,
  secrets: Type.Array(
    Type.Object({
      id: uuid('Secret id.'),
      prefix: Type.String({
        description: 'Its first characters, to recognise it; `settings`: it came from there.',
      }),
      created_at: time('When it was made.'),
      created_by: Type.String(),
      expires_at: time('When it ends, and all tokens that were issued for it.'),
    }),
    { description: 'Newest last.' },
  ),
  is_system: Type.Boolean({
    description: 'Made by the settings: cannot be removed or suspended, and has no end.',
  }),
  last_token_at: nullable(time('Of its last token since the server started.')),
  created_at: time('When it was made.'),
  created_by: Type.String(),
  updated_at: time('When it last changed.'),
}

export const accountResponse = Type.Object(shown, { title: 'ServiceAccount' })
export type AccountResponse = Static<typeof accountResponse>

export const accountWithSecret = Type.Object(
  { ...shown, client_secret: Type.String({ description: 'Shown this once.' }) },
  { title: 'ServiceAccountWithSecret' },
)

const profile = {
  description,
  roles,
  permissions,
  buckets,
  expires_at: expiresAt,
  rate_limit: rateLimit,
}

export const accountCreate = Type.Object(
  {
    name,
    environment: Type.Optional(environment),
    secret_days: Type.Optional(secretDays),
    ...Type.Partial(Type.Object(profile)).properties,
  },
  { ...closed, title: 'ServiceAccountCreate' },
)

export const accountUpdate = Type.Partial(
  Type.Object({ ...profile, status: Type.Enum(['ACTIVE', 'SUSPENDED']) }),
  {
    ...closed,
    title: 'ServiceAccountUpdate',
    minProperties: 1,
    description: 'What is absent stays. One that is set SUSPENDED is out at once.',
  },
)
export type AccountUpdate = Static<typeof accountUpdate>

export const accountParams = Type.Object({ id: uuid('Account id.') })
export const secretParams = Type.Object({
  id: uuid('Account id.'),
  secret_id: uuid('Secret id.'),
})
export const accountListQuery = Type.Object(
  { status: Type.Optional(status), limit, offset },
  closed,
)
export const accountList = page(accountResponse, 'ServiceAccountList')

export const secretCreate = Type.Object(
  {
    secret_days: Type.Optional(secretDays),
    overlap: Type.Optional(
      Type.Integer({
        minimum: 0,
        maximum: 2_592_000,
        default: 86_400,
        description: 'Seconds that the secrets before it are still good for.',
      }),
    ),
  },
  { ...closed, title: 'SecretCreate' },
)

/** RFC 6749 §3.2: parameters that are not known are ignored. */
export const tokenRequest = Type.Object(
  {
    grant_type: Type.Optional(
      Type.String({
        description: '`client_credentials`, in JSON it may be absent; or `refresh_token`.',
      }),
    ),
    refresh_token: Type.Optional(Type.String({ maxLength: 8192 })),
    client_id: Type.Optional(Type.String({ maxLength: 255 })),
    client_secret: Type.Optional(Type.String({ maxLength: 1024 })),
    scope: Type.Optional(
      Type.String({ maxLength: 2048, description: 'Permissions, separated by spaces.' }),
    ),
  },
  {
    title: 'TokenRequest',
    description: 'Id and secret here, or as HTTP Basic authentication (RFC 6749 §2.3.1).',
  },
)
export type TokenRequest = Static<typeof tokenRequest>

export const clientTokenResponse = Type.Object(
  {
    access_token: Type.String({ description: 'Sent as `Authorization: Bearer`.' }),
    token_type: Type.Enum(['Bearer']),
    expires_in: Type.Integer({ minimum: 0, description: 'Seconds.' }),
    issued_at: time('When it was issued.'),
    refresh_token: Type.Optional(
      Type.String({ description: 'Good once. Only with STORAGE_ACCOUNT_REFRESH_TOKENS.' }),
    ),
    scope: Type.String({ description: 'What it permits; access lists may open more to it.' }),
  },
  { title: 'ClientTokenResponse', description: 'RFC 6749 §5.1.' },
)
