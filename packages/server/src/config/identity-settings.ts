import { isRole, roleNames } from '@holdfast/core/roles.ts'
import { setting } from './setting.ts'
import { boolean, integer, list, oneOf, seconds, text } from './setting-kinds.ts'

/** Rows of the settings table about people, programs, their tokens and sessions. */
export const identitySettings = {
  initialAdminUsername: setting<string | undefined>({
    name: 'INITIAL_ADMIN_USERNAME',
    kind: text({
      pattern: /^[A-Za-z0-9][A-Za-z0-9._@+-]{2,99}$/,
      hint: '3 to 100 letters, digits or . _ @ + -',
    }),
    description: 'User with the role ADMIN, created at start if absent. Needs the password too.',
    standard: undefined,
  }),
  initialAdminPassword: setting<string | undefined>({
    name: 'INITIAL_ADMIN_PASSWORD',
    kind: text({ pattern: /^[^\0\r\n]{12,1024}$/, hint: 'at least 12 characters' }),
    description: 'Password of that user. Changing it here later changes nothing.',
    standard: undefined,
    secret: true,
  }),
  initialAdminEmail: setting<string | undefined>({
    name: 'INITIAL_ADMIN_EMAIL',
    kind: text({ pattern: /^[^\s@]{1,64}@[^\s@]{1,189}$/, hint: 'an e-mail address' }),
    description: 'E-mail address of that user.',
    standard: undefined,
  }),
  initialAccountName: setting<string | undefined>({
    name: 'INITIAL_ACCOUNT_NAME',
    kind: text({
      pattern: /^[a-z0-9][a-z0-9-]{1,62}$/,
      hint: '2 to 63 of a-z, 0-9 and -, a letter or digit first',
    }),
    description: 'Service account, created at start if absent. Needs the secret too.',
    standard: undefined,
  }),
  initialAccountClientId: setting<string | undefined>({
    name: 'INITIAL_ACCOUNT_CLIENT_ID',
    kind: text({
      pattern: /^sa_[a-z0-9][a-z0-9-]{0,19}_[a-z0-9][a-z0-9-]{1,62}_[0-9a-f]{12}$/,
      hint: 'sa_ENVIRONMENT_NAME_ and 12 hexadecimal digits',
    }),
    description: 'Client id of that account, with its name in it. Unset, it is made and logged.',
    standard: undefined,
  }),
  initialAccountSecret: setting<string | undefined>({
    name: 'INITIAL_ACCOUNT_SECRET',
    kind: text({
      pattern: /^[\x21-\x7e]{32,1024}$/,
      hint: '32 to 1024 printable ASCII characters without spaces',
    }),
    description:
      'Its client secret, good for 90 days; the next one comes by rotation. Changing it here ' +
      'later changes nothing.',
    standard: undefined,
    secret: true,
  }),
  initialAccountRoles: setting({
    name: 'INITIAL_ACCOUNT_ROLES',
    kind: list('roles', word => {
      return isRole(word) ? undefined : `must be one of ${roleNames.join(', ')}`
    }),
    description: 'Roles that the account is made with.',
    standard: ['USER'],
  }),
  tokenIssuer: setting({
    name: 'TOKEN_ISSUER',
    kind: text({ pattern: /^[\x21-\x7e]{1,255}$/, hint: '1 to 255 printable ASCII characters' }),
    description: 'Issuer (`iss`) of the tokens of this store.',
    standard: 'holdfast',
  }),
  accessTokenSeconds: setting({
    name: 'ACCESS_TOKEN_LIFETIME',
    kind: seconds(60, 86_400),
    description: 'How long an access token is good.',
    standard: 1800,
  }),
  refreshTokenSeconds: setting({
    name: 'REFRESH_TOKEN_LIFETIME',
    kind: seconds(300, 90 * 86_400),
    description: 'How long a refresh token is good.',
    standard: 604_800,
  }),
  sessionSeconds: setting({
    name: 'SESSION_LIFETIME',
    kind: seconds(300, 3650 * 86_400),
    description: 'After so long people log in again, however often the session was refreshed.',
    standard: 30 * 86_400,
  }),
  confirmSeconds: setting({
    name: 'CONFIRMATION_LIFETIME',
    kind: seconds(0, 86_400),
    description:
      'So long after a login, or after proving it anew, people may do what gives rights to ' +
      'others or outlives the session; 0 asks for no proof.',
    standard: 900,
  }),
  accountRefreshTokens: setting({
    name: 'ACCOUNT_REFRESH_TOKENS',
    kind: boolean,
    description:
      'Service accounts get refresh tokens, for clients that insist on one. RFC 6749 advises ' +
      'against it: the secret gets the next token. Of an account 100 sessions are kept: one more ' +
      'ends the oldest.',
    standard: false,
  }),
  keyRotationSeconds: setting({
    name: 'KEY_ROTATION_INTERVAL',
    kind: seconds(3600, 365 * 86_400),
    description: 'How long a key signs tokens before the next one takes over.',
    standard: 86_400,
  }),
  keyOverlapSeconds: setting({
    name: 'KEY_OVERLAP',
    kind: seconds(60, 30 * 86_400),
    description: 'How long access tokens of the key before are still taken.',
    standard: 90_000,
  }),
  askedKeysMax: setting({
    name: 'KEY_ROTATIONS_MAX',
    kind: integer(1, 1000),
    description: 'Signing keys made by request that are still taken; beyond it, requests wait.',
    standard: 20,
  }),
  lockoutFailures: setting({
    name: 'LOCKOUT_FAILURES',
    kind: integer(1, 100),
    description: 'Failed logins that lock an account.',
    standard: 5,
  }),
  lockoutSeconds: setting({
    name: 'LOCKOUT_DURATION',
    kind: seconds(1, 365 * 86_400),
    description: 'How long a lock lasts; it ends by itself.',
    standard: 1800,
  }),
  passwordDays: setting({
    name: 'PASSWORD_MAX_AGE_DAYS',
    kind: integer(0, 36_500, 'days'),
    description: 'Age at which a password must be changed; 0 for never.',
    standard: 90,
  }),
  secondFactorFor: setting<'nobody' | 'administrators' | 'everybody'>({
    name: 'SECOND_FACTOR_REQUIRED',
    kind: oneOf(['nobody', 'administrators', 'everybody']),
    description:
      'Users who can log in only to enrol a second factor until they have one. Administrators ' +
      'are all whose roles administer something.',
    standard: 'nobody',
  }),
}
