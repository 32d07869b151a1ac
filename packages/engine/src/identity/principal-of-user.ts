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
  const { id, username, roles, buckets } = user
  const { facts, madeOf } = await heldBy(engine, id)
  const principal: Principal = {
    ...{ kind: 'user', id, name: username, ...rightsOf(roles), buckets },
    ...facts,
  }
  return { principal, madeOf }
}

/** The groups that somebody is in, and what was granted to it and to them. */
export async function heldBy(
  engine: Engine,
  id: string,
): Promise<{
  readonly facts: Pick<Principal, 'groups' | 'grants'>
  readonly madeOf: readonly string[]
}> {
  const groups = (await allGroups(engine)).filter(({ members }) => members.includes(id))
  const holders = [id, ...groups.map(group => group.id)]
  const granted = (await Promise.all(holders.map(holder => grantsTo(engine, holder)))).flat()
  const grants = granted.map(
    ({ bucket, prefix, permissions }): PrefixGrant => ({ bucket, prefix, permissions }),
  )
  const facts = {
    ...(groups.length === 0 ? {} : { groups: groups.map(group => group.id) }),
    ...(grants.length === 0 ? {} : { grants }),
  }
  return { facts, madeOf: [...holders, ...granted.map(grant => grant.id)] }
}
