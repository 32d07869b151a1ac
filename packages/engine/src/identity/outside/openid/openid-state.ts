import type { Clock } from '@holdfast/core/ports/clock.ts'
import type { OpenIdAttempt, OpenIdProvider } from '@holdfast/core/ports/openid.ts'
import { AddressAllowance } from '@holdfast/core/rates/address-allowance.ts'
import type { RateTableOptions } from '@holdfast/core/rates/rate-table.ts'
import type { ClaimPath } from '../issuers/claims.ts'
import type { ClaimMap } from '../issuers/issuer.ts'
import { hashOfMaps, type Standing } from '../mapping.ts'
import { KeptOnce } from './kept-once.ts'

/** The provider of the settings, and what its claims mean here. */
export interface OutsideOpenId {
  readonly provider: OpenIdProvider
  readonly claims: { readonly name: ClaimPath; readonly email: ClaimPath }
  readonly maps: readonly ClaimMap[]
  /** What everybody may who can log in there. */
  readonly always: Standing
  /** A session lasts no longer: what changed there counts with the next login. */
  readonly sessionSeconds: number
  /** So long after a login, keys and links of who logged in are good. */
  readonly keySeconds: number
  /** Pages that may get the code of a login, compared as they are. */
  readonly returnUrls: readonly string[]
}

/** A login that went to the provider and has not come back. */
export interface Pending {
  readonly attempt: OpenIdAttempt
  readonly returnTo: string
  readonly challenge: string
  /** Of the browser that began it. */
  readonly binding: string
}

/** A login that came back and whose page has not fetched its tokens. */
export interface Finished {
  readonly userId: string
  /** Of the user when it came back. */
  readonly endings: number
  readonly challenge: string
}

export interface OpenIdState {
  readonly outside: OutsideOpenId
  /** SHA-256, hex, of what turns claims into rights: records tell by which one theirs came. */
  readonly maps: string
  readonly pending: KeptOnce<Pending>
  readonly finished: KeptOnce<Finished>
  /** Logins that one address may begin while they are kept. */
  readonly begins: AddressAllowance
}

const PENDING_MS = 10 * 60_000
const FINISHED_MS = 60_000
const KEPT_MAX = 10_000
const BEGINS_MAX = 200

export function openOpenId(
  outside: OutsideOpenId,
  { clock, table }: { readonly clock: Clock; readonly table: RateTableOptions },
): OpenIdState {
  return {
    outside,
    maps: mapsHash(outside),
    pending: new KeptOnce(clock, PENDING_MS, KEPT_MAX),
    finished: new KeptOnce(clock, FINISHED_MS, KEPT_MAX),
    begins: new AddressAllowance({ quota: BEGINS_MAX, windowMs: PENDING_MS }, table),
  }
}

function mapsHash({ maps, always }: OutsideOpenId): string {
  const all = maps.map(({ claim, mapping }) => [claim, [...mapping]])
  return hashOfMaps([all, always])
}

/** In records: tokens of the same issuer that come without a login are other users. */
export function openIdIssuer({ provider }: OutsideOpenId): string {
  return `openid ${provider.place}`
}
