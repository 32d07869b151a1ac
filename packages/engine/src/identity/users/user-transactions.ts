import { HoldfastError } from '@holdfast/core/errors.ts'
import type { Password, User } from '@holdfast/core/identities.ts'
import type { CatalogTransaction, Moment } from '@holdfast/core/ports/catalog.ts'
import { type Proof, spendProof } from '../factors/spend-proof.ts'
import { endResetsOf } from '../resets/reset-transactions.ts'
import { endSessionsOf, requireNoLock } from '../sessions/session-transactions.ts'
import { bearing, keepPastName } from './past-names.ts'
import { historyAfter, requireSamePassword } from './same-password.ts'

export type NewUser = Pick<
  User,
  'username' | 'email' | 'firstName' | 'lastName' | 'roles' | 'buckets' | 'isSystem'
> & { readonly password: Password | null }

export async function createUserTransaction(
  tx: CatalogTransaction,
  args: NewUser,
  moment: Moment,
): Promise<User> {
  const id = moment.newId()
  const user: User = {
    kind: 'user',
    id,
    seq: await tx.nextSeq(),
    names: namesOf(args),
    belongsTo: null,
    ...args,
    ...(await bearing(tx, { id, username: args.username })),
    source: 'local',
    outside: null,
    status: 'ACTIVE',
    failures: 0,
    lockedUntil: null,
    lastLoginAt: null,
    secondFactor: null,
    createdAt: moment.now,
    createdBy: moment.actor,
    updatedAt: moment.now,
  }
  await requireFreeNames(tx, user)
  await tx.put.identity(user)
  await tx.note({ what: 'identity.set', detail: { ...told(user), before: null } })
  return user
}

export type UserPatch = Partial<
  Pick<User, 'email' | 'firstName' | 'lastName' | 'roles' | 'buckets' | 'status'>
>

/** What somebody proved of the own account. */
export interface OwnProof {
  /** With the second factor, if there is one. */
  readonly proof: Proof | null
  /** What the password was held against. */
  readonly passwordHash: string | null
}

export interface UpdateUserArgs {
  readonly id: string
  readonly patch: UserPatch
  /** For changes that need it of their owner; null for all others. */
  readonly proven: OwnProof | null
}

/** Whoever is no longer active is out at once: their sessions end with the same commit. */
export async function updateUserTransaction(
  tx: CatalogTransaction,
  args: UpdateUserArgs,
  moment: Moment,
): Promise<User> {
  const found = await requireUser(tx, args.id)
  const before = args.proven === null ? found : spendOwn(found, args.proven, moment)
  const seq = await tx.nextSeq()
  const { outside: known } = before
  // What an administrator says about the status, the directory does not take back.
  const isTold = args.patch.status !== undefined && known !== null
  const outside = isTold ? { ...known, closed: false } : known
  const changed: User = { ...before, ...args.patch, outside, updatedAt: moment.now, seq }
  // Confined to buckets, it would administer nothing, nor free itself.
  const isWhole = changed.roles.includes('ADMIN') && changed.buckets === null
  if (before.isSystem && (changed.status !== 'ACTIVE' || !isWhole)) {
    throw new HoldfastError('USER_PROTECTED', { user_id: before.id })
  }
  // A deleted user gives its names free; the record stays for those who ask who that was.
  const isDeleted = changed.status === 'DELETED'
  const gone = isDeleted ? { password: null, secondFactor: null } : {}
  const ending = changed.status === 'ACTIVE' ? {} : { endings: seq }
  const user = { ...changed, ...gone, ...ending, names: namesNow(changed) }
  if (isDeleted) await keepPastName(tx, before, moment)
  await requireFreeNames(tx, user)
  await tx.put.identity(user)
  if (user.status !== 'ACTIVE') await endSessionsOf(tx, user.id)
  // What was mailed to the address before must not open the account of now.
  if (user.status !== 'ACTIVE' || user.email !== before.email) await endResetsOf(tx, user.id)
  await tx.note({ what: 'identity.set', detail: { ...told(user), before: told(before) } })
  return user
}

export interface SetPasswordArgs {
  readonly id: string
  readonly password: Password
  /** What its owner proved with the second factor, if there is one. */
  readonly proof: Proof | null | 'administrator'
  /** What the password before was held against. */
  readonly passwordHash: string | null
}

/** All sessions end: whoever knew the old password is out. */
export async function setPasswordTransaction(
  tx: CatalogTransaction,
  args: SetPasswordArgs,
  moment: Moment,
): Promise<User> {
  const found = await requireUser(tx, args.id)
  const { proof, passwordHash } = args
  const isOwn = proof !== 'administrator'
  const before = isOwn ? spendOwn(found, { proof, passwordHash }, moment) : found
  const seq = await tx.nextSeq()
  const fresh = { failures: 0, lockedUntil: null, updatedAt: moment.now }
  // Of the passwords of now: an administrator's new one may have been worked on for long.
  const password = { ...args.password, history: historyAfter(before.password) }
  const user = { ...before, ...fresh, seq, password }
  await tx.put.identity(user)
  await endSessionsOf(tx, user.id)
  await endResetsOf(tx, user.id)
  await tx.note({ what: 'identity.set', detail: { ...told(user), password: 'changed' } })
  return user
}

/** Of its owner: nobody who was shut or locked out, or whose password was replaced, undoes that. */
function spendOwn(found: User, given: OwnProof, { now }: Moment): User {
  if (found.status !== 'ACTIVE') throw new HoldfastError('UNAUTHENTICATED')
  requireSamePassword(found, given.passwordHash)
  requireNoLock(found, now)
  return spendProof(found, given.proof)
}

/**
 * A wrong password. For a name that nobody has the same rows are written, so that neither answer
 * nor time tells the difference.
 */
export async function failLoginTransaction(
  tx: CatalogTransaction,
  args: { readonly id: string | null; readonly failuresMax: number; readonly lockMs: number },
  moment: Moment,
): Promise<User | undefined> {
  const before = args.id === null ? undefined : await tx.identities.byId('user', args.id)
  const seq = await tx.nextSeq()
  await tx.note({ what: 'login.failed', detail: { user_id: before?.id ?? null } })
  if (before === undefined) return undefined
  const served = before.lockedUntil !== null && before.lockedUntil <= moment.now
  const failures = (served ? 0 : before.failures) + 1
  const lockedUntil =
    failures >= args.failuresMax
      ? new Date(Date.parse(moment.now) + args.lockMs).toISOString()
      : null
  const user: User = { ...before, seq, failures, lockedUntil }
  await tx.put.identity(user)
  return user
}

export async function unlockUserTransaction(
  tx: CatalogTransaction,
  args: { readonly id: string },
  moment: Moment,
): Promise<User> {
  const before = await requireUser(tx, args.id)
  const seq = await tx.nextSeq()
  const user = { ...before, seq, failures: 0, lockedUntil: null, updatedAt: moment.now }
  await tx.put.identity(user)
  await tx.note({ what: 'identity.set', detail: { ...told(user), unlocked: true } })
  return user
}

/** The password stays good for its change alone; who is in on it is out. */
export async function requireChangeTransaction(
  tx: CatalogTransaction,
  args: { readonly id: string },
  moment: Moment,
): Promise<User> {
  const before = await requireUser(tx, args.id)
  const { source } = before
  if (before.password === null) throw new HoldfastError('USER_OUTSIDE', { source })
  const password = { ...before.password, mustChange: true }
  const user = { ...before, seq: await tx.nextSeq(), password, updatedAt: moment.now }
  await tx.put.identity(user)
  await endSessionsOf(tx, user.id)
  await tx.note({ what: 'identity.set', detail: { ...told(user), password: 'must be changed' } })
  return user
}

/** One space for both, or a user could take another's e-mail address as a name. */
export function namesOf({ username, email }: Pick<User, 'username' | 'email'>): string[] {
  const names = [username.toLowerCase(), ...(email === null ? [] : [email.toLowerCase()])]
  return [...new Set(names)]
}

/** The names of others are those that their place gave them. */
function namesNow(user: User): readonly string[] {
  if (user.status === 'DELETED') return []
  return user.source === 'local' ? namesOf(user) : user.names
}

async function requireUser(tx: CatalogTransaction, id: string): Promise<User> {
  const user = await tx.identities.byId('user', id)
  if (user === undefined || user.status === 'DELETED') {
    throw new HoldfastError('USER_NOT_FOUND', { user_id: id })
  }
  return user
}

async function requireFreeNames(tx: CatalogTransaction, user: User): Promise<void> {
  for (const name of user.names) {
    const holder = await tx.identities.byName('user', name)
    if (holder !== undefined && holder.id !== user.id) throw new HoldfastError('USER_EXISTS')
  }
}

/** What the change log tells: never a hash. */
function told(user: User) {
  const { id, username, email, status, roles, buckets } = user
  return { kind: 'user', id, username, email, status, roles, buckets }
}
