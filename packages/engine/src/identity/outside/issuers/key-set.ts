import { type CryptoKey, importJWK, type JWK } from 'jose'
import type { ForeignAlgorithm } from './issuer.ts'

export interface KnownKey {
  readonly kid: string | undefined
  readonly key: CryptoKey
}

const KEYS_MAX = 100
const MODULUS_BITS_MIN = 2048
const MODULUS_BYTES_MAX = 1024

export interface KeySet {
  readonly known: readonly KnownKey[]
  /** Names of keys for the algorithm that anybody could sign for, or nearly so. */
  readonly weak: readonly string[]
}

/**
 * The keys of a JWK set that sign with this algorithm (RFC 7517 §4, §5). Others, and members that
 * are not about the public key, are left out: a set may hold keys of many kinds. Throws for what
 * is no set at all.
 */
export async function readKeySet(
  document: unknown,
  algorithm: Exclude<ForeignAlgorithm, 'HS256'>,
): Promise<KeySet> {
  const { keys } = recordOf(document) ?? {}
  if (!Array.isArray(keys)) throw new Error('not a JWK set')
  const known: KnownKey[] = []
  const weak: string[] = []
  for (const entry of keys.slice(0, KEYS_MAX)) {
    const jwk = publicJwk(recordOf(entry) ?? {}, algorithm)
    if (jwk === undefined) continue
    // One bad entry must not take the good ones out of use (RFC 7517 §5).
    const key = await importJWK(jwk, algorithm).catch(() => undefined)
    if (key === undefined || key instanceof Uint8Array) continue
    if (isWeak(key)) weak.push(jwk.kid ?? '')
    else known.push({ kid: jwk.kid, key })
  }
  if (known.length === 0 && keys.length > KEYS_MAX) throw new Error('more keys than are read')
  return { known, weak }
}

/** With an exponent of 1 a signature is the padded hash itself, which anybody can write. */
function isWeak({ algorithm }: CryptoKey): boolean {
  const { modulusLength, publicExponent } = recordOf(algorithm) ?? {}
  if (modulusLength === undefined) return false
  if (!(publicExponent instanceof Uint8Array)) return true
  const exponent = BigInt(`0x${Buffer.from(publicExponent).toString('hex') || '0'}`)
  return Number(modulusLength) < MODULUS_BITS_MIN || exponent < 3n || exponent % 2n === 0n
}

function publicJwk(entry: Readonly<Record<string, unknown>>, algorithm: string): JWK | undefined {
  const text = (name: string) => {
    const value = entry[name]
    return typeof value === 'string' ? value : undefined
  }
  if ((text('use') ?? 'sig') !== 'sig' || (text('alg') ?? algorithm) !== algorithm) return undefined
  const { key_ops: uses } = entry
  if (uses !== undefined && !(Array.isArray(uses) && uses.includes('verify'))) return undefined
  const kid = text('kid')
  const named = kid === undefined ? {} : { kid }
  const [n, e, x, y] = ['n', 'e', 'x', 'y'].map(text)
  if (algorithm === 'RS256' && text('kty') === 'RSA' && n !== undefined && e !== undefined) {
    if (Buffer.from(n, 'base64url').length > MODULUS_BYTES_MAX) return undefined
    return { kty: 'RSA', n, e, ...named }
  }
  if (algorithm !== 'ES256' || text('kty') !== 'EC' || text('crv') !== 'P-256') return undefined
  return x === undefined || y === undefined
    ? undefined
    : { kty: 'EC', crv: 'P-256', x, y, ...named }
}

function recordOf(value: unknown): Readonly<Record<string, unknown>> | undefined {
  if (typeof value !== 'object' || value === null) return undefined
  return Object.fromEntries(Object.entries(value))
}
