import type { Call } from '@holdfast/core/call.ts'
import { HoldfastError } from '@holdfast/core/errors.ts'
import type { User } from '@holdfast/core/identities.ts'
import { byteLength } from '@holdfast/core/names.ts'
import { commit } from '../../commit.ts'
import { type Engine, systemCall } from '../../engine.ts'
import { newChallenge } from '../factors/challenge.ts'
import { proofOf } from '../factors/check-code.ts'
import { requireFactor } from '../factors/require-factor.ts'
import { factorOf, type Proof } from '../factors/spend-proof.ts'
import { checkDirectory } from '../outside/directory/check-directory.ts'
import { recheckUser } from '../outside/directory/recheck.ts'
import { redeemOpenId } from '../outside/openid/openid-login.ts'
import type { Place } from '../passwords/fair-line.ts'
import { placeOfAddress } from '../passwords/place-of.ts'
import { mayAct } from '../principal-of-user.ts'
import { lineOfName } from '../turns.ts'
import { PASSWORD_BYTES_MAX } from '../users/password-policy.ts'
import { passwordHashOf } from '../users/same-password.ts'
import {
  countFailure,
  type Guessed,
  lockEndMs,
  requireNameUnlocked,
  requireUnlocked,
} from './lockout.ts'
import {
  asHolder,
  type CheckedToken,
  checkToken,
  generationOf,
  issueTokens,
  type TokenPair,
  tellReused,
} from './tokens.ts'

export interface Credentials {
  /** Who waits for the work that it asks for. */
  readonly place: Place
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
 * the same work and the same writes; ACCOUNT_LOCKED after too many under that name, also for one
 * that nobody has. An account that guesses under its other name have locked gets UNAUTHENTICATED.
 * What is wrong with an account itself is told only to who knows its password. Who has a second
 * factor gets SECOND_FACTOR_REQUIRED with a challenge for `loginWithCode`.
 */
export async function login(
  engine: Engine,
  { name, password }: Omit<Credentials, 'place'>,
  origin: Origin,
): Promise<LoggedIn> {
  const place = placeOfAddress(origin.ip, name.toLowerCase())
  const known = await checkPassword(engine, { name, password, place })
  requireFreshPassword(engine, known)
  if (factorOf(known) !== undefined) {
    const { challengeSeconds: seconds } = engine.identity.settings
    const details = { challenge: newChallenge(engine, known), expires_in: seconds }
    throw new HoldfastError('SECOND_FACTOR_REQUIRED', details)
  }
  return await startSession(engine, { user: known, proof: null }, origin)
}

/** Ends a login at the provider: the session lasts as long as the settings say, and no longer. */
export async function loginOpenId(
  engine: Engine,
  given: { readonly code: string; readonly verifier: string },
  origin: Origin,
): Promise<LoggedIn> {
  const { user, ...until } = await redeemOpenId(engine, given)
  return await startSession(engine, { user, proof: null, ...until }, origin)
}

export interface LoggedIn {
  readonly user: User
  readonly tokens: TokenPair
}

/** Refused where password or proof no longer are good: replaced, or spent by somebody else. */
export async function startSession(
  engine: Engine,
  given: ProvenUser & { readonly expiresAt?: string; readonly endings?: number },
  origin: Origin,
): Promise<LoggedIn> {
  const { user: known, proof, expiresAt = refreshUntil(engine), endings = null } = given
  requireFactor(engine, known)
  const passwordHash = passwordHashOf(known)
  const confirmedAt = new Date(engine.clock.now()).toISOString()
  const proofs = { proof, passwordHash, endings }
  const args = { userId: known.id, ...proofs, confirmedAt, expiresAt, ...origin }
  const call = systemCall('login')
  const { user, session } = await commit(engine, call, { name: 'sessions.start', args })
  engine.identity.guessedNames.forget(user.names)
  return { user, tokens: await issueTokens(engine, user, session) }
}

/** The active user with that password. Wrong guesses count towards the lock of the account. */
export async function checkPassword(engine: Engine, credentials: Credentials): Promise<User> {
  return await withPassword(engine, credentials, async user => user)
}

export interface ProvenUser {
  readonly user: User
  /** To be spent by the transaction that this allows; null for who has no second factor. */
  readonly proof: Proof | null
}

/** The same, and the code of who has a second factor: for changes that a login must not allow. */
export async function proveUser(engine: Engine, given: WithProof): Promise<ProvenUser> {
  return await withProof(engine, given, async proven => proven)
}

type WithProof = Credentials & { readonly code: string | undefined }

/** What follows from both, before the next guess at the same account is looked at. */
export async function withProof<T>(
  engine: Engine,
  given: WithProof,
  work: (proven: ProvenUser) => Promise<T>,
): Promise<T> {
  const { code } = given
  return await withPassword(engine, given, async user => {
    if (factorOf(user) === undefined) return await work({ user, proof: null })
    if (code === undefined) throw new HoldfastError('SECOND_FACTOR_REQUIRED')
    return await work({ user, proof: await requireCode(engine, user, code) })
  })
}

/** A wrong code counts as a failed login. Only to be asked within a turn of the user. */
export async function requireCode(engine: Engine, user: User, code: string): Promise<Proof> {
  return proofOf(engine, user, code) ?? (await failLogin(engine, { user, names: user.names }))
}

/** What follows a right password, before the next guess at the same account is looked at. */
export async function withPassword<T>(
  engine: Engine,
  { name: given, password, place }: Credentials,
  work: (user: User) => Promise<T>,
): Promise<T> {
  const name = given.toLowerCase()
  const found = await engine.catalog.view.identities.byName('user', name)
  const { directory } = engine.identity
  // A name that a local user has is never the directory's: who keeps that must not take it over.
  if (directory !== undefined && found?.source !== 'local') {
    return await checkDirectory(engine, directory, { name, password, place, work })
  }
  const { turns, hasher } = engine.identity
  return await turns.take(lineOfName(name), async () => {
    requireNameUnlocked(engine, name)
    const asked = await openUser(engine, name)
    const fits = byteLength(password) <= PASSWORD_BYTES_MAX
    const own = hasher.of(place)
    const isRight = await own.verify(fits ? password : '', asked?.password?.hash)
    const guess = { name, asked, isRight }
    if (asked === undefined) return await work(await judge(engine, guess))
    // Guesses under both names of an account are judged one after the other, or each name would
    // have its own. The work lies before that: its time would tell that the names are of one.
    return await turns.take(asked.id, async () => await work(await judge(engine, guess)))
  })
}

interface Guess {
  readonly name: string
  /** Whose password was tried. */
  readonly asked: User | undefined
  readonly isRight: boolean
}

async function judge(engine: Engine, { name, asked, isRight }: Guess): Promise<User> {
  requireNameUnlocked(engine, name)
  // Asked again: whoever was judged before may have locked it, or changed the password.
  const now = await openUser(engine, name)
  const open = now?.id === asked?.id ? now : undefined
  const isSame = open !== undefined && passwordHashOf(open) === (asked && passwordHashOf(asked))
  if (!isRight || !isSame) return await failLogin(engine, { user: open, names: [name] })
  if (open.status !== 'ACTIVE') throw new HoldfastError('ACCOUNT_DISABLED')
  return open
}

/** Locked by guesses under another name of it: answered as if nobody had this one. */
async function openUser({ catalog, clock }: Engine, name: string): Promise<User | undefined> {
  const user = await catalog.view.identities.byName('user', name)
  return user && lockEndMs(user, clock.now()) === undefined ? user : undefined
}

/** Counts a wrong guess, and refuses it. */
export async function failLogin(engine: Engine, guessed: Guessed): Promise<never> {
  await countFailure(engine, guessed)
  throw new HoldfastError('UNAUTHENTICATED')
}

/**
 * Trades a refresh token for the next pair. UNAUTHENTICATED for one that is not good, and for one
 * that was traded already: that ends its session, since two hold it. The directory is asked before
 * its users get the next: IDENTITY_UNAVAILABLE when it does not answer, and nothing is traded.
 */
export async function refresh(engine: Engine, token: string, origin: Origin): Promise<LoggedIn> {
  const checked = await checkToken(engine, token, 'refresh')
  return await asHolder(engine, checked, () => trade(engine, checked, origin))
}

async function trade(engine: Engine, checked: CheckedToken, origin: Origin): Promise<LoggedIn> {
  const { sessionId: id, jti, subject, kind } = checked
  const generation = generationOf(jti)
  // A program renews its own with its secret (RFC 6749 §6), at the token endpoint.
  if (generation === undefined || kind !== 'user') throw new HoldfastError('UNAUTHENTICATED')
  // Before the token is used up: it is good again when the lock has ended.
  const owner = await engine.catalog.view.identities.byId('user', subject)
  if (owner !== undefined) requireUnlocked(engine, owner)
  const expiresAt = await nextExpiry(engine, id)
  // The settings may have become stricter since; nothing is traded then.
  if (Date.parse(expiresAt) <= engine.clock.now()) throw new HoldfastError('CREDENTIAL_EXPIRED')
  const args = { id, generation, expiresAt, ...origin }
  const call = systemCall('refresh')
  const session = await commit(engine, call, { name: 'sessions.renew', args })
  if (session === undefined) {
    await tellReused(engine, checked, origin)
    throw new HoldfastError('UNAUTHENTICATED')
  }
  const user = await engine.catalog.view.identities.byId('user', session.belongsTo ?? '')
  if (!mayAct(engine, user)) throw new HoldfastError('UNAUTHENTICATED')
  requireFactor(engine, user)
  return { user, tokens: await issueTokens(engine, user, session) }
}

/** Ends the session that the caller's token belongs to; its tokens are refused from now on. */
export async function logout(engine: Engine, call: Call): Promise<void> {
  const { sessionId } = call.principal
  // A key has no session to end.
  if (sessionId === undefined) throw new HoldfastError('FORBIDDEN', { reason: 'no session' })
  await commit(engine, call, { name: 'sessions.end', args: { id: sessionId } })
}

/**
 * When the next refresh token ends: with the session at the latest (ASVS 5.0, 7.3.2 and 10.4.8).
 * Who is of the directory is asked for there first; a session of a provider is not made longer,
 * since the provider cannot be asked without its user.
 */
async function nextExpiry(engine: Engine, sessionId: string): Promise<string> {
  const { identities } = engine.catalog.view
  const session = await identities.byId('session', sessionId)
  const user = await identities.byId('user', session?.belongsTo ?? '')
  await recheckUser(engine, user)
  if (session === undefined) return refreshUntil(engine)
  return user?.source === 'oidc' ? session.expiresAt : refreshUntil(engine, session.createdAt)
}

export function requireFreshPassword(engine: Engine, { password }: User): void {
  const { passwordDays } = engine.identity.settings
  if (password === null) return
  const ageMs = engine.clock.now() - Date.parse(password.changedAt)
  const isOld = passwordDays > 0 && ageMs > passwordDays * 86_400_000
  if (password.mustChange || isOld) throw new HoldfastError('PASSWORD_CHANGE_REQUIRED')
}

/** For a session that began then; without a time, for one that begins now. */
function refreshUntil({ clock, identity }: Engine, beganAt?: string): string {
  const { refreshSeconds, sessionSeconds } = identity.settings
  const nowMs = clock.now()
  const beganMs = beganAt === undefined ? nowMs : Date.parse(beganAt)
  const endMs = Math.min(nowMs + refreshSeconds * 1000, beganMs + sessionSeconds * 1000)
  return new Date(endMs).toISOString()
}
