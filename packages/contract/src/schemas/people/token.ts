import Type, { type Static } from 'typebox'
import { closed, nullable } from '../fields.ts'

export const tokenValidation = Type.Object(
  {
    token: Type.String({
      minLength: 1,
      maxLength: 8192,
      description: 'An access or refresh token. Of API keys nothing is told.',
    }),
  },
  { ...closed, title: 'TokenValidation' },
)

export const tokenStatus = Type.Object(
  {
    active: Type.Boolean({ description: 'False: nothing else is told, nor why.' }),
    token_use: Type.Optional(Type.Enum(['access', 'refresh'])),
    kind: Type.Optional(Type.Enum(['user', 'service_account', 'external'])),
    iss: Type.Optional(Type.String({ description: 'Who signed it.' })),
    sub: Type.Optional(Type.String({ description: 'The principal id of its owner.' })),
    username: Type.Optional(Type.String({ description: 'Of a service account its client id.' })),
    sid: Type.Optional(Type.String({ description: 'What it ends with: session or secret.' })),
    exp: Type.Optional(Type.Integer({ description: 'Seconds since 1970: good until then.' })),
    scope: Type.Optional(
      Type.String({ description: 'What an access token permits somewhere, by spaces.' }),
    ),
  },
  { title: 'TokenStatus', description: 'The words are those of RFC 7662, §2.2.' },
)
export type TokenStatus = Static<typeof tokenStatus>

export const loginWays = Type.Object(
  {
    password: Type.Boolean({ description: 'Users of this store, at `POST /api/v2/auth/login`.' }),
    directory: Type.Boolean({ description: 'People of a directory, at the same address.' }),
    openid: nullable(
      Type.Object(
        {
          label: Type.String({ description: 'What to write on the button: `OIDC_LABEL`.' }),
          path: Type.String({ description: 'Where a page sends the browser.' }),
        },
        { description: 'A provider of logins; null: none.' },
      ),
    ),
    password_reset: Type.Boolean({ description: 'Whether a mail lets people choose a new one.' }),
    second_factor_for: Type.Enum(['nobody', 'administrators', 'everybody'], {
      description: 'Who must have one.',
    }),
  },
  { title: 'LoginWays', description: 'What a login page needs to know, and nothing else.' },
)
export type LoginWays = Static<typeof loginWays>
