import Type, { type Static } from 'typebox'
import { bucketName, closed, limit, nullable, offset, page, time, uuid } from '../fields.ts'

const password = Type.String({ minLength: 1, maxLength: 1024, description: 'The password.' })
const newPassword = Type.String({
  minLength: 1,
  maxLength: 1024,
  description:
    'At least 12 characters with upper and lower case, a digit and a special character; not one ' +
    'of the last 5, and without the name of the user.',
})
const ownCode = Type.String({
  minLength: 6,
  maxLength: 64,
  description: 'Needed from who has a second factor.',
})
const status = Type.Enum(['ACTIVE', 'INACTIVE', 'LOCKED', 'DELETED'])
const role = Type.Enum(['ADMIN', 'OPERATOR', 'USER', 'AUDITOR', 'READONLY'])
const roles = Type.Array(role, { maxItems: 16, description: 'Named sets of permissions.' })
const confined = nullable(
  Type.Array(bucketName, { maxItems: 1000, description: 'Confined to these buckets; null: all.' }),
)

export const loginRequest = Type.Object(
  {
    username: Type.String({
      minLength: 1,
      maxLength: 254,
      description: 'User name or e-mail address.',
    }),
    password,
  },
  { ...closed, title: 'LoginRequest' },
)

export const refreshRequest = Type.Object(
  { refresh_token: Type.String({ minLength: 1, maxLength: 8192 }) },
  { ...closed, title: 'RefreshRequest' },
)

export const tokenResponse = Type.Object(
  {
    access_token: Type.String({ description: 'Sent as `Authorization: Bearer`.' }),
    refresh_token: Type.String({
      description: 'Good once, for the next pair. Used twice, it ends the session.',
    }),
    token_type: Type.Enum(['Bearer']),
    expires_in: Type.Integer({ minimum: 0, description: 'Seconds of the access token.' }),
    issued_at: time('When they were issued.'),
  },
  { title: 'TokenResponse' },
)
export type TokenResponse = Static<typeof tokenResponse>

export const passwordChange = Type.Object(
  {
    username: loginRequest.properties.username,
    password,
    new_password: newPassword,
    code: Type.Optional(ownCode),
  },
  { ...closed, title: 'PasswordChange' },
)

export const resetRequest = Type.Object(
  { username: loginRequest.properties.username },
  { ...closed, title: 'PasswordResetRequest' },
)

export const passwordReset = Type.Object(
  {
    token: Type.String({ minLength: 1, maxLength: 256, description: 'From the mail.' }),
    new_password: newPassword,
  },
  { ...closed, title: 'PasswordReset' },
)

export const whoAmI = Type.Object(
  {
    kind: Type.String({ description: 'user, api_key, …' }),
    id: Type.String({ description: 'The principal id that access lists and the history name.' }),
    name: Type.String(),
    permissions: Type.Array(Type.String()),
    own_permissions: Type.Array(Type.String(), {
      description: 'What it may with assets that it owns.',
    }),
    buckets: confined,
    confirms_with: Type.Union([Type.Enum(['password', 'directory', 'provider']), Type.Null()], {
      description:
        'What CONFIRMATION_REQUIRED takes: the password here, that of the directory, or another ' +
        'login at the provider. Null for who is asked for none.',
    }),
  },
  { title: 'WhoAmI' },
)
export type WhoAmI = Static<typeof whoAmI>

const jwk = Type.Object({
  kty: Type.String(),
  n: Type.String(),
  e: Type.String(),
  kid: Type.String(),
  use: Type.String(),
  alg: Type.String(),
})
export const jwks = Type.Object(
  { keys: Type.Array(jwk) },
  { title: 'Jwks', description: 'Public keys of access tokens (RFC 7517).' },
)
export type Jwks = Static<typeof jwks>

export const signingKeyList = Type.Object(
  {
    items: Type.Array(
      Type.Object({
        kid: Type.String(),
        algorithm: Type.String(),
        state: Type.Enum(['signing', 'verifying', 'retired']),
        created_at: time('When it was made.'),
        signs_until: time('Until then it signs new tokens.'),
        verifies_until: time('Until then its access tokens are taken.'),
      }),
    ),
    rotation_seconds: Type.Integer({ minimum: 1 }),
    next_rotation_at: nullable(time('When the next key is due; null: at the next login.')),
  },
  { title: 'SigningKeyList' },
)
export type SigningKeyList = Static<typeof signingKeyList>

export const signingKeyRotation = Type.Object(
  {
    distrust_former: Type.Optional(
      Type.Boolean({
        description:
          'One of them leaked: no token of them is taken from the answer on, every session ends, ' +
          'the own one too. Takes all rights.',
      }),
    ),
  },
  { ...closed, title: 'SigningKeyRotation' },
)

export const userParams = Type.Object({ id: uuid('User id.') })

const profile = {
  email: nullable(Type.String({ minLength: 3, maxLength: 254 })),
  first_name: Type.String({ maxLength: 100 }),
  last_name: Type.String({ maxLength: 100 }),
  roles,
  buckets: confined,
}

export const userResponse = Type.Object(
  {
    id: uuid('Id of the user: the principal id in access lists and history.'),
    username: Type.String(),
    ...profile,
    source: Type.String({ description: 'Where the password is kept.' }),
    status,
    locked_until: nullable(time('A lock ends by itself.')),
    must_change_password: Type.Boolean(),
    second_factor: Type.Boolean({ description: 'Whether a login needs a code as well.' }),
    is_system: Type.Boolean({ description: 'The administrator of the settings.' }),
    last_login_at: nullable(time('Of the last login that succeeded.')),
    created_at: time('When it was created.'),
    created_by: Type.String(),
    updated_at: time('When an administrator or the user last changed it.'),
  },
  { title: 'UserResponse' },
)
export type UserResponse = Static<typeof userResponse>

export const userCreate = Type.Object(
  {
    username: Type.String({ minLength: 3, maxLength: 100 }),
    password: newPassword,
    must_change_password: Type.Optional(
      Type.Boolean({
        default: true,
        description:
          'No token before the user chose another one. With false, who sets it goes on knowing it.',
      }),
    ),
    ...Type.Partial(Type.Object(profile)).properties,
  },
  { ...closed, title: 'UserCreate' },
)
export type UserCreate = Static<typeof userCreate>

export const userUpdate = Type.Partial(
  Type.Object({
    ...profile,
    status: Type.Enum(['ACTIVE', 'INACTIVE']),
    current_password: Type.String({
      minLength: 1,
      maxLength: 1024,
      description: 'That of the caller: needed to change the own address.',
    }),
    code: ownCode,
  }),
  {
    ...closed,
    title: 'UserUpdate',
    minProperties: 1,
    description:
      'What is absent stays. Who is set INACTIVE is out at once. The own e-mail address takes ' +
      'the own password, and the code of who has a second factor.',
  },
)
export type UserUpdate = Static<typeof userUpdate>

export const userPasswordReset = Type.Object(
  {
    password: newPassword,
    must_change: Type.Optional(
      Type.Boolean({
        default: true,
        description: 'With false, who sets it goes on knowing the password of somebody else.',
      }),
    ),
  },
  { ...closed, title: 'UserPasswordReset' },
)

export const userListQuery = Type.Object(
  {
    status: Type.Optional(status),
    enabled: Type.Optional(Type.Boolean({ description: 'ACTIVE and LOCKED ones, or the others.' })),
    role: Type.Optional(role),
    search: Type.Optional(
      Type.String({ minLength: 1, maxLength: 254, description: 'Part of a name or address.' }),
    ),
    limit,
    offset,
  },
  closed,
)

export const userList = page(userResponse, 'UserList')
export type UserList = Static<typeof userList>
