import type { Call } from '@holdfast/core/call.ts'
import { HIDDEN, HoldfastError, invalidFields } from '@holdfast/core/errors.ts'
import type { AccessKey } from '@holdfast/core/objects.ts'
import type { Principal } from '@holdfast/core/principal.ts'
import { atOnce } from '../../assets/peek.ts'
import { commit } from '../../commit.ts'
import { type Engine, systemCall } from '../../engine.ts'
import { principalOfUser } from '../../identity/principal-of-user.ts'
import { requireRightsOver } from '../../identity/rights-over.ts'
import { requireConfirmed } from '../../identity/sessions/require-confirmed.ts'
import { authorize, hasScope } from '../decide.ts'
import { peekAccessKeyPrincipal, principalOfAccessKey } from './access-key-principal.ts'
import {
  newAccessKeyId,
  newAccessSecret,
  openSecret,
  sealSecret,
  tryOpen,
} from './access-secret.ts'
import { keyMakerOf } from './key-maker.ts'
import { expiryOf, type KeyInput, requireKeyFields, requireWithin } from './keys.ts'

export interface AccessKeyInput extends Omit<KeyInput, 'permissions'> {
  /** Absent: all that its user may. */
  readonly permissions?: readonly string[] | undefined
  /**
   * Whom it acts as. Absent: the caller, where that is a user. Null: itself, as API keys do; it
   * needs the permissions, then.
   */
  readonly userId?: string | null | undefined
}

/** The only moment at which the secret is told. */
export async function createAccessKey(
  engine: Engine,
  call: Call,
  input: AccessKeyInput,
): Promise<{ key: AccessKey; secret: string }> {
  const userId = await holderFor(engine, call, input.userId)
  requireConfirmed(engine, call)
  const permissions = input.permissions ?? (userId === null ? [] : ['*'])
  requireKeyFields(engine, { ...input, permissions })
  // What a user may is asked at each use, so a key of one's own can hold no more than oneself.
  if (userId === null || userId !== call.principal.id) {
    requireWithin(call.principal, { permissions }, 'a key cannot grant more than its maker holds')
  }
  // Refuses whose rights end with a token, also where the key acts for somebody else.
  const makerId = await keyMakerOf(engine, call)
  const id = newAccessKeyId(engine.random)
  const secret = newAccessSecret(engine.random)
  const args = {
    id,
    name: input.name,
    userId,
    sealedSecret: sealSecret(engine, { id, secret }),
    permissions,
    buckets: input.buckets ?? null,
    makerId: userId === null ? makerId : null,
    expiresAt: await expiryOf(engine, call, input.expiresAt),
    userKeysMax: engine.limits.userKeysMax,
  }
  const key = await commit(engine, call, { name: 'keys.putAccess', args })
  return { key, secret }
}

/** The user it will act as, once the caller may make such a key. */
async function holderFor(
  engine: Engine,
  { principal }: Call,
  wanted: string | null | undefined,
): Promise<string | null> {
  const own = principal.kind === 'user' ? principal.id : null
  const userId = wanted === undefined ? own : (wanted?.toLowerCase() ?? null)
  if (userId !== null && userId === own) return userId
  authorize(principal, 'keys:admin', {})
  if (userId === null) return null
  authorize(principal, 'admin:users', {})
  const user = await engine.catalog.view.identities.byId('user', userId)
  if (user?.status !== 'ACTIVE') throw new HoldfastError('USER_NOT_FOUND', { user_id: userId })
  // Its rights are those of its tokens, each until that expires.
  if (user.source === 'token') throw new HoldfastError('USER_OUTSIDE', { source: user.source })
  // It acts as that user, in access lists and in the log, however little the key itself permits.
  requireRightsOver({ principal }, (await principalOfUser(engine, user)).principal)
  return userId
}

export interface GivenAccessKey {
  readonly id: string
  readonly secret: string
  readonly name: string
  readonly permissions: readonly string[]
}

const ID = /^[A-Za-z0-9._-]{3,128}$/

/**
 * The key pair that the settings give: good after every start. VALIDATION_ERROR for the id of a
 * pair that somebody made: it would be an administrator in the name of whoever has it, for ever.
 */
export async function ensureAccessKey(engine: Engine, input: GivenAccessKey): Promise<AccessKey> {
  const { id, secret, name, permissions } = input
  if (!ID.test(id)) {
    const problem = 'must be 3 to 128 letters, digits, dots, hyphens or underscores'
    throw invalidFields({ path: 'id', problem })
  }
  if (secret.length < 8 || secret.length > 128) {
    throw invalidFields({ path: 'secret', problem: 'must be 8 to 128 characters' })
  }
  requireKeyFields(engine, { name, permissions })
  const call = systemCall('start')
  const known = await engine.catalog.view.accessKeys.byId(id)
  if (known !== undefined && known.createdBy !== call.principal.id) {
    const problem = 'of the S3 pair of the settings is that of one that somebody made'
    throw invalidFields({ path: 'id', problem })
  }
  if (known !== undefined && isSame(engine, known, input)) return known
  const sealedSecret = sealSecret(engine, { id, secret })
  const none = { userId: null, buckets: null, makerId: null, expiresAt: null }
  const { userKeysMax } = engine.limits
  const args = { id, name, sealedSecret, permissions, ...none, userKeysMax }
  return commit(engine, call, { name: 'keys.putAccess', args })
}

/**
 * Ends the pairs that the settings gave before, so that changing the pair there ends the old one;
 * those are told. What people made is theirs, whatever it is called.
 */
export async function endReplacedKeys(
  engine: Engine,
  { id, name }: Pick<GivenAccessKey, 'id' | 'name'>,
): Promise<AccessKey[]> {
  const call = systemCall('start')
  const replaced = (await engine.catalog.view.accessKeys.list()).filter(key => {
    const isGiven = key.createdBy === call.principal.id && key.userId === null
    return isGiven && key.name === name && key.id !== id && key.revokedAt === null
  })
  for (const key of replaced) {
    await commit(engine, call, { name: 'keys.revokeAccess', args: { id: key.id } })
  }
  return replaced
}

function isSame(engine: Engine, known: AccessKey, input: GivenAccessKey): boolean {
  const open = known.revokedAt === null && known.expiresAt === null && known.buckets === null
  const same = known.name === input.name && known.permissions.join() === input.permissions.join()
  // One that no secret opens, as a rebuild may leave it, is sealed anew.
  return open && same && tryOpen(engine, known) === input.secret
}

/** All of them for who administers keys; users without that see their own. */
export async function listAccessKeys(engine: Engine, call: Call): Promise<AccessKey[]> {
  const { principal } = call
  const keys = await engine.catalog.view.accessKeys.list()
  if (hasScope(principal, 'keys:admin') || principal.kind !== 'user') {
    authorize(principal, 'keys:admin', {})
    return keys
  }
  return keys.filter(key => key.userId === principal.id)
}

/**
 * From the moment it resolves the key opens nothing. Revoking twice changes nothing. Whose key it
 * is may revoke it; others need the right, and no less than the key grants.
 */
export async function revokeAccessKey(engine: Engine, call: Call, id: string): Promise<AccessKey> {
  const { principal } = call
  const key = await engine.catalog.view.accessKeys.byId(id)
  const isOwn = principal.kind === 'user' && key?.userId === principal.id
  if (!isOwn) {
    // Users learn nothing about the keys of others.
    const isHidden = principal.kind === 'user' && !hasScope(principal, 'keys:admin')
    if (!isHidden) authorize(principal, 'keys:admin', {})
    if (key === undefined || isHidden) throw missingKey(id, key)
    requireWithin(principal, key, 'a key that grants more than the caller holds')
  }
  return commit(engine, call, { name: 'keys.revokeAccess', args: { id } })
}

export interface FoundAccessKey {
  readonly accessKey: AccessKey
  readonly principal: Principal
  /** The same object as long as the key stays as it is: what is derived from it can be kept. */
  readonly secret: AccessSecret
}

export interface AccessSecret {
  readonly text: string
}

/** Opening one costs more than the signature of a request; a changed key is another record. */
const opened = new WeakMap<AccessKey, AccessSecret>()

function secretOf(engine: Engine, key: AccessKey): AccessSecret {
  let secret = opened.get(key)
  if (secret === undefined) {
    secret = { text: openSecret(engine, key) }
    opened.set(key, secret)
  }
  return secret
}

/** The same where it can be told within this turn of the event loop; undefined says nothing. */
export function peekAccessKey(engine: Engine, id: string): FoundAccessKey | undefined {
  if (!ID.test(id)) return undefined
  const key = atOnce(engine.catalog.view.accessKeys.byId(id))
  if (key === undefined || !isOpen(key, engine.clock.now())) return undefined
  const principal = peekAccessKeyPrincipal(engine, key)
  if (principal === undefined) return undefined
  return { accessKey: key, principal, secret: secretOf(engine, key) }
}

/**
 * Who a request names, and the secret its signature must be made with. Undefined for ids that are
 * unknown, revoked or expired, or whose user is not active: the door answers all alike.
 */
export async function findAccessKey(
  engine: Engine,
  id: string,
): Promise<FoundAccessKey | undefined> {
  if (!ID.test(id)) return undefined
  const key = await engine.catalog.view.accessKeys.byId(id)
  if (key === undefined || !isOpen(key, engine.clock.now())) return undefined
  const principal = await principalOfAccessKey(engine, key)
  if (principal === undefined) return undefined
  return { accessKey: key, principal, secret: secretOf(engine, key) }
}

/** Of one that signed: its id stands in every link, so anybody may name it. */
export function noteUse({ keyUses, clock }: Engine, { id, principalId }: AccessKey): void {
  const nowMs = clock.now()
  keyUses.set(id, nowMs)
  keyUses.set(principalId, nowMs)
}

function isOpen({ revokedAt, expiresAt }: AccessKey, nowMs: number): boolean {
  return revokedAt === null && (expiresAt === null || Date.parse(expiresAt) > nowMs)
}

function missingKey(id: string, key: AccessKey | undefined): HoldfastError {
  const cause = key === undefined ? {} : { cause: HIDDEN }
  return new HoldfastError('KEY_NOT_FOUND', { key_id: id }, cause)
}
