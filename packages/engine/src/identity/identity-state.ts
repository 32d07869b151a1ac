import type { Catalog } from '@holdfast/core/ports/catalog.ts'
import type { Clock } from '@holdfast/core/ports/clock.ts'
import type { Random } from '@holdfast/core/ports/random.ts'
import { AddressAllowance } from '@holdfast/core/rates/address-allowance.ts'
import { type Rate, RateTable } from '@holdfast/core/rates/rate-table.ts'
import { KnownGroups } from './groups/known-groups.ts'
import { GuessedNames } from './guessed-names.ts'
import { IdentityCounts } from './identity-counts.ts'
import { defaultIdentitySettings, type IdentitySettings } from './identity-settings.ts'
import type { MailQueue } from './mail/mail-queue.ts'
import type { OutsideDirectory } from './outside/directory/outside-directory.ts'
import { FactsOrder } from './outside/facts-order.ts'
import { type Issuer, keysOf } from './outside/issuers/issuer.ts'
import { IssuerList } from './outside/issuers/issuer-list.ts'
import { type OpenIdState, type OutsideOpenId, openOpenId } from './outside/openid/openid-state.ts'
import { PasswordHasher } from './passwords/password-hasher.ts'
import { KeyRing } from './sessions/key-ring.ts'
import { TokenCache } from './sessions/token-cache.ts'
import { Turns } from './turns.ts'

/** What the identity functions remember between calls; all of it may be lost at any time. */
export interface IdentityState {
  readonly settings: IdentitySettings
  readonly counts: IdentityCounts
  readonly hasher: PasswordHasher
  /** Logins of one account go one after the other. */
  readonly turns: Turns
  readonly guessedNames: GuessedNames
  readonly groups: KnownGroups
  readonly ring: KeyRing
  readonly tokens: TokenCache
  /** Users behind access keys, apart from the tokens: the id of a key must never pass for one. */
  readonly holders: TokenCache
  /** Undefined where no mail server is set. */
  readonly mails: MailQueue | undefined
  readonly resetsByUser: RateTable
  readonly resetsByAddress: AddressAllowance
  readonly issuers: IssuerList
  readonly directory: OutsideDirectory | undefined
  readonly openId: OpenIdState | undefined
  /** Of what directory and provider say. */
  readonly facts: FactsOrder
  readonly onProblem: (place: string, error: unknown) => void
}

/** Places beside this store that know who somebody is. */
export interface Outside {
  readonly issuers?: readonly Issuer[] | undefined
  readonly directory?: OutsideDirectory | undefined
  readonly openId?: OutsideOpenId | undefined
  /** Told when one of them does not answer as it should. */
  readonly onProblem?: ((place: string, error: unknown) => void) | undefined
}

export interface IdentityParts {
  readonly catalog: Catalog
  readonly clock: Clock
  readonly random: Random
  /** Of the store: what must not lie open is sealed with it. */
  readonly secret: Uint8Array
  readonly mails?: MailQueue | undefined
  readonly settings?: Partial<IdentitySettings> | undefined
  readonly outside?: Outside | undefined
}

const LOGINS_WAITING_MAX = 20
const RESETS_MS = 3_600_000
const KEYS_MAX = 10_000

export function openIdentity(parts: IdentityParts): IdentityState {
  const settings = { ...defaultIdentitySettings, ...parts.settings }
  const { catalog, clock, outside = {} } = parts
  const [a = 0, b = 0, c = 0, d = 0] = parts.random.bytes(4)
  const table = { keysMax: KEYS_MAX, seed: a | (b << 8) | (c << 16) | (d << 24) }
  const tokens = new TokenCache(catalog)
  const names = (outside.issuers ?? []).map(({ issuer }) => issuer)
  const counts = new IdentityCounts(names, outside.directory?.directory.place)
  const onProblem = (place: string, error: unknown) => outside.onProblem?.(place, error)
  const issuers = new IssuerList({
    issuers: outside.issuers ?? [],
    clock,
    onChange: issuer => tokens.forget(keysOf(issuer)),
    onLoad: (issuer, isGood) => counts.countCheck(issuer, isGood ? 'success' : 'failed'),
    onProblem,
  })
  return {
    settings,
    counts,
    hasher: new PasswordHasher(settings.passwordCost),
    turns: new Turns(LOGINS_WAITING_MAX),
    guessedNames: new GuessedNames(),
    groups: new KnownGroups(catalog),
    ring: new KeyRing({ ...parts, settings, counts }),
    holders: new TokenCache(parts.catalog),
    mails: parts.mails,
    resetsByUser: new RateTable(hourly(settings.resetsPerUser), table),
    resetsByAddress: new AddressAllowance(hourly(settings.resetsPerAddress), table),
    tokens,
    issuers,
    directory: outside.directory,
    openId: outside.openId === undefined ? undefined : openOpenId(outside.openId, { clock, table }),
    facts: new FactsOrder(),
    onProblem,
  }
}

function hourly(quota: number): Rate {
  return { quota, windowMs: RESETS_MS }
}
