import type { Catalog } from '@holdfast/core/ports/catalog.ts'
import type { Clock } from '@holdfast/core/ports/clock.ts'
import type { Random } from '@holdfast/core/ports/random.ts'
import { defaultIdentitySettings, type IdentitySettings } from './identity-settings.ts'
import { KeyRing } from './sessions/key-ring.ts'
import { TokenCache } from './sessions/token-cache.ts'
import { Strangers } from './strangers.ts'
import { Turns } from './turns.ts'
import { PasswordHasher } from './users/password-hasher.ts'

/** What the identity functions remember between calls; all of it may be lost at any time. */
export interface IdentityState {
  readonly settings: IdentitySettings
  readonly hasher: PasswordHasher
  /** Logins of one account go one after the other. */
  readonly turns: Turns
  readonly strangers: Strangers
  readonly ring: KeyRing
  readonly tokens: TokenCache
  /** Users behind access keys, apart from the tokens: the id of a key must never pass for one. */
  readonly holders: TokenCache
}

export interface IdentityParts {
  readonly catalog: Catalog
  readonly clock: Clock
  readonly random: Random
  /** Of the store: what must not lie open is sealed with it. */
  readonly secret: Uint8Array
  readonly settings?: Partial<IdentitySettings> | undefined
}

const LOGINS_WAITING_MAX = 20

export function openIdentity(parts: IdentityParts): IdentityState {
  const settings = { ...defaultIdentitySettings, ...parts.settings }
  return {
    settings,
    hasher: new PasswordHasher(settings.passwordCost),
    turns: new Turns(LOGINS_WAITING_MAX),
    strangers: new Strangers(),
    ring: new KeyRing({ ...parts, settings }),
    tokens: new TokenCache(parts.catalog),
    holders: new TokenCache(parts.catalog),
  }
}
