import { HoldfastError } from '@holdfast/core/errors.ts'
import type { SecondFactor, User } from '@holdfast/core/identities.ts'

/** What a code that was right amounts to. It is spent in the transaction that it allows. */
export type Proof =
  | { readonly kind: 'code'; readonly step: number }
  | { readonly kind: 'recovery'; readonly hash: string }

/** A second factor that counts: its first code has been seen. */
export function factorOf({ secondFactor }: User): SecondFactor | undefined {
  return secondFactor?.confirmedAt == null ? undefined : secondFactor
}

/**
 * The user after the code was used. UNAUTHENTICATED when the user has a second factor and the proof
 * is missing, or was spent by another request that came first.
 */
export function spendProof(user: User, proof: Proof | null): User {
  const factor = factorOf(user)
  if (factor === undefined) {
    if (proof === null) return user
    throw new HoldfastError('UNAUTHENTICATED')
  }
  if (proof?.kind === 'code' && proof.step > factor.lastStep) {
    return { ...user, secondFactor: { ...factor, lastStep: proof.step } }
  }
  if (proof?.kind === 'recovery' && factor.recovery.includes(proof.hash)) {
    const recovery = factor.recovery.filter(hash => hash !== proof.hash)
    return { ...user, secondFactor: { ...factor, recovery } }
  }
  throw new HoldfastError('UNAUTHENTICATED')
}
