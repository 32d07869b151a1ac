import {
  type Permission,
  type Principal,
  permissions,
  scopeCovers,
} from '@holdfast/core/principal.ts'

/**
 * The same principal with no more than the scopes. Its lists are cut, so that whoever asks what it
 * holds hears the truth; `within` makes `decide` deny the rest also where an access list, a policy
 * or a public bucket would open it.
 */
export function narrow(principal: Principal, scopes: readonly string[]): Principal {
  const cut = (held: readonly string[]) =>
    permissions.filter(one => covers(held, one) && covers(scopes, one))
  const { ownPermissions, grants } = principal
  return {
    ...principal,
    permissions: cut(principal.permissions),
    ...(ownPermissions === undefined ? {} : { ownPermissions: cut(ownPermissions) }),
    ...(grants === undefined
      ? {}
      : { grants: grants.map(grant => ({ ...grant, permissions: cut(grant.permissions) })) }),
    within: { by: 'the scope of the token', permissions: scopes },
  }
}

function covers(scopes: readonly string[], permission: Permission): boolean {
  return scopes.some(scope => scopeCovers(scope, permission))
}
