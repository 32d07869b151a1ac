import type { Call } from '@holdfast/core/call.ts'
import { HoldfastError, invalidFields } from '@holdfast/core/errors.ts'
import type { AccessKey } from '@holdfast/core/objects.ts'
import type { Principal } from '@holdfast/core/principal.ts'
import { commit } from '../commit.ts'
import { type Engine, systemCall } from '../engine.ts'
import { newAccessKeyId, newAccessSecret, openSecret, sealSecret } from './access-secret.ts'
import { authorize } from './decide.ts'
import { expiryOf, type KeyInput, requireKeyFields, requireWithin } from './keys.ts'

/** The only moment at which the secret is told. */
export async function createAccessKey(
  engine: Engine,
  call: Call,
  input: KeyInput,
): Promise<{ key: AccessKey; secret: string }> {
  authorize(call.principal, 'keys:admin', {})
  requireKeyFields(engine, input)
  requireWithin(call.principal, input, 'a key cannot grant more than its maker holds')
  const id = newAccessKeyId(engine.random)
  const secret = newAccessSecret(engine.random)
  const args = {
    id,
    name: input.name,
    sealedSecret: sealSecret(engine, { id, secret }),
    permissions: input.permissions,
    buckets: input.buckets ?? null,
    expiresAt: await expiryOf(engine, call, input.expiresAt),
  }
  const key = await commit(engine, call, { name: 'keys.putAccess', args })
  return { key, secret }
}

export interface GivenAccessKey {
  readonly id: string
  readonly secret: string
  readonly name: string
  readonly permissions: readonly string[]
}

const ID = /^[A-Za-z0-9._-]{3,128}$/

/** The key pair that the settings give: good after every start. */
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
  const known = await engine.catalog.view.accessKeys.byId(id)
  if (known !== undefined && isSame(engine, known, input)) return known
  const sealedSecret = sealSecret(engine, { id, secret })
  const args = { id, name, sealedSecret, permissions, buckets: null, expiresAt: null }
  return commit(engine, systemCall('start'), { name: 'keys.putAccess', args })
}

function isSame(engine: Engine, known: AccessKey, input: GivenAccessKey): boolean {
  const open = known.revokedAt === null && known.expiresAt === null && known.buckets === null
  const same = known.name === input.name && known.permissions.join() === input.permissions.join()
  return open && same && openSecret(engine, known) === input.secret
}

export async function listAccessKeys(engine: Engine, call: Call): Promise<AccessKey[]> {
  authorize(call.principal, 'keys:admin', {})
  return engine.catalog.view.accessKeys.list()
}

/** From the moment it resolves the key opens nothing. Revoking twice changes nothing. */
export async function revokeAccessKey(engine: Engine, call: Call, id: string): Promise<AccessKey> {
  authorize(call.principal, 'keys:admin', {})
  const key = await engine.catalog.view.accessKeys.byId(id)
  if (key === undefined) throw new HoldfastError('KEY_NOT_FOUND', { key_id: id })
  requireWithin(call.principal, key, 'a key that grants more than the caller holds')
  return commit(engine, call, { name: 'keys.revokeAccess', args: { id } })
}

/**
 * Who a request names, and the secret its signature must be made with. Undefined for ids that are
 * unknown, revoked or expired: the door answers all three alike.
 */
export async function findAccessKey(
  engine: Engine,
  id: string,
): Promise<{ readonly principal: Principal; readonly secret: string } | undefined> {
  if (!ID.test(id)) return undefined
  const key = await engine.catalog.view.accessKeys.byId(id)
  if (key === undefined || key.revokedAt !== null) return undefined
  const nowMs = engine.clock.now()
  if (key.expiresAt !== null && Date.parse(key.expiresAt) <= nowMs) return undefined
  engine.keyUses.set(key.principalId, nowMs)
  return { principal: principalOfAccessKey(key), secret: openSecret(engine, key) }
}

export function principalOfAccessKey(key: AccessKey): Principal {
  const { principalId, name, permissions, buckets } = key
  return { kind: 'api_key', id: principalId, name, permissions, buckets }
}
