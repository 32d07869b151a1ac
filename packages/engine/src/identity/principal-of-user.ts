import type { User } from '@holdfast/core/identities.ts'
import type { PrefixGrant, Principal } from '@holdfast/core/principal.ts'
import { rightsOf } from '@holdfast/core/roles.ts'
import type { Engine } from '../engine.ts'
import { allGroups, grantsTo } from './groups/groups.ts'

export interface MadePrincipal {
  readonly principal: Principal
  /** Ids of the records it was made of: when one of them changes, it is no longer right. */
  readonly madeOf: readonly string[]
}

/** What a user may by roles, groups and grants, as the catalog says now. */
export async function principalOfUser(engine: Engine, user: User): Promise<MadePrincipal> {
  const groups = (await allGroups(engine)).filter(({ members }) => members.includes(user.id))
  const holders = [user.id, ...groups.map(({ id }) => id)]
  const granted = (await Promise.all(holders.map(id => grantsTo(engine, id)))).flat()
  const grants = granted.map(
    ({ bucket, prefix, permissions }): PrefixGrant => ({ bucket, prefix, permissions }),
  )
  const { id, username, roles, buckets } = user
  const principal: Principal = {
    ...{ kind: 'user', id, name: username, ...rightsOf(roles), buckets },
    ...(groups.length === 0 ? {} : { groups: groups.map(group => group.id) }),
    ...(grants.length === 0 ? {} : { grants }),
  }
  return { principal, madeOf: [...holders, ...granted.map(grant => grant.id)] }
}
