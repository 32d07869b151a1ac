import { createCipheriv, createDecipheriv, hkdfSync } from 'node:crypto'
import type { Random } from '@holdfast/core/ports/random.ts'
import { fromBase64Url, toBase64Url } from '../base64url.ts'

const NONCE_BYTES = 12
const TAG_BYTES = 16

/**
 * Text that must not lie in the catalog as it is: AES-256-GCM under a key that is derived from the
 * secret of the store. The purpose is authenticated: a sealed text opens only as what it is.
 */
export function sealText(
  text: string,
  { purpose, secret }: { readonly purpose: string; readonly secret: Uint8Array },
  random: Random,
): string {
  const nonce = random.bytes(NONCE_BYTES)
  const cipher = createCipheriv('aes-256-gcm', keyOf(secret), nonce)
  cipher.setAAD(Buffer.from(purpose))
  const body = Buffer.concat([cipher.update(text, 'utf8'), cipher.final()])
  return toBase64Url(Buffer.concat([nonce, body, cipher.getAuthTag()]))
}

/** Undefined for anything that was not sealed by this store for this purpose. */
export function openText(
  sealed: string,
  { purpose, secret }: { readonly purpose: string; readonly secret: Uint8Array },
): string | undefined {
  const bytes = fromBase64Url(sealed)
  if (bytes === undefined || bytes.length < NONCE_BYTES + TAG_BYTES) return undefined
  const decipher = createDecipheriv('aes-256-gcm', keyOf(secret), bytes.slice(0, NONCE_BYTES), {
    authTagLength: TAG_BYTES,
  })
  decipher.setAAD(Buffer.from(purpose))
  decipher.setAuthTag(bytes.slice(-TAG_BYTES))
  try {
    const body = decipher.update(bytes.slice(NONCE_BYTES, -TAG_BYTES))
    return Buffer.concat([body, decipher.final()]).toString('utf8')
  } catch {
    return undefined
  }
}

function keyOf(secret: Uint8Array): Uint8Array {
  return new Uint8Array(hkdfSync('sha256', secret, new Uint8Array(), 'holdfast-seal-v1', 32))
}
