import { HoldfastError } from '@holdfast/core/errors.ts'
import type { User } from '@holdfast/core/identities.ts'
import type { Engine } from '../../engine.ts'
import { openText, sealText } from '../seal.ts'
import { factorOf } from './spend-proof.ts'

const PURPOSE = 'login-challenge'
const CHARS_MAX = 1024

/**
 * What a right password is worth while the code is missing. It opens as nothing but this, ends
 * after minutes, and with the next code, login or password.
 */
export function newChallenge(engine: Engine, user: User): string {
  const { clock, identity, random, settings } = engine
  const untilMs = clock.now() + identity.settings.challengeSeconds * 1000
  const text = JSON.stringify([user.id, untilMs, stateOf(user)])
  return sealText(text, { purpose: PURPOSE, secret: settings.linkSecret }, random)
}

export interface Challenge {
  readonly userId: string
  readonly state: string
}

/** CREDENTIAL_EXPIRED for one that was good once, UNAUTHENTICATED for what is none of ours. */
export function openChallenge({ clock, settings }: Engine, challenge: string): Challenge {
  const how = { purpose: PURPOSE, secret: settings.linkSecret }
  const text = challenge.length > CHARS_MAX ? undefined : openText(challenge, how)
  const parts: unknown = text === undefined ? undefined : JSON.parse(text)
  if (!Array.isArray(parts)) throw new HoldfastError('UNAUTHENTICATED')
  const [userId, untilMs, state] = parts
  if (Number(untilMs) <= clock.now()) throw new HoldfastError('CREDENTIAL_EXPIRED')
  return { userId: String(userId), state: String(state) }
}

/** Differs after every code that was taken and every change of the password. */
export function stateOf(user: User): string {
  const factor = factorOf(user)
  const { confirmedAt, lastStep, recovery } = factor ?? { recovery: [] }
  return JSON.stringify([user.password?.changedAt, confirmedAt, lastStep, recovery.length])
}
