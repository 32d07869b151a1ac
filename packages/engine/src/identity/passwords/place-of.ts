import type { Call } from '@holdfast/core/call.ts'
import { addressKey, networkKey } from '@holdfast/core/rates/address-key.ts'
import type { Place } from './fair-line.ts'

/** Who is known waits as that, from however many addresses; all others by where they are. */
export function placeOf({ principal, address = '' }: Call, what = ''): Place {
  const { kind, id } = principal
  return kind === 'anonymous' ? placeOfAddress(address, what) : [id, id, what]
}

/** One network has many addresses, and whoever types a name as many names as they like. */
export function placeOfAddress(address: string, what: string): Place {
  return [networkKey(address), addressKey(address), what]
}
