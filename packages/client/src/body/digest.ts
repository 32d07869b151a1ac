import type { Sha256 } from './sha256.ts'
import { iterate, type PreparedBody } from './upload-body.ts'

/** The value of Repr-Digest (RFC 9530) for a SHA-256 in hex. */
export function reprDigest(sha256: string): string {
  return `sha-256=:${toBase64(sha256)}:`
}

function toBase64(hex: string): string {
  const bytes = hex.match(/../g) ?? []
  return btoa(String.fromCharCode(...bytes.map(byte => Number.parseInt(byte, 16))))
}

/** The SHA-256 in hex that the headers of an answer name, if they do. */
export function sha256Of(headers: Headers): string | undefined {
  const found = /(?:^|,)\s*sha-256=:([A-Za-z0-9+/]{43}=):/.exec(headers.get('repr-digest') ?? '')
  if (found?.[1] !== undefined) return toHex(found[1])
  const plain = headers.get('x-checksum')?.toLowerCase()
  return plain !== undefined && /^[0-9a-f]{64}$/.test(plain) ? plain : undefined
}

function toHex(base64: string): string {
  return Array.from(atob(base64), char => char.charCodeAt(0).toString(16).padStart(2, '0')).join('')
}

/** Of a body that can be read as often as needed; undefined when sending it uses it up. */
export async function digestBefore(
  body: PreparedBody,
  sha256: () => Sha256,
): Promise<string | undefined> {
  if (body.kind === 'stream') return undefined
  const hash = sha256()
  if (body.bytes instanceof Uint8Array) {
    hash.update(body.bytes)
    return hash.hex()
  }
  const chunks = iterate(body.bytes.stream())
  for (let step = await chunks.next(); step.done !== true; step = await chunks.next()) {
    hash.update(step.value)
  }
  return hash.hex()
}
