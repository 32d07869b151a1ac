import type { PlacesPolicy, RatePolicy } from '@holdfast/core/ports/limit-store.ts'
import { addressKey, NETWORK_SHARE, networkKey } from '@holdfast/core/rates/address-key.ts'
import type { Rate } from '@holdfast/core/rates/rate-table.ts'
import type { LimitSettings } from '../../config/limit-settings.ts'

/** Whom a limit is about. */
export type Subject = 'address' | 'principal' | 'bucket'

/** What the settings ask for; undefined is no limit. */
export interface LimitPolicies {
  readonly rates: Readonly<Record<Subject | 'login' | 'credentials', RatePolicy | undefined>>
  readonly places: Readonly<Record<Subject, PlacesPolicy | undefined>>
  /** Whether there is anything to ask for every request. */
  readonly everyRequest: boolean
}

export function policiesOf(settings: LimitSettings): LimitPolicies {
  const rates = {
    address: ratePolicy('address', settings.addressRate),
    principal: ratePolicy('principal', settings.principalRate),
    bucket: ratePolicy('bucket', settings.bucketRate),
    login: ratePolicy('login', settings.loginRate),
    credentials: ratePolicy('credentials', settings.credentialRate),
  }
  const places = {
    address: placesPolicy('address', settings.addressPlaces),
    principal: placesPolicy('principal', settings.principalPlaces),
    bucket: placesPolicy('bucket', settings.bucketPlaces),
  }
  const subjects = ['address', 'principal', 'bucket'] as const
  const everyRequest = subjects.some(one => (rates[one] ?? places[one]) !== undefined)
  return { rates, places, everyRequest }
}

function ratePolicy(name: string, rate: Rate | undefined): RatePolicy | undefined {
  return rate && { name, rate }
}

function placesPolicy(subject: Subject, places: number): PlacesPolicy | undefined {
  return places === 0 ? undefined : { name: `${subject}-places`, places }
}

/**
 * Where a guess counts: at its address, and where that is IPv6 at its /48, too. Who has one has
 * 65,536 of what counts as an address, for nothing: more than any server could check passwords.
 */
export function guessLimits(
  { rates: { login } }: LimitPolicies,
  ip: string,
): readonly { readonly policy: RatePolicy; readonly key: string }[] {
  if (login === undefined) return []
  const own = { policy: login, key: addressKey(ip) }
  if (!ip.includes(':')) return [own]
  const { quota, windowMs } = login.rate
  const policy = { name: login.name, rate: { quota: quota * NETWORK_SHARE, windowMs } }
  return [own, { policy, key: networkKey(ip) }]
}
