import type { Call } from '@holdfast/core/call.ts'
import { HoldfastError } from '@holdfast/core/errors.ts'
import type { User } from '@holdfast/core/identities.ts'
import { byteLength } from '@holdfast/core/names.ts'
import { commit } from '../../commit.ts'
import { type Engine, systemCall } from '../../engine.ts'
import { PASSWORD_BYTES_MAX } from '../users/password-policy.ts'
import { checkToken, generationOf, issueTokens, type TokenPair } from './tokens.ts'

export interface Credentials {
  /** User name or e-mail address, in any case. */
  readonly name: string
  readonly password: string
}

/** Where a login comes from, for the list of sessions. */
export interface Origin {
  readonly ip: string
  readonly agent: string
}

/**
 * Checks name and password and starts a session. UNAUTHENTICATED for a wrong one of either, with
 * the same work and the same writes; ACCOUNT_LOCKED after too many, also for names that nobody has.
 * What is wrong with an account itself is told only to who knows its password.
 */
export async function login(
  engine: Engine,
  credentials: Credentials,
  origin: Origin,
): Promise<{ readonly user: User; readonly tokens: TokenPair }> {
  const known = await checkPassword(engine, credentials)
  if (known.password !== null && isDue(engine, known)) {
    throw new HoldfastError('PASSWORD_CHANGE_REQUIRED')
  }
  const args = { userId: known.id, expiresAt: refreshUntil(engine), ...origin }
  const call = systemCall('login')
  const { user, session } = await commit(engine, call, { name: 'sessions.start', args })
  return { user, tokens: await issueTokens(engine, user, session) }
}

/** The active user with that password. Wrong guesses count towards the lock of the account. */
export async function checkPassword(engine: Engine, credentials: Credentials): Promise<User> {
  const name = credentials.name.toLowerCase()
  const found = await engine.catalog.view.identities.byName('user', name)
  // Both names of an account share one line, or each would have guesses of its own.
  return await engine.identity.turns.take(found?.id ?? name, async () => {
    return await evaluate(engine, { name, password: credentials.password })
  })
}

async function evaluate(engine: Engine, { name, password }: Credentials): Promise<User> {
  const { identity, clock, catalog } = engine
  const { strangers, hasher, settings } = identity
  // Asked again: the turns before this one may have locked it.
  const user = await catalog.view.identities.byName('user', name)
  const nowMs = clock.now()
  const lockedUntilMs =
    user === undefined ? strangers.lockedUntilMs(name, nowMs) : lockEndMs(user, nowMs)
  if (lockedUntilMs !== undefined) throw locked(lockedUntilMs, nowMs)
  const fits = byteLength(password) <= PASSWORD_BYTES_MAX
  const isRight = await hasher.verify(fits ? password : '', user?.password?.hash)
  if (user === undefined || !isRight) {
    const { lockoutFailures: failures, lockoutSeconds: seconds } = settings
    if (user === undefined) strangers.fail(name, nowMs, { failures, seconds })
    const args = { id: user?.id ?? null, failuresMax: failures, lockMs: seconds * 1000 }
    await commit(engine, systemCall('login'), { name: 'users.fail', args })
    throw new HoldfastError('UNAUTHENTICATED')
  }
  if (user.status !== 'ACTIVE') throw new HoldfastError('ACCOUNT_DISABLED')
  return user
}

/**
 * Trades a refresh token for the next pair. UNAUTHENTICATED for one that is not good, and for one
 * that was traded already: that ends its session, since two hold it.
 */
export async function refresh(
  engine: Engine,
  token: string,
): Promise<{ readonly user: User; readonly tokens: TokenPair }> {
  const { sessionId: id, jti, subject } = await checkToken(engine, token, 'refresh')
  const generation = generationOf(jti)
  if (generation === undefined) throw new HoldfastError('UNAUTHENTICATED')
  // Before the token is used up: it is good again when the lock has ended.
  const owner = await engine.catalog.view.identities.byId('user', subject)
  if (owner !== undefined) requireUnlocked(owner, engine.clock.now())
  const args = { id, generation, expiresAt: refreshUntil(engine) }
  const call = systemCall('refresh')
  const session = await commit(engine, call, { name: 'sessions.renew', args })
  if (session === undefined) throw new HoldfastError('UNAUTHENTICATED')
  const user = await engine.catalog.view.identities.byId('user', session.belongsTo ?? '')
  if (user?.status !== 'ACTIVE') throw new HoldfastError('UNAUTHENTICATED')
  return { user, tokens: await issueTokens(engine, user, session) }
}

/** Ends the session that the caller's token belongs to; its tokens are refused from now on. */
export async function logout(engine: Engine, call: Call): Promise<void> {
  const { sessionId } = call.principal
  // A key has no session to end.
  if (sessionId === undefined) throw new HoldfastError('FORBIDDEN', { reason: 'no session' })
  await commit(engine, call, { name: 'sessions.end', args: { id: sessionId } })
}

/** Only who is ACTIVE may act: a lock holds up open sessions too, for as long as it lasts. */
export function requireUnlocked(user: User, nowMs: number): void {
  const endMs = lockEndMs(user, nowMs)
  if (endMs !== undefined) throw locked(endMs, nowMs)
}

function locked(untilMs: number, nowMs: number): HoldfastError {
  return new HoldfastError('ACCOUNT_LOCKED', { retry_after: Math.ceil((untilMs - nowMs) / 1000) })
}

export function lockEndMs(user: User, nowMs: number): number | undefined {
  const endMs = user.lockedUntil === null ? 0 : Date.parse(user.lockedUntil)
  return endMs > nowMs ? endMs : undefined
}

function isDue(engine: Engine, { password }: User): boolean {
  const { passwordDays } = engine.identity.settings
  if (password === null) return false
  const ageMs = engine.clock.now() - Date.parse(password.changedAt)
  return password.mustChange || (passwordDays > 0 && ageMs > passwordDays * 86_400_000)
}

function refreshUntil(engine: Engine): string {
  const { refreshSeconds } = engine.identity.settings
  return new Date(engine.clock.now() + refreshSeconds * 1000).toISOString()
}
