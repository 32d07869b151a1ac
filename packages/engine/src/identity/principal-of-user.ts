import type { User } from '@holdfast/core/identities.ts'
import { isUuid } from '@holdfast/core/ids.ts'
import type { PrefixGrant, Principal } from '@holdfast/core/principal.ts'
import { rightsOf } from '@holdfast/core/roles.ts'
import type { Engine } from '../engine.ts'
import { isClientId } from './accounts/account-fields.ts'
import { grantsTo } from './groups/groups.ts'
import { openIdIssuer } from './outside/openid/openid-state.ts'

export interface MadePrincipal {
  readonly principal: Principal
  /** Ids of the records it was made of: when one of them changes, it is no longer right. */
  readonly madeOf: readonly string[]
}

/** What a user may by roles, groups and grants, as the catalog says now. */
export async function principalOfUser(engine: Engine, user: User): Promise<MadePrincipal> {
  const { id, username, outside } = user
  const { permissions, ownPermissions } = rightsOf(user.roles)
  const more = outside?.permissions ?? []
  const { facts, madeOf } = await heldBy(engine, id, outside?.groups)
  const principal: Principal = {
    kind: user.source === 'token' ? 'external' : 'user',
    ...{ id, name: username, ownPermissions },
    permissions: more.length === 0 ? permissions : [...new Set([...permissions, ...more])],
    buckets: bucketsOf(engine, user),
    ...ownNameOf(user),
    ...facts,
  }
  return { principal, madeOf }
}

/** Its name, where only this user ever had it, and it is not like an id or that of an account. */
function ownNameOf(user: User): { readonly ownName?: string } {
  const { username, names, isLaterBearer } = user
  const isHeld = names.includes(username.toLowerCase())
  const isOfOthers = isLaterBearer || isUuid(username) || isClientId(username)
  return isHeld && !isOfOthers ? { ownName: username } : {}
}

/** The groups that somebody is in, also by their names elsewhere, and what was granted to all. */
export async function heldBy(
  engine: Engine,
  id: string,
  outsideGroups: readonly string[] = [],
): Promise<{
  readonly facts: Pick<Principal, 'groups' | 'grants'>
  readonly madeOf: readonly string[]
}> {
  const groups = await engine.identity.groups.of(id, outsideGroups)
  const holders = [id, ...groups]
  const granted = (await Promise.all(holders.map(holder => grantsTo(engine, holder)))).flat()
  const grants = granted.map(
    ({ bucket, prefix, permissions }): PrefixGrant => ({ bucket, prefix, permissions }),
  )
  const facts = {
    ...(groups.length === 0 ? {} : { groups }),
    ...(grants.length === 0 ? {} : { grants }),
  }
  return { facts, madeOf: [...holders, ...granted.map(grant => grant.id)] }
}

/** What an administrator and the settings of its issuer both leave it. */
function bucketsOf(engine: Engine, { buckets, outside }: User): readonly string[] | null {
  const issuer = outside === null ? undefined : engine.identity.issuers.get(outside.issuer)
  const confined = issuer?.issuer.buckets ?? null
  if (confined === null || buckets === null) return buckets ?? confined
  return buckets.filter(name => confined.includes(name))
}

/**
 * Until when keys and links of the user are good, which work without a login; 0 for not now. A
 * provider is asked at logins only: who has not been there for long may be shut out there.
 */
export function actsAwayUntilMs(engine: Engine, user: User | undefined): number {
  if (!mayAct(engine, user)) return 0
  const { openId } = engine.identity
  if (user.source !== 'oidc' || openId === undefined) return Number.POSITIVE_INFINITY
  return Date.parse(user.lastLoginAt ?? user.createdAt) + openId.outside.keySeconds * 1000
}

/** Active, and the place that it comes from is still one of the settings. */
export function mayAct(engine: Engine, user: User | undefined): user is User {
  if (user?.status !== 'ACTIVE') return false
  const { issuers, directory, openId } = engine.identity
  const { issuer, maps } = user.outside ?? {}
  // Rights that other maps gave would be rights that nobody gives any more.
  if (user.source === 'ldap') {
    return directory !== undefined && (maps === undefined || maps === directory.maps)
  }
  if (user.source === 'oidc') {
    if (openId === undefined || issuer !== openIdIssuer(openId.outside)) return false
    return maps === undefined || maps === openId.maps
  }
  return user.source === 'local' || issuers.get(issuer ?? '') !== undefined
}
