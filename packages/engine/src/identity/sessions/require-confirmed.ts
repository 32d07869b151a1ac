import type { Call } from '@holdfast/core/call.ts'
import { HoldfastError } from '@holdfast/core/errors.ts'
import type { Engine } from '../../engine.ts'

const SKEW_MS = 60_000

/**
 * CONFIRMATION_REQUIRED for the session of a person whose last proof is too old: whoever got hold
 * of its token must not make what is good after it, or give rights away. Programs are not asked.
 */
export function requireConfirmed(
  { identity, clock }: Engine,
  { principal }: Pick<Call, 'principal'>,
): void {
  const { confirmSeconds: seconds } = identity.settings
  const { kind, sessionId, confirmedAt = '' } = principal
  if (seconds === 0 || kind !== 'user' || sessionId === undefined) return
  // A session that tells of no proof had none: every comparison with that is false. Nor is one of
  // the future a proof: the clock went back, and it would be good for longer.
  const ageMs = clock.now() - Date.parse(confirmedAt)
  if (ageMs <= seconds * 1000 && ageMs >= -SKEW_MS) return
  throw new HoldfastError('CONFIRMATION_REQUIRED', { max_age_seconds: seconds })
}

const GIVING = ['email', 'roles', 'permissions', 'buckets', 'expiresAt'] as const

/** Whether a change of a user or an account opens more than it did, or may. */
export function isGiving(
  patch: {
    readonly [Name in (typeof GIVING)[number] | 'status']?: unknown
  },
): boolean {
  return patch.status === 'ACTIVE' || GIVING.some(name => patch[name] !== undefined)
}
