import { HoldfastError } from '@holdfast/core/errors.ts'
import type { User } from '@holdfast/core/identities.ts'
import { commit } from '../../commit.ts'
import { type Engine, systemCall } from '../../engine.ts'

/** Whose guesses are counted: an account, or a name that has none here. */
export interface Guessed {
  readonly user: User | undefined
  readonly name: string
}

/** ACCOUNT_LOCKED after too many failures; names that nobody has lock like accounts. */
export function requireUnlocked({ identity, clock }: Engine, { user, name }: Guessed): void {
  const nowMs = clock.now()
  const lockedUntilMs =
    user === undefined ? identity.strangers.lockedUntilMs(name, nowMs) : lockEndMs(user, nowMs)
  if (lockedUntilMs === undefined) return
  const seconds = Math.ceil((lockedUntilMs - nowMs) / 1000)
  throw new HoldfastError('ACCOUNT_LOCKED', { retry_after: seconds })
}

/** Durable before it resolves, with the same writes for a name that nobody has. */
export async function countFailure(engine: Engine, { user, name }: Guessed): Promise<void> {
  const { settings, strangers } = engine.identity
  const { lockoutFailures: failures, lockoutSeconds: seconds } = settings
  if (user === undefined) strangers.fail(name, engine.clock.now(), { failures, seconds })
  const args = { id: user?.id ?? null, failuresMax: failures, lockMs: seconds * 1000 }
  await commit(engine, systemCall('login'), { name: 'users.fail', args })
}

export function lockEndMs(user: User, nowMs: number): number | undefined {
  const endMs = user.lockedUntil === null ? 0 : Date.parse(user.lockedUntil)
  return endMs > nowMs ? endMs : undefined
}
