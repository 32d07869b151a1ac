import { byteLength } from '@holdfast/core/names.ts'
import type { DirectoryEntry } from '@holdfast/core/ports/directory.ts'
import type { Json, JsonObject } from '@holdfast/core/records.ts'

/** With all else at its longest, a token stays below 4 KiB, which proxies take in a header. */
const CLAIMS_BYTES_MAX = 1280
const VALUE_CHARS_MAX = 256

/**
 * What tokens tell of a person of the directory: its distinguished name, the attributes that the
 * settings name, and the distinguished names of its groups, in this order. What does not fit is
 * left out as a whole, since half a list would pass for the whole, and `ldap_incomplete` says so.
 */
export function claimsOf({ dn, attributes, groups }: DirectoryEntry): JsonObject {
  // Common names are in the list, too, but never with this sign.
  const groupNames = groups.filter(name => name.includes('='))
  const wanted: readonly (readonly [string, Json])[] = [
    ['ldap_dn', dn],
    ...Object.entries(attributes).map(([name, value]) => [name, plain(value)] as const),
    ['ldap_groups', groupNames],
  ]
  const claims: Record<string, Json> = {}
  let left = CLAIMS_BYTES_MAX
  for (const [name, value] of wanted) {
    const bytes = byteLength(JSON.stringify({ [name]: value }))
    const isLong = typeof value === 'string' && value.length > VALUE_CHARS_MAX && name !== 'ldap_dn'
    if (isLong || bytes > left) claims.ldap_incomplete = true
    else {
      claims[name] = value
      left -= bytes
    }
  }
  return claims
}

function plain(value: string): string {
  return value
    .replaceAll(/\p{Cc}/gu, ' ')
    .toWellFormed()
    .trim()
}
