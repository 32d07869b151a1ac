import Type, { type Static } from 'typebox'
import { closed } from '../fields.ts'
import { loginRequest } from './identity.ts'

const { username, password } = loginRequest.properties
export const code = Type.String({
  minLength: 6,
  maxLength: 64,
  description: 'Six digits of the authenticator app, or a recovery code. Good once.',
})

export const codeLogin = Type.Object(
  {
    challenge: Type.String({
      minLength: 1,
      maxLength: 1024,
      description: 'From the details of SECOND_FACTOR_REQUIRED; good for five minutes.',
    }),
    code,
  },
  { ...closed, title: 'CodeLogin' },
)

export const factorBegin = Type.Object(
  { username, password },
  { ...closed, title: 'SecondFactorBegin' },
)

export const factorProof = Type.Object(
  { username, password, code },
  { ...closed, title: 'SecondFactorProof' },
)

export const factorEnrolment = Type.Object(
  {
    secret: Type.String({ description: 'Base32, to be typed in. Shown this once.' }),
    otpauth_uri: Type.String({ description: 'The same, for a QR code.' }),
  },
  { title: 'SecondFactorEnrolment' },
)
export type FactorEnrolment = Static<typeof factorEnrolment>

export const recoveryCodes = Type.Object(
  {
    recovery_codes: Type.Array(Type.String(), {
      description: 'Each good once in place of a code. Shown this once.',
    }),
  },
  { title: 'RecoveryCodes' },
)
export type RecoveryCodes = Static<typeof recoveryCodes>
