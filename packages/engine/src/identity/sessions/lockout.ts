import { HoldfastError } from '@holdfast/core/errors.ts'
import type { User } from '@holdfast/core/identities.ts'
import { commit } from '../../commit.ts'
import { type Engine, systemCall } from '../../engine.ts'

/** Whose guesses are counted: those at an account, if it is told which, and at names. */
export interface Guessed {
  readonly user: User | undefined
  /** In lower case: the one that was typed, or all of an account. */
  readonly names: readonly string[]
}

/** ACCOUNT_LOCKED for who has proved already that the account is theirs, by token or password. */
export function requireUnlocked({ clock }: Engine, user: User): void {
  refuseUntil(lockEndMs(user, clock.now()), clock.now())
}

/**
 * ACCOUNT_LOCKED after too many failures under this very name. Nothing else tells of a lock to who
 * has proved nothing: five guesses at one name of an account would show which other names it has.
 */
export function requireNameUnlocked({ identity, clock }: Engine, name: string): void {
  const nowMs = clock.now()
  refuseUntil(identity.guessedNames.lockedUntilMs(name, nowMs), nowMs)
}

function refuseUntil(untilMs: number | undefined, nowMs: number): void {
  if (untilMs === undefined) return
  throw new HoldfastError('ACCOUNT_LOCKED', { retry_after: Math.ceil((untilMs - nowMs) / 1000) })
}

/** Durable before it resolves, with the same writes for a name that nobody has. */
export async function countFailure(engine: Engine, { user, names }: Guessed): Promise<void> {
  const { settings, guessedNames, tokens } = engine.identity
  const { lockoutFailures: failures, lockoutSeconds: seconds } = settings
  for (const name of names) guessedNames.fail(name, engine.clock.now(), { failures, seconds })
  const args = { id: user?.id ?? null, failuresMax: failures, lockMs: seconds * 1000 }
  const after = await commit(engine, systemCall('login'), { name: 'users.fail', args })
  if (after === undefined) tokens.stir()
  if (after !== undefined && lockEndMs(after, engine.clock.now()) !== undefined) {
    const { counts } = engine.identity
    counts.lockouts += 1
    counts.onLocked(after)
  }
}

export function lockEndMs(user: User, nowMs: number): number | undefined {
  const endMs = user.lockedUntil === null ? 0 : Date.parse(user.lockedUntil)
  return endMs > nowMs ? endMs : undefined
}
