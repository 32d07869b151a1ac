import type { ServiceAccount } from '@holdfast/core/identities.ts'
import { toHex } from '@holdfast/core/ids.ts'
import { hashOfSecret } from '../../access/keys/key-secret.ts'
import { commit } from '../../commit.ts'
import { type Engine, systemCall } from '../../engine.ts'
import { requireAccountFields } from './account-fields.ts'
import { SECRET_DAYS } from './accounts.ts'

export interface FirstAccount {
  readonly name: string
  readonly secret: string
  readonly roles: readonly string[]
  /** `sa_<environment>_<name>_<12 hex>`; made up unless given. */
  readonly clientId?: string | undefined
}

/**
 * The service account of the settings: made once, and kept as it has become since. The one that
 * was made now; undefined where there was an account of that name.
 */
export async function ensureAccount(
  engine: Engine,
  { name, secret, roles, clientId: given }: FirstAccount,
): Promise<ServiceAccount | undefined> {
  const { identities } = engine.catalog.view
  const clientId = given ?? `sa_default_${name}_${toHex(engine.random.bytes(6))}`
  for (const taken of [`name:${name}`, clientId]) {
    if ((await identities.byName('service_account', taken)) !== undefined) return undefined
  }
  const [, environment = 'default'] = clientId.split('_')
  const nowMs = engine.clock.now()
  requireAccountFields({ name, environment, roles }, nowMs)
  const expiresAt = new Date(nowMs + SECRET_DAYS * 86_400_000).toISOString()
  const args = {
    ...{ clientId, name, environment, roles, isSystem: true },
    ...{ description: 'of the settings', permissions: [], buckets: null },
    ...{ expiresAt: null, rateLimit: null },
    // None of its characters are shown: it was chosen by people, who may have chosen few of them.
    secret: { hash: hashOfSecret(secret), prefix: 'settings', expiresAt },
  }
  return await commit(engine, systemCall('start'), { name: 'accounts.create', args })
}
