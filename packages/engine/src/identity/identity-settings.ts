export interface IdentitySettings {
  /** `iss` of our tokens. */
  readonly issuer: string
  readonly accessSeconds: number
  readonly refreshSeconds: number
  /** No session of a user lives longer, however often it is refreshed. */
  readonly sessionSeconds: number
  /** What gives rights to others or outlives a session takes a proof no older; 0 for none. */
  readonly confirmSeconds: number
  /** Whether service accounts get refresh tokens as well, which RFC 6749 §4.4.3 advises against. */
  readonly accountRefresh: boolean
  /** Requests of a service account that has no limit of its own; 0 for no limit. */
  readonly accountRequestsPerMinute: number
  /** A key signs for so long, and is taken for `overlapSeconds` more. */
  readonly rotationSeconds: number
  readonly overlapSeconds: number
  /** Keys made by request that are still taken; beyond, requests wait. */
  readonly askedKeysMax: number
  readonly lockoutFailures: number
  readonly lockoutSeconds: number
  /** Passwords older than this must be changed; 0 never. */
  readonly passwordDays: number
  /** Who can log in only to enrol a second factor, as long as there is none. */
  readonly secondFactorFor: 'nobody' | 'administrators' | 'everybody'
  /** How long the code may be given after the password. */
  readonly challengeSeconds: number
  /** How long a mailed token is good for a new password. */
  readonly resetSeconds: number
  /** Page that takes such tokens; undefined: the mail tells the token alone. */
  readonly resetUrl: string | undefined
  /** Reset mails in an hour. */
  readonly resetsPerUser: number
  readonly resetsPerAddress: number
  /** Cost of bcrypt; only tests of this package go below 12. */
  readonly passwordCost: number
}

const HOUR = 3600

export const defaultIdentitySettings: IdentitySettings = Object.freeze({
  issuer: 'holdfast',
  accessSeconds: HOUR / 2,
  refreshSeconds: 7 * 24 * HOUR,
  sessionSeconds: 30 * 24 * HOUR,
  confirmSeconds: HOUR / 4,
  accountRefresh: false,
  accountRequestsPerMinute: 100,
  rotationSeconds: 24 * HOUR,
  overlapSeconds: 25 * HOUR,
  askedKeysMax: 20,
  lockoutFailures: 5,
  lockoutSeconds: HOUR / 2,
  passwordDays: 90,
  secondFactorFor: 'nobody',
  challengeSeconds: 300,
  resetSeconds: HOUR / 4,
  resetUrl: undefined,
  resetsPerUser: 3,
  resetsPerAddress: 30,
  passwordCost: 12,
})
