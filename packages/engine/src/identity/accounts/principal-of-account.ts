import type { ServiceAccount } from '@holdfast/core/identities.ts'
import { rightsOf } from '@holdfast/core/roles.ts'
import type { Engine } from '../../engine.ts'
import { heldBy, type MadePrincipal } from '../principal-of-user.ts'
import { rateLimitOf } from './account-state.ts'

/** What a service account may by roles, permissions, groups and grants, as the catalog says now. */
export async function principalOfAccount(
  engine: Engine,
  account: ServiceAccount,
): Promise<MadePrincipal> {
  const { id, clientId, roles, buckets } = account
  const { permissions, ownPermissions } = rightsOf(roles)
  const all = [...new Set([...permissions, ...account.permissions])]
  const { facts, madeOf } = await heldBy(engine, id)
  return {
    principal: {
      ...{
        kind: 'service_account',
        id,
        name: clientId,
        ownName: clientId,
        permissions: all,
        ownPermissions,
        buckets,
      },
      ...rateLimitOf(engine, account),
      ...facts,
    },
    madeOf,
  }
}
