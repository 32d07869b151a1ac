import type { Call } from '@holdfast/core/call.ts'
import { HoldfastError } from '@holdfast/core/errors.ts'
import type { User } from '@holdfast/core/identities.ts'
import { commit } from '../../commit.ts'
import type { Engine } from '../../engine.ts'
import { notify, notifyProven } from '../mail/notify.ts'
import type { Place } from '../passwords/fair-line.ts'
import { placeOf } from '../passwords/place-of.ts'
import {
  type Credentials,
  checkPassword,
  failLogin,
  proveUser,
  withPassword,
} from '../sessions/login.ts'
import { requireConfirmed } from '../sessions/require-confirmed.ts'
import { isOwnAccount } from '../users/own-account.ts'
import { passwordHashOf } from '../users/same-password.ts'
import { requireManageable } from '../users/users.ts'
import { toBase32 } from './base32.ts'
import { newSecret, stepOf } from './check-code.ts'
import type { Proven } from './factor-transactions.ts'
import { CODE_DIGITS, STEP_SECONDS } from './one-time-code.ts'
import { newRecoveryCodes, recoveryHash } from './recovery-codes.ts'

export interface Enrolment {
  /** Base32, to be typed in. Never told again. */
  readonly secret: string
  /** The same for a QR code. */
  readonly uri: string
}

type Known = Omit<Credentials, 'place'>
export type WithCode = Known & { readonly code: string }

/**
 * A secret for an authenticator app; it counts once `confirmFactor` has seen a code of it. Asks for
 * the password, not for a session: a stolen token must not do this, and who has to enrol has none.
 */
export async function beginFactor(
  engine: Engine,
  call: Call,
  credentials: Known,
): Promise<Enrolment> {
  const user = await checkPassword(engine, placed(call, credentials))
  const { secret, sealed } = newSecret(engine, user.id)
  const args = { ...provenOf(user), sealedSecret: sealed }
  await commit(engine, callOf(call, user), { name: 'factors.begin', args })
  const text = toBase32(secret)
  return { secret: text, uri: uriOf(engine, user, text) }
}

/** Returns the recovery codes, which are never told again. */
export async function confirmFactor(
  engine: Engine,
  call: Call,
  given: WithCode,
): Promise<readonly string[]> {
  return await withPassword(engine, placed(call, given), async user => {
    const { secondFactor: pending } = user
    if (pending === null || pending.confirmedAt !== null) {
      throw new HoldfastError('SECOND_FACTOR_EXISTS')
    }
    const step = stepOf(engine, { user, factor: pending }, given.code)
    if (step === undefined) return await failLogin(engine, { user, names: user.names })
    const { codes, hashes } = freshCodes(engine, user)
    const { sealedSecret } = pending
    const args = { ...provenOf(user), sealedSecret, step, recovery: hashes }
    await commit(engine, callOf(call, user), { name: 'factors.confirm', args })
    notify(engine, user, 'A second factor was switched on')
    return codes
  })
}

/** By its owner, who proves both factors. */
export async function disableFactor(engine: Engine, call: Call, given: WithCode): Promise<void> {
  const { user, proof } = await proveUser(engine, placed(call, given))
  if (proof === null) throw new HoldfastError('SECOND_FACTOR_MISSING')
  const args = { ...provenOf(user), proof }
  await commit(engine, callOf(call, user), { name: 'factors.remove', args })
  notifyProven(engine, { user, proof }, 'The second factor was switched off')
}

/** New recovery codes; the ones before are good no longer. */
export async function renewRecoveryCodes(
  engine: Engine,
  call: Call,
  given: WithCode,
): Promise<readonly string[]> {
  const { user, proof } = await proveUser(engine, placed(call, given))
  if (proof === null) throw new HoldfastError('SECOND_FACTOR_MISSING')
  const { codes, hashes } = freshCodes(engine, user)
  const args = { ...provenOf(user), proof, recovery: hashes }
  await commit(engine, callOf(call, user), { name: 'factors.renewRecovery', args })
  notifyProven(engine, { user, proof }, 'New recovery codes were made')
  return codes
}

/** By an administrator, for somebody who lost it. Nobody takes off their own without a code. */
export async function removeFactor(engine: Engine, call: Call, id: string): Promise<User> {
  const user = await requireManageable(engine, call, id)
  if (await isOwnAccount(engine, call, user.id)) {
    const reason = 'your own second factor is disabled with a code of it'
    throw new HoldfastError('FORBIDDEN', { permission: 'admin:users', reason })
  }
  requireConfirmed(engine, call)
  const args = { id: user.id, proof: 'administrator' } as const
  const changed = await commit(engine, call, { name: 'factors.remove', args })
  notify(engine, user, 'An administrator switched off the second factor')
  return changed
}

function freshCodes(engine: Engine, user: User) {
  const codes = newRecoveryCodes(engine.random)
  const hashes = codes.flatMap(code => recoveryHash(user.id, code) ?? [])
  return { codes, hashes }
}

function provenOf(user: User): Proven {
  return { id: user.id, passwordHash: passwordHashOf(user) }
}

function placed<T extends Known>(call: Call, given: T): T & { readonly place: Place } {
  return { ...given, place: placeOf(call, given.name.toLowerCase()) }
}

function callOf(call: Call, user: User): Call {
  return { ...call, principal: { ...call.principal, id: user.id } }
}

/** The key URI format that authenticator apps read; neither part of the label may hold a colon. */
function uriOf({ identity }: Engine, { username }: User, secret: string): string {
  const issuer = identity.settings.issuer.replaceAll(/[:/]+/g, ' ')
  const query = new URLSearchParams({
    secret,
    issuer,
    algorithm: 'SHA1',
    digits: String(CODE_DIGITS),
    period: String(STEP_SECONDS),
  })
  const label = `${encodeURIComponent(issuer)}:${encodeURIComponent(username)}`
  return `otpauth://totp/${label}?${query.toString().replaceAll('+', '%20')}`
}
