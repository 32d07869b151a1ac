import Type, { type Static } from 'typebox'
import { closed } from '../fields.ts'

const secret = { minLength: 43, maxLength: 128, pattern: '^[A-Za-z0-9._~-]+$' }

export const openIdQuery = Type.Object(
  {
    return_to: Type.String({
      maxLength: 2048,
      description: 'Page that gets the code, one of those of the settings.',
    }),
    challenge: Type.String({
      minLength: 43,
      maxLength: 43,
      pattern: '^[A-Za-z0-9_-]+$',
      description: 'SHA-256 of the verifier, in base64url (RFC 7636 §4.2).',
    }),
  },
  closed,
)

export const openIdRedeem = Type.Object(
  {
    code: Type.String({ ...secret, description: 'From the fragment of the page: `#code=`.' }),
    verifier: Type.String({
      ...secret,
      description: 'The secret whose challenge began the login.',
    }),
  },
  { ...closed, title: 'OpenIdRedeem' },
)
export type OpenIdRedeem = Static<typeof openIdRedeem>
