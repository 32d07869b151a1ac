import type { Call } from '@holdfast/core/call.ts'
import { HoldfastError } from '@holdfast/core/errors.ts'
import type { User, UserStatus } from '@holdfast/core/identities.ts'
import { permissions, scopeCovers } from '@holdfast/core/principal.ts'
import { rightsOf } from '@holdfast/core/roles.ts'
import { authorize, hasScope, isAdministrator } from '../../access/decide.ts'
import { rightsNow } from '../../access/rights-now.ts'
import { commit } from '../../commit.ts'
import { type Engine, systemCall } from '../../engine.ts'
import { identityPages } from '../identity-pages.ts'
import { notify, notifyProven } from '../mail/notify.ts'
import type { Place } from '../passwords/fair-line.ts'
import { placeOf } from '../passwords/place-of.ts'
import { principalOfUser } from '../principal-of-user.ts'
import { requireRightsOver } from '../rights-over.ts'
import { lockEndMs } from '../sessions/lockout.ts'
import { type ProvenUser, proveUser, withProof } from '../sessions/login.ts'
import { isGiving, requireConfirmed } from '../sessions/require-confirmed.ts'
import { isOwnAccount } from './own-account.ts'
import { nextPassword, requirePolicy } from './password-policy.ts'
import { passwordHashOf } from './same-password.ts'
import { requireUserFields } from './user-fields.ts'
import { namesOf, type OwnProof, type UserPatch } from './user-transactions.ts'

export interface UserInput {
  readonly username: string
  readonly password: string
  readonly email?: string | null | undefined
  readonly firstName?: string | undefined
  readonly lastName?: string | undefined
  readonly roles?: readonly string[] | undefined
  readonly buckets?: readonly string[] | null | undefined
  /** Default: yes, since somebody else has chosen the password. */
  readonly mustChangePassword?: boolean | undefined
}

export async function createUser(engine: Engine, call: Call, input: UserInput): Promise<User> {
  authorize(call.principal, 'admin:users', {})
  requireConfirmed(engine, call)
  return await addUser(engine, call, { ...input, isSystem: false })
}

/**
 * The administrator of the settings: made once, and kept as it has become since. Undefined where
 * there was somebody of that name.
 */
export async function ensureAdministrator(
  engine: Engine,
  input: { readonly username: string; readonly password: string; readonly email?: string },
): Promise<User | undefined> {
  const { identities } = engine.catalog.view
  const known = await identities.byName('user', input.username.toLowerCase())
  if (known !== undefined) return undefined
  const roles = ['ADMIN']
  const given = { ...input, roles, mustChangePassword: false, isSystem: true }
  return await addUser(engine, systemCall('start'), given)
}

async function addUser(
  engine: Engine,
  call: Call,
  input: UserInput & { readonly isSystem: boolean },
): Promise<User> {
  const { username, email = null, firstName = '', lastName = '' } = input
  const { roles = ['USER'], buckets = null, isSystem } = input
  requireUserFields({ username, email, firstName, lastName, roles, buckets })
  requirePolicy(input.password, namesOf({ username, email }))
  requireRights(call, roles)
  const password = await nextPassword(
    engine.identity.hasher.of(placeOf(call)),
    {
      password: input.password,
      mustChange: input.mustChangePassword ?? true,
      now: new Date(engine.clock.now()).toISOString(),
    },
    null,
  )
  // The work of a password may have to wait for that of others.
  const now = await rightsNow(engine, call)
  authorize(now.principal, 'admin:users', {})
  requireRights(now, roles)
  const args = { username, email, firstName, lastName, roles, buckets, isSystem, password }
  const user = await commit(engine, now, { name: 'users.create', args })
  // Guesses before there was somebody of that name are not at this account.
  engine.identity.guessedNames.forget(user.names)
  return user
}

export async function getUser(engine: Engine, call: Call, id: string): Promise<User> {
  authorize(call.principal, 'admin:users', {})
  return await findUser(engine, id)
}

export interface UserFilter {
  readonly status?: UserStatus | undefined
  /** Whether they may log in, or may again when a lock ends. */
  readonly enabled?: boolean | undefined
  readonly role?: string | undefined
  /** Part of a name or an e-mail address. */
  readonly search?: string | undefined
  readonly limit: number
  readonly offset: number
}

/** In the order in which they were made; deleted ones only when asked for. */
export async function listUsers(
  engine: Engine,
  call: Call,
  filter: UserFilter,
): Promise<{ readonly items: User[]; readonly total: number }> {
  authorize(call.principal, 'admin:users', {})
  const nowMs = engine.clock.now()
  const items: User[] = []
  let total = 0
  for await (const page of identityPages(engine, call, 'user')) {
    for (const user of page) {
      if (!matches(user, filter, nowMs)) continue
      total += 1
      if (total > filter.offset && items.length < filter.limit) items.push(user)
    }
  }
  return { items, total }
}

function matches(user: User, filter: UserFilter, nowMs: number): boolean {
  const { status, enabled, role, search } = filter
  const shown = shownStatus(user, nowMs)
  if (status === undefined ? shown === 'DELETED' : shown !== status) return false
  if (enabled !== undefined && enabled !== (user.status === 'ACTIVE')) return false
  if (role !== undefined && !user.roles.includes(role)) return false
  if (search === undefined) return true
  const text = [user.username, user.email ?? '', user.firstName, user.lastName].join('\n')
  return text.toLowerCase().includes(search.toLowerCase())
}

export function shownStatus(user: User, nowMs: number): UserStatus {
  if (user.status !== 'ACTIVE') return user.status
  return lockEndMs(user, nowMs) === undefined ? 'ACTIVE' : 'LOCKED'
}

export interface UserChange {
  readonly id: string
  readonly patch: UserPatch
  /** Needed for the own e-mail address, with the code of who has a second factor. */
  readonly password?: string | undefined
  readonly code?: string | undefined
}

export async function updateUser(engine: Engine, call: Call, change: UserChange): Promise<User> {
  const user = await requireManageable(engine, call, change.id)
  const { patch } = change
  requireUserFields(patch)
  requireKeptHere(user, patch)
  requireRights(call, patch.roles ?? [])
  const proven = await proveOwnAddress(engine, call, { user, change })
  if (proven === null && isGiving(patch)) requireConfirmed(engine, call)
  const now = await manageableNow(engine, call, user.id)
  requireRights(now, patch.roles ?? [])
  const args = { id: user.id, patch: withoutSameAddress(user, patch), proven }
  const changed = await commit(engine, now, { name: 'users.update', args })
  // What others changed meanwhile, they tell.
  if (args.patch.email !== undefined && changed.email !== user.email) {
    notifyProven(engine, { user, proof: proven?.proof ?? null }, 'The e-mail address was changed')
  }
  return changed
}

/** It was not asked to be proved, so it must not undo a change of it that comes first. */
function withoutSameAddress({ email: current }: User, patch: UserPatch): UserPatch {
  const { email, ...others } = patch
  return email === current ? others : patch
}

/**
 * What is mailed to an address can set the password: for the own one a session is not enough, as it
 * is not for the password. Null for all other changes.
 */
async function proveOwnAddress(
  engine: Engine,
  call: Call,
  { user, change }: { readonly user: User; readonly change: UserChange },
): Promise<OwnProof | null> {
  const { patch, password, code } = change
  const isSame = patch.email === undefined || patch.email === user.email
  if (isSame || !(await isOwnAccount(engine, call, user.id))) return null
  if (password === undefined) {
    const reason = 'your own address is changed with your password'
    throw new HoldfastError('FORBIDDEN', { permission: 'admin:users', reason })
  }
  const given = { name: user.username, password, code, place: placeOf(call) }
  const proven = await proveUser(engine, given)
  if (proven.user.id !== user.id) throw new HoldfastError('UNAUTHENTICATED')
  return { proof: proven.proof, passwordHash: passwordHashOf(proven.user) }
}

/** The record stays, with nothing that could be used; its names are free again. */
export async function removeUser(engine: Engine, call: Call, id: string): Promise<void> {
  const user = await requireManageable(engine, call, id)
  const args = { id: user.id, patch: { status: 'DELETED' }, proven: null } as const
  await commit(engine, call, { name: 'users.update', args })
}

export async function unlockUser(engine: Engine, call: Call, id: string): Promise<User> {
  const user = await requireManageable(engine, call, id)
  requireConfirmed(engine, call)
  const unlocked = await commit(engine, call, { name: 'users.unlock', args: { id: user.id } })
  engine.identity.guessedNames.forget(user.names)
  return unlocked
}

/**
 * By an administrator, who then knows it: unless told otherwise it must be changed at login. Not
 * the own one: whoever got hold of a session would keep the account.
 */
export async function resetPassword(
  engine: Engine,
  call: Call,
  given: { readonly id: string; readonly password: string; readonly mustChange: boolean },
): Promise<User> {
  const user = await requireManageable(engine, call, given.id)
  if (await isOwnAccount(engine, call, user.id)) {
    const reason = 'your own password is changed with the one before'
    throw new HoldfastError('FORBIDDEN', { permission: 'admin:users', reason })
  }
  requireConfirmed(engine, call)
  const changed = await replacePassword(engine, call, {
    ...{ user, proof: 'administrator', place: placeOf(call) },
    ...given,
  })
  notify(engine, changed, 'An administrator set another password')
  return changed
}

export interface PasswordChange {
  readonly name: string
  readonly password: string
  readonly newPassword: string
  /** Needed from who has a second factor. */
  readonly code?: string | undefined
}

/** By its owner, who proves it with the current one. Works also where a login is refused for it. */
export async function changePassword(
  engine: Engine,
  call: Call,
  given: PasswordChange,
): Promise<void> {
  const { newPassword: password, code } = given
  const place = placeOf(call, given.name.toLowerCase())
  // The new one costs as much as six guesses: those of one account wait for each other, too.
  const changed = await withProof(engine, { ...given, code, place }, async proven => {
    const own = { ...call, principal: { ...call.principal, id: proven.user.id } }
    const how = { ...proven, password, mustChange: false, place }
    return { user: await replacePassword(engine, own, how), proof: proven.proof }
  })
  notifyProven(engine, changed, 'The password was changed')
}

async function replacePassword(
  engine: Engine,
  call: Call,
  given: {
    readonly user: User
    readonly proof: ProvenUser['proof'] | 'administrator'
    readonly password: string
    readonly mustChange: boolean
    readonly place: Place
  },
): Promise<User> {
  const { user, proof, password, mustChange } = given
  if (user.source !== 'local') throw new HoldfastError('USER_OUTSIDE', { source: user.source })
  requirePolicy(password, namesOf(user))
  const now = new Date(engine.clock.now()).toISOString()
  const next = await nextPassword(
    engine.identity.hasher.of(given.place),
    { password, mustChange, now },
    user.password,
  )
  const isOwn = proof !== 'administrator'
  const by = isOwn ? call : await manageableNow(engine, call, user.id)
  const args = { id: user.id, password: next, proof, passwordHash: passwordHashOf(user) }
  const changed = await commit(engine, by, { name: 'users.setPassword', args })
  engine.identity.guessedNames.forget(changed.names)
  return changed
}

/** Of users of another place only status and buckets are decided here. */
function requireKeptHere({ source }: User, patch: UserPatch): void {
  const { status: _, buckets: __, ...elsewhere } = patch
  if (source === 'local' || Object.keys(elsewhere).length === 0) return
  throw new HoldfastError('USER_OUTSIDE', { source })
}

async function findUser(engine: Engine, id: string): Promise<User> {
  const user = await engine.catalog.view.identities.byId('user', id.toLowerCase())
  if (user === undefined) throw new HoldfastError('USER_NOT_FOUND', { user_id: id })
  return user
}

/** Nobody changes a user who may more than they do: else they could take over that user. */
export async function requireManageable(engine: Engine, call: Call, id: string): Promise<User> {
  authorize(call.principal, 'admin:users', {})
  const user = await findUser(engine, id)
  requireRightsOver(call, (await principalOfUser(engine, user)).principal)
  return user
}

/** The call as of now: while a password was worked on, its caller or the user may have changed. */
async function manageableNow(engine: Engine, call: Call, id: string): Promise<Call> {
  const now = await rightsNow(engine, call)
  await requireManageable(engine, now, id)
  return now
}

/** Nobody gives or takes rights that they do not hold. */
export function requireRights({ principal }: Call, roles: readonly string[]): void {
  if (isAdministrator(principal)) return
  const given = rightsOf(roles)
  const scopes = [...given.permissions, ...given.ownPermissions]
  const excess = scopes.find(scope => {
    if (scope === '*') return true
    return permissions.some(one => scopeCovers(scope, one) && !hasScope(principal, one))
  })
  if (excess === undefined) return
  const reason = 'the role grants more than the caller holds'
  throw new HoldfastError('FORBIDDEN', { permission: excess, reason })
}
