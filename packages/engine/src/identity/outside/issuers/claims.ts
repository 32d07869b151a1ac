/** Names of the claims on the way to a value: `["realm_access", "roles"]`. */
export type ClaimPath = readonly string[]

const VALUES_MAX = 1000

/** The value at the path; only what the token itself holds, never what objects inherit. */
export function claimAt(payload: object, path: ClaimPath): unknown {
  let value: unknown = payload
  for (const name of path) {
    if (typeof value !== 'object' || value === null || !Object.hasOwn(value, name)) return undefined
    value = Reflect.get(value, name)
  }
  return value
}

/** A text that is there, or undefined. */
export function textAt(payload: object, path: ClaimPath): string | undefined {
  const value = claimAt(payload, path)
  if (typeof value === 'string' && value !== '') return value
  return Number.isSafeInteger(value) ? String(value) : undefined
}

/** A list of texts, or a text of words as `scope` is (RFC 6749 §3.3); anything else is nothing. */
export function wordsAt(payload: object, path: ClaimPath): string[] {
  const value = claimAt(payload, path)
  if (typeof value === 'string') return value.split(' ').slice(0, VALUES_MAX)
  if (!Array.isArray(value)) return []
  return value.slice(0, VALUES_MAX).filter(word => typeof word === 'string')
}
