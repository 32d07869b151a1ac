import type {
  SigningKeyList,
  TokenResponse,
  UserResponse,
  UserUpdate,
  WhoAmI,
} from '@holdfast/contract/schemas/people/identity.ts'
import type { SigningKey, User } from '@holdfast/core/identities.ts'
import type { Principal } from '@holdfast/core/principal.ts'
import type { JsonObject } from '@holdfast/core/records.ts'
import { isRole } from '@holdfast/core/roles.ts'
import { factorOf } from '@holdfast/engine/identity/factors/spend-proof.ts'
import { kidOf } from '@holdfast/engine/identity/sessions/key-ring.ts'
import type { TokenPair } from '@holdfast/engine/identity/sessions/tokens.ts'
import type { UserPatch } from '@holdfast/engine/identity/users/user-transactions.ts'
import { shownStatus } from '@holdfast/engine/identity/users/users.ts'

export function tokenWire(tokens: TokenPair): TokenResponse {
  return {
    access_token: tokens.accessToken,
    refresh_token: tokens.refreshToken,
    token_type: 'Bearer',
    expires_in: tokens.expiresInS,
    issued_at: new Date(tokens.issuedAtS * 1000).toISOString(),
  }
}

export function userWire(user: User, nowMs: number): UserResponse {
  const status = shownStatus(user, nowMs)
  return {
    id: user.id,
    username: user.username,
    email: user.email,
    first_name: user.firstName,
    last_name: user.lastName,
    roles: user.roles.filter(isRole),
    buckets: user.buckets === null ? null : [...user.buckets],
    source: user.source,
    status,
    locked_until: status === 'LOCKED' ? user.lockedUntil : null,
    must_change_password: user.password?.mustChange ?? false,
    second_factor: factorOf(user) !== undefined,
    is_system: user.isSystem,
    last_login_at: user.lastLoginAt,
    created_at: user.createdAt,
    created_by: user.createdBy,
    updated_at: user.updatedAt,
  }
}

/** What the audit log is told of a password: nothing of what it is. */
export function passwordTold(user: User, nowMs: number): JsonObject {
  const { password } = user
  return {
    password_changed_at: password?.changedAt ?? null,
    must_change_password: password?.mustChange ?? false,
    status: shownStatus(user, nowMs),
  }
}

/** Only what the caller named, field by field: nothing else of a user can be set this way. */
export function userPatch(update: UserUpdate): UserPatch {
  const { email, first_name: firstName, last_name: lastName, roles, buckets, status } = update
  return {
    ...(email === undefined ? {} : { email }),
    ...(firstName === undefined ? {} : { firstName }),
    ...(lastName === undefined ? {} : { lastName }),
    ...(roles === undefined ? {} : { roles }),
    ...(buckets === undefined ? {} : { buckets }),
    ...(status === undefined ? {} : { status }),
  }
}

export function principalWire(
  principal: Principal,
  confirms_with: WhoAmI['confirms_with'],
): WhoAmI {
  const { kind, id, name, permissions, ownPermissions = [], buckets } = principal
  return {
    kind,
    id,
    name,
    permissions: [...permissions],
    own_permissions: [...ownPermissions],
    buckets: buckets === null ? null : [...buckets],
    confirms_with,
  }
}

/** What the audit log is told of the key that signs, the newest, and of how many are taken. */
export function signingKeyTold(keys: readonly SigningKey[], nowMs: number): JsonObject | null {
  const newest = keys.at(-1)
  if (newest === undefined) return null
  const taken = keys.filter(({ verifiesUntil }) => Date.parse(verifiesUntil) > nowMs).length
  return { kid: kidOf(newest), signs_until: newest.signsUntil, taken }
}

type State = SigningKeyList['items'][number]['state']

export function signingKeysWire(
  keys: readonly SigningKey[],
  how: { readonly nowMs: number; readonly rotationSeconds: number },
): SigningKeyList {
  const stateOf = ({ signsUntil, verifiesUntil }: SigningKey): State => {
    if (Date.parse(signsUntil) > how.nowMs) return 'signing'
    return Date.parse(verifiesUntil) > how.nowMs ? 'verifying' : 'retired'
  }
  const newest = keys.at(-1)
  const items = keys.map(key => ({
    kid: kidOf(key),
    algorithm: key.algorithm,
    state: stateOf(key),
    created_at: key.createdAt,
    signs_until: key.signsUntil,
    verifies_until: key.verifiesUntil,
  }))
  return {
    items: items.reverse(),
    rotation_seconds: how.rotationSeconds,
    next_rotation_at:
      newest !== undefined && stateOf(newest) === 'signing' ? newest.signsUntil : null,
  }
}
