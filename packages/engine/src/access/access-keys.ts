import type { Call } from '@holdfast/core/call.ts'
import { HoldfastError } from '@holdfast/core/errors.ts'
import type { AccessKey } from '@holdfast/core/objects.ts'
import type { Principal } from '@holdfast/core/principal.ts'
import type { Engine } from '../engine.ts'
import type { KeyInput } from './keys.ts'

/** The only moment at which the secret is told. */
export async function createAccessKey(
  _engine: Engine,
  _call: Call,
  _input: KeyInput,
): Promise<{ key: AccessKey; secret: string }> {
  throw new HoldfastError('INTERNAL')
}

/** The key pair that the settings give: good after every start. */
export async function ensureAccessKey(
  _engine: Engine,
  _input: {
    readonly id: string
    readonly secret: string
    readonly name: string
    readonly permissions: readonly string[]
  },
): Promise<AccessKey> {
  throw new HoldfastError('INTERNAL')
}

export async function listAccessKeys(_engine: Engine, _call: Call): Promise<AccessKey[]> {
  throw new HoldfastError('INTERNAL')
}

export async function revokeAccessKey(
  _engine: Engine,
  _call: Call,
  _id: string,
): Promise<AccessKey> {
  throw new HoldfastError('INTERNAL')
}

/**
 * Who a request names, and the secret its signature must be made with. Undefined for ids that are
 * unknown, revoked or expired: the door answers all three alike.
 */
export async function findAccessKey(
  _engine: Engine,
  _id: string,
): Promise<{ readonly principal: Principal; readonly secret: string } | undefined> {
  throw new HoldfastError('INTERNAL')
}
