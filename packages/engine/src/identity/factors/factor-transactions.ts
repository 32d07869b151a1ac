import { HoldfastError } from '@holdfast/core/errors.ts'
import type { SecondFactor, User } from '@holdfast/core/identities.ts'
import type { CatalogTransaction, Moment } from '@holdfast/core/ports/catalog.ts'
import { endSessionsOf } from '../sessions/session-transactions.ts'
import { requireSamePassword } from '../users/same-password.ts'
import { factorOf, type Proof, spendProof } from './spend-proof.ts'

/** Who has proved it with the password. */
export interface Proven {
  readonly id: string
  /** What the password was held against. */
  readonly passwordHash: string | null
}

/** A secret that does not count yet. Another one that did not either makes room. */
export async function beginFactorTransaction(
  tx: CatalogTransaction,
  args: Proven & { readonly sealedSecret: string },
  moment: Moment,
): Promise<User> {
  const user = await requireProven(tx, args)
  if (factorOf(user) !== undefined) throw new HoldfastError('SECOND_FACTOR_EXISTS')
  const { sealedSecret } = args
  const pending: SecondFactor = { sealedSecret, confirmedAt: null, lastStep: 0, recovery: [] }
  return await putFactor(tx, { user, secondFactor: pending, what: 'begun' }, moment)
}

export interface ConfirmFactorArgs extends Proven {
  /** The one that the code was checked with: another may have been begun since. */
  readonly sealedSecret: string
  readonly step: number
  readonly recovery: readonly string[]
}

/** From now on it counts. Sessions that began without it end. */
export async function confirmFactorTransaction(
  tx: CatalogTransaction,
  args: ConfirmFactorArgs,
  moment: Moment,
): Promise<User> {
  const user = await requireProven(tx, args)
  const { secondFactor: pending } = user
  if (pending === null || pending.confirmedAt !== null) {
    throw new HoldfastError('SECOND_FACTOR_EXISTS')
  }
  if (pending.sealedSecret !== args.sealedSecret) throw new HoldfastError('UNAUTHENTICATED')
  const { step: lastStep, recovery } = args
  const secondFactor = { ...pending, confirmedAt: moment.now, lastStep, recovery }
  await endSessionsOf(tx, user.id)
  return await putFactor(tx, { user, secondFactor, what: 'on' }, moment)
}

/** By its owner with a code, or by an administrator without. Sessions end. */
export async function removeFactorTransaction(
  tx: CatalogTransaction,
  args:
    | { readonly id: string; readonly proof: 'administrator' }
    | (Proven & { readonly proof: Proof }),
  moment: Moment,
): Promise<User> {
  const found = await tx.identities.byId('user', args.id)
  if (found === undefined || found.status === 'DELETED') {
    throw new HoldfastError('USER_NOT_FOUND', { user_id: args.id })
  }
  // One that was only begun is none, and the next that is begun takes its place.
  if (factorOf(found) === undefined) throw new HoldfastError('SECOND_FACTOR_MISSING')
  const user =
    args.proof === 'administrator' ? found : spendProof(await requireProven(tx, args), args.proof)
  await endSessionsOf(tx, user.id)
  return await putFactor(tx, { user, secondFactor: null, what: 'off' }, moment)
}

/** The ones before are good no longer. */
export async function renewRecoveryTransaction(
  tx: CatalogTransaction,
  args: Proven & { readonly proof: Proof; readonly recovery: readonly string[] },
  moment: Moment,
): Promise<User> {
  const user = spendProof(await requireProven(tx, args), args.proof)
  const factor = factorOf(user)
  if (factor === undefined) throw new HoldfastError('SECOND_FACTOR_MISSING')
  const secondFactor = { ...factor, recovery: args.recovery }
  return await putFactor(tx, { user, secondFactor, what: 'recovery codes renewed' }, moment)
}

async function requireProven(tx: CatalogTransaction, proven: Proven): Promise<User> {
  const user = await tx.identities.byId('user', proven.id)
  if (user?.status !== 'ACTIVE') throw new HoldfastError('UNAUTHENTICATED')
  requireSamePassword(user, proven.passwordHash)
  return user
}

/** The change log tells that it happened, never a secret or a hash. */
async function putFactor(
  tx: CatalogTransaction,
  change: {
    readonly user: User
    readonly secondFactor: SecondFactor | null
    readonly what: string
  },
  moment: Moment,
): Promise<User> {
  const { secondFactor, what } = change
  const seq = await tx.nextSeq()
  const user: User = { ...change.user, secondFactor, seq, updatedAt: moment.now }
  await tx.put.identity(user)
  await tx.note({ what: 'identity.set', detail: { kind: 'user', id: user.id, factor: what } })
  return user
}
