import { createHmac, createSecretKey, hkdfSync, type KeyObject, timingSafeEqual } from 'node:crypto'
import type { AuditLink } from '@holdfast/core/identities.ts'

export interface AuditKey {
  /** Names the key in what it sealed, and says nothing of it. */
  readonly id: string
  readonly secret: Uint8Array
}

export interface AuditKeys {
  /** The first seals. Those behind it did before, the newest first. */
  readonly ring: readonly [AuditKey, ...AuditKey[]]
  /** Whoever can read the data directory knows this one. */
  readonly ofStore: AuditKey
}

/** Stands for the key of the store among those of the settings. */
export const OF_STORE = 'store'

/**
 * What the audit log is sealed with. Keys are derived (HKDF, RFC 5869) for one element, so that the
 * log of one store proves nothing in another that has the same key in its settings.
 */
export function auditKeysOf(
  given: readonly string[],
  store: { readonly element: string; readonly secret: Uint8Array },
): AuditKeys {
  const ofStore = derive(store.secret, store.element)
  const [first = ofStore, ...others] = given.map(text =>
    text === OF_STORE ? ofStore : derive(Buffer.from(text), store.element),
  )
  return { ring: [first, ...others], ofStore }
}

function derive(material: Uint8Array, element: string): AuditKey {
  const bytes = Buffer.from(hkdfSync('sha256', material, element, 'holdfast audit log', 40))
  return { id: bytes.subarray(32).toString('hex'), secret: bytes.subarray(0, 32) }
}

/** A row and a head that name the same place have different seals. */
type Sealed = 'row' | 'head'

export function sealOf(what: Sealed, { seq, hash }: AuditLink, key: AuditKey): string {
  const mac = createHmac('sha256', keyOf(key)).update(`${what}\n${seq}\n${hash}`)
  return `${key.id}:${mac.digest('base64url')}`
}

const keys = new WeakMap<AuditKey, KeyObject>()

/** Made once for each key and, in the thread of the committer, for each commit. */
function keyOf(key: AuditKey): KeyObject {
  let made = keys.get(key)
  if (made === undefined) {
    made = createSecretKey(key.secret)
    keys.set(key, made)
  }
  return made
}

export type SealFinding =
  /** `rank` is the place in the ring: the higher, the older. */
  | { readonly is: 'good'; readonly rank: number }
  | { readonly is: 'bad' }
  /** Maybe good, but its key is not at hand. */
  | { readonly is: 'unknown'; readonly id: string }

export function checkSeal(
  what: Sealed,
  { seq, hash, seal = '' }: AuditLink & { readonly seal?: string },
  keys: readonly AuditKey[],
): SealFinding {
  const id = /^([0-9a-f]{16}):/.exec(seal)?.[1]
  if (id === undefined) return { is: 'bad' }
  const rank = keys.findIndex(key => key.id === id)
  const key = keys[rank]
  if (key === undefined) return { is: 'unknown', id }
  const expected = Buffer.from(sealOf(what, { seq, hash }, key))
  const given = Buffer.from(seal)
  const isGood = given.length === expected.length && timingSafeEqual(given, expected)
  return isGood ? { is: 'good', rank } : { is: 'bad' }
}
