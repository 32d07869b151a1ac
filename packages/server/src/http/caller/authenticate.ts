import type { Route } from '@holdfast/contract/route.ts'
import type { Call } from '@holdfast/core/call.ts'
import { HoldfastError } from '@holdfast/core/errors.ts'
import { anonymous, type Permission, type Principal } from '@holdfast/core/principal.ts'
import { authorize, hasScope, mayEver } from '@holdfast/engine/access/decide.ts'
import { authenticateKey, peekKey } from '@holdfast/engine/access/keys/keys.ts'
import { findAsset } from '@holdfast/engine/assets/find-asset.ts'
import type { Engine } from '@holdfast/engine/engine.ts'
import { authenticateToken } from '@holdfast/engine/identity/sessions/authenticate-token.ts'
import { looksLikeToken } from '@holdfast/engine/identity/sessions/tokens.ts'
import type { PlainHeaders } from '../direct/plain-headers.ts'

interface CredentialHeaders {
  readonly authorization?: string | undefined
  readonly 'x-api-key'?: string | string[] | undefined
}

/** Who calls: the owner of the key or token, or anonymous. A wrong one is never anonymous. */
export async function principalOf(engine: Engine, headers: CredentialHeaders): Promise<Principal> {
  const secret = secretOf(headers)
  if (secret === undefined) return anonymous
  if (looksLikeToken(secret)) return await authenticateToken(engine, secret)
  return await authenticateKey(engine, secret)
}

/** Whether the credential was good before. It may have ended since. */
export function isKnown(engine: Engine, headers: CredentialHeaders): boolean {
  const secret = secretOf(headers)
  if (secret === undefined || engine.keyHashes.get(secret) !== undefined) return true
  return engine.identity.tokens.has(secret, engine.clock.now())
}

/**
 * The same where it can be told at once; undefined says nothing. Whoever has a limit of its own is
 * known on the way on which it is counted.
 */
export function peekPrincipal(
  engine: Engine,
  headers: Pick<PlainHeaders, 'apiKey' | 'authorization'>,
): Principal | undefined {
  const principal = peekCredential(engine, headers)
  return principal?.rateLimit === undefined ? principal : undefined
}

function peekCredential(
  engine: Engine,
  { apiKey, authorization }: Pick<PlainHeaders, 'apiKey' | 'authorization'>,
): Principal | undefined {
  if (authorization === undefined) {
    return apiKey === undefined ? anonymous : peekSecret(engine, apiKey)
  }
  if (apiKey !== undefined || !authorization.startsWith('Bearer ')) return undefined
  return peekSecret(engine, authorization.slice('Bearer '.length))
}

/** A token is known at once when it was checked before and nothing changed since. */
function peekSecret(engine: Engine, secret: string): Principal | undefined {
  const isToken = secret.startsWith('eyJ')
  return isToken ? engine.identity.tokens.get(secret, engine.clock.now()) : peekKey(engine, secret)
}

function secretOf(headers: CredentialHeaders): string | undefined {
  const key = headers['x-api-key']
  const { authorization } = headers
  if (Array.isArray(key)) throw new HoldfastError('UNAUTHENTICATED')
  if (authorization === undefined) return key
  const bearer = /^Bearer +([\x21-\x7e]+)$/i.exec(authorization.trim())?.[1]
  if (bearer === undefined) throw new HoldfastError('UNAUTHENTICATED')
  // Two credentials would leave open who acts.
  if (key !== undefined && key !== bearer) throw new HoldfastError('UNAUTHENTICATED')
  return bearer
}

/** Permissions that an access list or public reading may give without a scope. */
const GIVEN_BY_ASSET: ReadonlySet<Permission> = new Set([
  'assets:read',
  'assets:write',
  'versions:read',
  'versions:write',
  'metadata:read',
  'metadata:write',
])
const GIVEN_TO_ALL: ReadonlySet<Permission> = new Set(['assets:read', 'metadata:read'])

const OF_THE_STORE: ReadonlySet<Permission> = new Set([
  'store:admin',
  'metrics:read',
  'keys:admin',
  'admin:users',
  'audit:view',
  'audit:export',
])

/**
 * What can be said before the body is read and the resource is known: everybody who is refused here
 * would be refused by the engine as well, which decides with the resource at hand.
 */
export function admit(principal: Principal, route: Route): void {
  const { permission } = route
  if (permission === 'open') return
  if (permission === 'self') {
    if (principal.kind === 'anonymous') throw new HoldfastError('UNAUTHENTICATED')
    return
  }
  // About the store as a whole: nothing for who is confined to buckets.
  if (OF_THE_STORE.has(permission)) {
    authorize(principal, permission, {})
    return
  }
  if (mayEver(principal, permission)) return
  if (principal.kind === 'anonymous') {
    if (GIVEN_TO_ALL.has(permission)) return
    throw new HoldfastError('UNAUTHENTICATED')
  }
  // A form creates, and no access list can allow that.
  const creates = route.body?.kind === 'form' && permission === 'assets:write'
  if (GIVEN_BY_ASSET.has(permission) && !creates) return
  throw new HoldfastError('FORBIDDEN', { permission, reason: 'no scope grants it' })
}

/**
 * The same for a route whose asset is named in the path: without a scope only the access list of
 * that asset can help, and it is asked before the body is read. Where the ids are in the body, as
 * in batches, the body is read, within its bounds.
 */
export async function admitToAsset(
  engine: Engine,
  call: Call,
  { route, id }: { readonly route: Route; readonly id: string | undefined },
): Promise<void> {
  const { permission, path } = route
  if (permission === 'open' || permission === 'self') return
  if (id === undefined || !path.startsWith('/api/v2/assets/{id}')) return
  if (hasScope(call.principal, permission)) return
  // What is said of a single version is no deletion, for which the permission stands else.
  const ofVersion = permission === 'versions:write' && path.includes('{version_id}')
  const actions = ofVersion ? (['s3:PutObjectVersionTagging'] as const) : undefined
  await findAsset(engine, call, { id, permission, actions, deleted: 'show' })
}
