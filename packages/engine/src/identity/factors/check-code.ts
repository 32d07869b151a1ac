import { HoldfastError } from '@holdfast/core/errors.ts'
import type { SecondFactor, User } from '@holdfast/core/identities.ts'
import { fromBase64Url, toBase64Url } from '../../base64url.ts'
import type { Engine } from '../../engine.ts'
import { openText, sealText } from '../seal.ts'
import { SECRET_BYTES, stepOfCode } from './one-time-code.ts'
import { recoveryHash } from './recovery-codes.ts'
import { factorOf, type Proof } from './spend-proof.ts'

/** Whether the code is right now, and as what. Says nothing about whether it is spent meanwhile. */
export function proofOf(engine: Engine, user: User, code: string): Proof | undefined {
  const factor = factorOf(user)
  if (factor === undefined) return undefined
  const step = stepOf(engine, { user, factor }, code)
  if (step !== undefined) return { kind: 'code', step }
  const hash = recoveryHash(user.id, code)
  if (hash === undefined || !factor.recovery.includes(hash)) return undefined
  return { kind: 'recovery', hash }
}

/** The step of a code of the authenticator, also of a secret that does not count yet. */
export function stepOf(
  engine: Engine,
  { user, factor }: { readonly user: User; readonly factor: SecondFactor },
  code: string,
): number | undefined {
  const secret = openSecret(engine, user.id, factor.sealedSecret)
  const { lastStep } = factor
  return stepOfCode(secret, code.replaceAll(/\s/g, ''), { nowMs: engine.clock.now(), lastStep })
}

export interface FreshSecret {
  readonly secret: Uint8Array
  readonly sealed: string
}

export function newSecret(engine: Engine, userId: string): FreshSecret {
  const secret = engine.random.bytes(SECRET_BYTES)
  return { secret, sealed: sealFactor(engine, userId, toBase64Url(secret)) }
}

function openSecret({ settings }: Engine, userId: string, sealed: string): Uint8Array {
  const { linkSecret, formerSecret } = settings
  const text =
    openFactor(userId, sealed, linkSecret) ??
    (formerSecret && openFactor(userId, sealed, formerSecret))
  const secret = text === undefined ? undefined : fromBase64Url(text)
  if (secret !== undefined) return secret
  // The store was given another secret since. Guessing on would lock the account for nothing.
  const cause = new Error(`the second factor of ${userId} was sealed with another secret`)
  throw new HoldfastError('INTERNAL', {}, { cause })
}

export function openFactor(
  userId: string,
  sealed: string,
  storeSecret: Uint8Array,
): string | undefined {
  return openText(sealed, { purpose: purposeOf(userId), secret: storeSecret })
}

export function sealFactor({ settings, random }: Engine, userId: string, text: string): string {
  return sealText(text, { purpose: purposeOf(userId), secret: settings.linkSecret }, random)
}

/** A sealed secret opens for its user alone: moved to another record it is worth nothing. */
function purposeOf(userId: string): string {
  return `second-factor ${userId}`
}
