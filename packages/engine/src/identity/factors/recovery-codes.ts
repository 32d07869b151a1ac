import { createHash } from 'node:crypto'
import type { Random } from '@holdfast/core/ports/random.ts'
import { toBase32 } from './base32.ts'

export const RECOVERY_CODES = 10
const CODE_BYTES = 15
const CODE = /^[A-Z2-7]{24}$/

/** Codes to be kept on paper, each good once in place of one of the authenticator. */
export function newRecoveryCodes(random: Random): string[] {
  return Array.from({ length: RECOVERY_CODES }, () => {
    const text = toBase32(random.bytes(CODE_BYTES)).toLowerCase()
    return text.replaceAll(/(.{4})(?=.)/g, '$1-')
  })
}

/**
 * What is kept of a code; undefined when it cannot be one. A code has 120 random bits, so that a
 * plain hash over code and user is enough (ASVS 5.0, 6.5.2).
 */
export function recoveryHash(userId: string, code: string): string | undefined {
  const plain = code.replaceAll(/[\s-]/g, '').toUpperCase()
  if (!CODE.test(plain)) return undefined
  return createHash('sha256')
    .update(`holdfast-recovery-v1\n${userId}\n${plain}`)
    .digest('base64url')
}
