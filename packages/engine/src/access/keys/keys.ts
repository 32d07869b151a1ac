import type { Call } from '@holdfast/core/call.ts'
import { type FieldProblem, HoldfastError, invalidFields } from '@holdfast/core/errors.ts'
import { bucketNameProblem, byteLength, nameProblem } from '@holdfast/core/names.ts'
import {
  permissions as allPermissions,
  isScope,
  type Principal,
  scopeCovers,
} from '@holdfast/core/principal.ts'
import type { ApiKey } from '@holdfast/core/records.ts'
import { commit } from '../../commit.ts'
import { type Engine, systemCall } from '../../engine.ts'
import { requireConfirmed } from '../../identity/sessions/require-confirmed.ts'
import { authorize, hasScope, isAdministrator } from '../decide.ts'
import { keyMakerOf, peekWhileMaker, principalWhileMaker } from './key-maker.ts'
import { hashOfSecret, newSecret, prefixOfSecret } from './key-secret.ts'

export interface KeyInput {
  readonly name: string
  readonly permissions: readonly string[]
  /** Bucket names it is confined to; absent or null = as far as its maker reaches. */
  readonly buckets?: readonly string[] | null | undefined
  /** Absent or null: never, or with its maker. */
  readonly expiresAt?: string | null | undefined
}

/** The only moment at which the secret is known. TOO_MANY_ITEMS where its maker has too many. */
export async function createKey(
  engine: Engine,
  call: Call,
  input: KeyInput,
): Promise<{ key: ApiKey; secret: string }> {
  authorize(call.principal, 'keys:admin', {})
  requireConfirmed(engine, call)
  requireKeyFields(engine, input)
  requireWithin(call.principal, input, 'a key cannot grant more than its maker holds')
  const secret = newSecret(engine.random)
  const args = {
    name: input.name,
    hash: hashOfSecret(secret),
    prefix: prefixOfSecret(secret),
    permissions: input.permissions,
    buckets: input.buckets ?? null,
    makerId: await keyMakerOf(engine, call),
    expiresAt: await expiryOf(engine, call, input.expiresAt),
    makerKeysMax: engine.limits.makerKeysMax,
  }
  const key = await commit(engine, call, { name: 'keys.create', args })
  return { key, secret }
}

/**
 * The key that the settings give, for the first administrator: good after every start.
 * VALIDATION_ERROR for the secret of a key that somebody made: it would be an administrator
 * without a maker, and stay one once the settings give another secret.
 */
export async function ensureKey(
  engine: Engine,
  input: {
    readonly name: string
    readonly secret: string
    readonly permissions: readonly string[]
  },
): Promise<ApiKey> {
  const { name, secret, permissions } = input
  if (secret.length < SECRET_LENGTH_MIN || secret.length > SECRET_LENGTH_MAX) {
    const problem = `must be ${SECRET_LENGTH_MIN} to ${SECRET_LENGTH_MAX} characters`
    throw invalidFields({ path: 'secret', problem })
  }
  requireKeyFields(engine, { name, permissions })
  const hash = hashOfSecret(secret)
  const call = systemCall('start')
  const known = await engine.catalog.view.keys.byHash(hash)
  if (known !== undefined && known.createdBy !== call.principal.id) {
    const problem = `is that of the key ${known.id}, which somebody made`
    throw invalidFields({ path: 'secret', problem })
  }
  const prefix = prefixOfSecret(secret)
  const none = { buckets: null, makerId: null, expiresAt: null }
  const args = { name, hash, prefix, permissions, ...none }
  return commit(engine, call, { name: 'keys.ensure', args })
}

export async function listKeys(engine: Engine, call: Call): Promise<ApiKey[]> {
  authorize(call.principal, 'keys:admin', {})
  // All of them, however many there are.
  await engine.lists.giveWay(call)()
  return engine.catalog.view.keys.list()
}

/**
 * From the moment it resolves the key opens nothing. Revoking twice changes nothing. Nobody takes
 * rights that they do not hold themselves: else a key for making keys could lock out everybody.
 */
export async function revokeKey(engine: Engine, call: Call, id: string): Promise<ApiKey> {
  authorize(call.principal, 'keys:admin', {})
  const key = await engine.catalog.view.keys.byId(id)
  if (key === undefined) throw new HoldfastError('KEY_NOT_FOUND', { key_id: id })
  requireWithin(call.principal, key, 'a key that grants more than the caller holds')
  return commit(engine, call, { name: 'keys.revoke', args: { id } })
}

/**
 * Whose secret it is. UNAUTHENTICATED, or CREDENTIAL_EXPIRED for a key that was good once. The
 * look-up is by hash, so its time tells nothing about how much of a secret was right.
 */
export async function authenticateKey(engine: Engine, secret: string): Promise<Principal> {
  if (secret.length > SECRET_LENGTH_MAX) throw new HoldfastError('UNAUTHENTICATED')
  const known = engine.keyHashes.get(secret)
  const hash = known ?? hashOfSecret(secret)
  const key = requireOpen(engine, await engine.catalog.view.keys.byHash(hash))
  const principal = await principalWhileMaker(engine, key, principalOfKey(key))
  if (principal === undefined) throw new HoldfastError('UNAUTHENTICATED')
  engine.keyUses.set(key.id, engine.clock.now())
  // Only secrets that were good: guesses must not push them out.
  if (known === undefined) engine.keyHashes.set(secret, hash)
  return principal
}

/** The same where it can be told within this turn of the event loop; undefined says nothing. */
export function peekKey(engine: Engine, secret: string): Principal | undefined {
  if (secret.length > SECRET_LENGTH_MAX) return undefined
  const known = engine.keyHashes.get(secret)
  const hash = known ?? hashOfSecret(secret)
  const key = engine.catalog.view.keys.byHash(hash)
  if (key === undefined || key instanceof Promise || key.revokedAt !== null) return undefined
  const nowMs = engine.clock.now()
  if (isExpired(key, nowMs)) return undefined
  const principal = peekWhileMaker(engine, key, principalOfKey(key))
  if (principal === undefined) return undefined
  engine.keyUses.set(key.id, nowMs)
  // Only secrets that were good: guesses must not push them out.
  if (known === undefined) engine.keyHashes.set(secret, hash)
  return principal
}

/** Asked for each request, because a key expires by itself. */
function requireOpen(engine: Engine, key: ApiKey | undefined): ApiKey {
  if (key === undefined || key.revokedAt !== null) throw new HoldfastError('UNAUTHENTICATED')
  if (isExpired(key, engine.clock.now())) throw new HoldfastError('CREDENTIAL_EXPIRED')
  return key
}

export function isExpired(key: Pick<ApiKey, 'expiresAt'>, nowMs: number): boolean {
  return key.expiresAt !== null && Date.parse(key.expiresAt) <= nowMs
}

/** While its maker may act; undefined for one that is not good now. */
export async function principalOfGoodKey(
  engine: Engine,
  key: ApiKey | undefined,
): Promise<Principal | undefined> {
  if (key === undefined || key.revokedAt !== null) return undefined
  if (isExpired(key, engine.clock.now())) return undefined
  return await principalWhileMaker(engine, key, principalOfKey(key))
}

export function principalOfKey(key: ApiKey): Principal {
  const { id, name, permissions, buckets } = key
  return { kind: 'api_key', id, name, permissions, buckets }
}

const SECRET_LENGTH_MIN = 8
const SECRET_LENGTH_MAX = 256
const BUCKETS_MAX = 1000

export function requireKeyFields(engine: Engine, input: KeyInput): void {
  const problems: FieldProblem[] = []
  const name = nameProblem(input.name)
  if (name !== undefined) problems.push({ path: 'name', problem: name })
  if (byteLength(input.name) > 255)
    problems.push({ path: 'name', problem: 'must be at most 255 bytes' })
  const { permissions } = input
  if (permissions.length === 0 || permissions.length > allPermissions.length * 4) {
    problems.push({ path: 'permissions', problem: 'must name at least one permission' })
  }
  for (const [index, scope] of permissions.entries()) {
    if (isScope(scope)) continue
    problems.push({ path: `permissions[${index}]`, problem: 'is not a known permission' })
  }
  problems.push(...bucketProblems(input.buckets ?? []), ...expiryProblems(engine, input.expiresAt))
  if (problems.length > 0) throw invalidFields(...problems)
}

function bucketProblems(buckets: readonly string[]): FieldProblem[] {
  if (buckets.length > BUCKETS_MAX) {
    return [{ path: 'buckets', problem: `at most ${BUCKETS_MAX} buckets` }]
  }
  return buckets.flatMap((bucket, index) => {
    const problem = bucketNameProblem(bucket)
    return problem === undefined ? [] : [{ path: `buckets[${index}]`, problem }]
  })
}

function expiryProblems(engine: Engine, expiresAt: string | null | undefined): FieldProblem[] {
  if (expiresAt == null) return []
  const ms = Date.parse(expiresAt)
  if (Number.isNaN(ms)) return [{ path: 'expires_at', problem: 'must be an ISO 8601 time' }]
  return ms > engine.clock.now() ? [] : [{ path: 'expires_at', problem: 'must be in the future' }]
}

/** A key ends no later than its maker, or expiring would end nothing. */
export async function expiryOf(
  engine: Engine,
  { principal }: Call,
  wanted: string | null | undefined,
): Promise<string | null> {
  const { keys, identities } = engine.catalog.view
  const maker =
    (await keys.byId(principal.id)) ?? (await identities.byId('service_account', principal.id))
  const latest = maker?.expiresAt ?? null
  if (wanted == null) return latest
  if (latest === null || Date.parse(wanted) <= Date.parse(latest)) {
    return new Date(wanted).toISOString()
  }
  const reason = 'a key cannot outlive its maker'
  throw new HoldfastError('FORBIDDEN', { reason, expires_at: latest })
}

/** Nobody hands out or takes away more than they hold. */
export function requireWithin(
  maker: Principal,
  input: { readonly permissions: readonly string[] },
  reason: string,
): void {
  const excess = excessOf(maker, input)
  if (excess === undefined) return
  throw new HoldfastError('FORBIDDEN', { permission: excess, reason })
}

/** The first of the scopes that is more than the other holds. */
export function excessOf(
  maker: Principal,
  { permissions }: { readonly permissions: readonly string[] },
): string | undefined {
  if (isAdministrator(maker)) return undefined
  return permissions.find(scope => {
    if (scope === '*' || scope === '*:*') return true
    return allPermissions.some(one => scopeCovers(scope, one) && !hasScope(maker, one))
  })
}
