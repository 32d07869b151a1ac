import { createCipheriv, createDecipheriv, hkdfSync } from 'node:crypto'
import { HoldfastError } from '@holdfast/core/errors.ts'
import type { AccessKey } from '@holdfast/core/objects.ts'
import type { Random } from '@holdfast/core/ports/random.ts'
import { toBase64Url } from '../../base64url.ts'
import type { Engine } from '../../engine.ts'

/**
 * Secrets of access keys are sealed with AES-256-GCM, the id of the key as additional data: a
 * copied catalog or pack shows none of them without the secret of the store (docs/format.md).
 */
const NONCE_BYTES = 12
const TAG_BYTES = 16
const ALPHABET = 'ABCDEFGHIJKLMNOPQRSTUVWXYZ234567'

type Sealer = Pick<Engine, 'settings'>
type Sealed = Pick<AccessKey, 'id' | 'sealedSecret'>

const keys = new WeakMap<Uint8Array, Buffer>()

function sealingKey(storeSecret: Uint8Array): Buffer {
  let key = keys.get(storeSecret)
  if (key === undefined) {
    key = Buffer.from(hkdfSync('sha256', storeSecret, '', 'holdfast access keys', 32))
    keys.set(storeSecret, key)
  }
  return key
}

export function sealSecret(
  engine: Pick<Engine, 'settings' | 'random'>,
  { id, secret }: { readonly id: string; readonly secret: string },
): string {
  const nonce = engine.random.bytes(NONCE_BYTES)
  const cipher = createCipheriv('aes-256-gcm', sealingKey(engine.settings.linkSecret), nonce)
  cipher.setAAD(Buffer.from(id))
  const sealed = Buffer.concat([cipher.update(secret, 'utf8'), cipher.final()])
  return toBase64Url(Buffer.concat([nonce, cipher.getAuthTag(), sealed]))
}

/** INTERNAL when the store that sealed it had another secret. */
export function openSecret(engine: Sealer, sealed: Sealed): string {
  const text = tryOpen(engine, sealed)
  if (text !== undefined) return text
  const cause = new Error(`the secret of ${sealed.id} was sealed with another secret`)
  throw new HoldfastError('INTERNAL', {}, { cause })
}

/** Undefined when the store that sealed it had another secret. */
export function tryOpen({ settings }: Sealer, sealed: Sealed): string | undefined {
  const { linkSecret, formerSecret } = settings
  return openWith(linkSecret, sealed) ?? (formerSecret && openWith(formerSecret, sealed))
}

export function openWith(
  storeSecret: Uint8Array,
  { id, sealedSecret }: Sealed,
): string | undefined {
  const bytes = Buffer.from(sealedSecret, 'base64url')
  const nonce = bytes.subarray(0, NONCE_BYTES)
  try {
    const decipher = createDecipheriv('aes-256-gcm', sealingKey(storeSecret), nonce)
    decipher.setAAD(Buffer.from(id))
    decipher.setAuthTag(bytes.subarray(NONCE_BYTES, NONCE_BYTES + TAG_BYTES))
    const text = decipher.update(bytes.subarray(NONCE_BYTES + TAG_BYTES))
    return Buffer.concat([text, decipher.final()]).toString('utf8')
  } catch {
    return undefined
  }
}

/** 20 characters, as clients expect of an access key id. */
export function newAccessKeyId(random: Random): string {
  const letters = [...random.bytes(17)].map(byte => ALPHABET[byte & 31])
  return `HFK${letters.join('')}`
}

/** 40 characters with 240 random bits. */
export function newAccessSecret(random: Random): string {
  return toBase64Url(random.bytes(30))
}
