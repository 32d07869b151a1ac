import type { RefusedHolder } from '@holdfast/core/errors.ts'
import type { SigningKey, User } from '@holdfast/core/identities.ts'

export type TokenUse = 'access' | 'refresh'
export type TokenKind = 'user' | 'service_account'
/** Partial: of some people the directory could not tell. */
export type CheckResult = 'success' | 'partial' | 'failed'

/** In place of the name of an issuer. */
export const OWN_ISSUER = 'own'
export const UNKNOWN_ISSUER = 'unknown'

/** What somebody of another place may here because that place says so. */
export interface RightsThere {
  readonly status: User['status']
  readonly roles: readonly string[]
  readonly permissions: readonly string[]
  readonly groups: readonly string[]
}

export interface ChangedRights {
  readonly user: User
  /** Null of who was not known. */
  readonly before: RightsThere | null
  readonly after: RightsThere
}

export interface ReusedSession extends RefusedHolder {
  readonly sessionId: string
  readonly ip: string
  readonly agent: string
}

/**
 * What happened since the start, for metrics. Names are ours or of the settings, never a caller's,
 * so their number is bounded.
 */
export class IdentityCounts {
  /** Signing keys that were made in their time, and because somebody asked. */
  readonly rotations = { schedule: 0, request: 0 }
  readonly created: Record<TokenKind, Record<TokenUse, number>> = {
    user: { access: 0, refresh: 0 },
    service_account: { access: 0, refresh: 0 },
  }
  /** Access tokens that were looked at, by issuer and by how it ended: success, or a code. */
  readonly validations = new Map<string, Map<string, number>>()
  /** Rounds of the directory, and loads of the keys of issuers, by place and by how they ended. */
  readonly checks = new Map<string, Record<CheckResult, number>>()
  /** Accounts that wrong guesses locked. */
  lockouts = 0
  /** Told of what nobody asked for by name, for the audit log. */
  onLocked: (user: User) => void = () => {}
  onRotated: (key: SigningKey) => void = () => {}
  /** A session ended, since a refresh token of it came a second time, from there. */
  onReused: (session: ReusedSession) => void = () => {}
  /** Out, since the directory says so. */
  onClosed: (user: User, reason: string) => void = () => {}
  /** The directory or a provider gave or took rights, or opened again whom it had closed. */
  onRights: (changed: ChangedRights) => void = () => {}

  constructor(issuers: readonly string[], directory?: string) {
    for (const issuer of [OWN_ISSUER, UNKNOWN_ISSUER, ...issuers]) {
      // Counters are there before they count: what appears with 1 has not risen.
      this.validations.set(issuer, new Map(RESULTS.map(result => [result, 0])))
    }
    for (const place of directory === undefined ? issuers : [...issuers, directory]) {
      this.checks.set(place, { success: 0, partial: 0, failed: 0 })
    }
  }

  countCheck(place: string, result: CheckResult): void {
    const results = this.checks.get(place)
    if (results !== undefined) results[result] += 1
  }

  countValidation(issuer: string, result: string): void {
    const results = this.validations.get(issuer)
    results?.set(result, (results.get(result) ?? 0) + 1)
  }
}

const RESULTS = ['success', 'UNAUTHENTICATED', 'CREDENTIAL_EXPIRED', 'IDENTITY_UNAVAILABLE']
