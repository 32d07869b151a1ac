import { hash } from 'node:crypto'
import type { Random } from '@holdfast/core/ports/random.ts'
import { toBase64Url } from '../../base64url.ts'

/** `hf_` and 256 random bits: too many to guess, so a plain SHA-256 keeps them safe. */
export function newSecret(random: Random): string {
  return `hf_${toBase64Url(random.bytes(32))}`
}

export function hashOfSecret(secret: string): string {
  return hash('sha256', secret, 'hex')
}

/** Enough to recognise a key in a list, far too little to help in guessing it. */
export function prefixOfSecret(secret: string): string {
  if (secret.length < 16) return ''
  return secret.startsWith('hf_') ? secret.slice(0, 10) : secret.slice(0, 4)
}
