import { isDeepStrictEqual } from 'node:util'
import { HoldfastError } from '@holdfast/core/errors.ts'
import type { OutsideIdentity, User, UserSource } from '@holdfast/core/identities.ts'
import type { CatalogTransaction, Moment } from '@holdfast/core/ports/catalog.ts'
import type { IdentityQuestions } from '@holdfast/core/ports/identity-questions.ts'
import { endSessionsOf } from '../sessions/session-transactions.ts'
import { bearing, keepPastName } from '../users/past-names.ts'

export interface AdoptArgs {
  /** Made of issuer and subject by `subjectId`. */
  readonly id: string
  readonly source: Exclude<UserSource, 'local'>
  readonly outside: Omit<OutsideIdentity, 'closed'>
  readonly username: string
  readonly email: string | null
  readonly firstName: string
  readonly lastName: string
  readonly roles: readonly string[]
  readonly buckets: readonly string[] | null
  /** In lower case, by which it can log in here; none for who brings tokens. */
  readonly names: readonly string[]
}

/**
 * A user of another place as that place says it is now: made when it is seen first, changed where
 * it differs. What administrators decided here stays: their INACTIVE, DELETED and buckets.
 */
export async function adoptUserTransaction(
  tx: CatalogTransaction,
  args: AdoptArgs,
  moment: Moment,
): Promise<User> {
  const { outside, names, buckets, ...told } = args
  const before = await tx.identities.byId('user', args.id)
  if (before?.status === 'DELETED') return before
  requireSame(before, outside)
  const status = before?.outside?.closed === true ? 'ACTIVE' : (before?.status ?? 'ACTIVE')
  const given = { ...told, outside: { ...outside, closed: false }, status } as const
  const fresh = { buckets, createdAt: moment.now, createdBy: moment.actor, lastLoginAt: null }
  const none = { password: null, secondFactor: null }
  const fixed = { kind: 'user', belongsTo: null, ...none, isSystem: false } as const
  const count = { failures: 0, lockedUntil: null }
  const blank = { names: [], seq: 0, isLaterBearer: false }
  const kept = before ?? { ...fixed, ...fresh, ...count, ...given, ...blank }
  const own = await ownNames(tx.identities, { id: args.id, username: args.username, names })
  for (const { name, holder } of own) await takeName(tx, { name, holder }, moment)
  const free = own.map(({ name }) => name)
  const bearer = await bearing(tx, args)
  const user: User = { ...kept, ...given, ...bearer, names: free, updatedAt: moment.now }
  if (before !== undefined && before.username !== user.username) {
    await keepPastName(tx, before, moment)
  }
  if (before !== undefined && isSame(user, before)) return before
  await tx.put.identity({ ...user, seq: await tx.nextSeq() })
  const detail = { kind: 'user', id: user.id, username: user.username, source: user.source }
  const { claims: _, maps: __, ...mapped } = outside
  const rights = { roles: user.roles, ...mapped, before: before?.roles ?? null }
  await tx.note({ what: 'identity.set', detail: { ...detail, ...rights } })
  return user
}

/** Another subject under the same id would be a collision of SHA-256, or a forged record. */
function requireSame(before: User | undefined, outside: AdoptArgs['outside']): void {
  if (before === undefined) return
  const { issuer, subject } = before.outside ?? {}
  if (issuer !== outside.issuer || subject !== outside.subject) {
    throw new HoldfastError('UNAUTHENTICATED')
  }
}

/** Whether the user is recorded as the other place says it is, with the names that are its own. */
export async function isSaid(
  identities: IdentityQuestions,
  user: User,
  { outside, buckets: _, ...args }: AdoptArgs,
): Promise<boolean> {
  const said = { ...args, outside: { ...outside, closed: false } }
  if (!isDeepStrictEqual({ ...user, ...said, names: user.names }, user)) return false
  if (isDeepStrictEqual(args.names, user.names)) return true
  const own = await ownNames(identities, args)
  return isDeepStrictEqual(
    own.map(({ name }) => name),
    user.names,
  )
}

function isSame(user: User, before: User): boolean {
  return isDeepStrictEqual({ ...user, updatedAt: before.updatedAt }, before)
}

type Wanted = Pick<AdoptArgs, 'id' | 'username' | 'names'>

interface OwnName {
  readonly name: string
  /** Somebody else who has it no longer. */
  readonly holder: User | undefined
}

/** Which of the names it can log in by are its own here: the same each time nothing changed. */
async function ownNames(identities: IdentityQuestions, wanted: Wanted): Promise<OwnName[]> {
  const own: OwnName[] = []
  for (const name of wanted.names) {
    const found = await identities.byName('user', name)
    const holder = found?.id === wanted.id ? undefined : found
    if (holder === undefined || (await isPassedOn(identities, { name, holder, wanted }))) {
      own.push({ name, holder })
    }
  }
  return own
}

/**
 * Local users keep their names. A user name that is new to somebody of the directory is theirs: it
 * gives each once, so the other one has it no longer. Not so an address, which people may choose:
 * it goes behind a user name that is spelt like it, and two who have one would take it from each
 * other at every check. So would two of one user name: there it stays with who had it first.
 */
async function isPassedOn(
  identities: IdentityQuestions,
  given: { readonly name: string; readonly holder: User; readonly wanted: Wanted },
): Promise<boolean> {
  const { name, holder, wanted } = given
  if (holder.source === 'local') return false
  const isUserName = wanted.username.toLowerCase() === name
  const isUserNameOfHolder = holder.username.toLowerCase() === name
  if (isUserName !== isUserNameOfHolder) return isUserName
  if (holder.status !== 'ACTIVE') return true
  if (!isUserName) return holder.email?.toLowerCase() !== name
  const before = await identities.byId('user', wanted.id)
  if (before?.username.toLowerCase() !== name) return true
  return (await identities.byName('past_name', name))?.belongsTo === wanted.id
}

async function takeName(
  tx: CatalogTransaction,
  { name, holder }: OwnName,
  moment: Moment,
): Promise<void> {
  if (holder === undefined) return
  const names = holder.names.filter(one => one !== name)
  if (holder.username.toLowerCase() === name) await keepPastName(tx, holder, moment)
  await tx.put.identity({ ...holder, names, seq: await tx.nextSeq() })
}

/** The other place says that the user is no more: out at once, until it says otherwise. */
export async function closeUserTransaction(
  tx: CatalogTransaction,
  args: { readonly id: string; readonly reason: string },
  moment: Moment,
): Promise<boolean> {
  const before = await tx.identities.byId('user', args.id)
  if (before?.outside == null || before.status !== 'ACTIVE') return false
  const outside = { ...before.outside, closed: true }
  const seq = await tx.nextSeq()
  const user: User = {
    ...{ ...before, outside, status: 'INACTIVE', updatedAt: moment.now },
    ...{ seq, endings: seq },
  }
  await tx.put.identity(user)
  await endSessionsOf(tx, user.id)
  const { id, username, status } = user
  const detail = { kind: 'user', id, username, status, reason: args.reason }
  await tx.note({ what: 'identity.set', detail })
  return true
}
