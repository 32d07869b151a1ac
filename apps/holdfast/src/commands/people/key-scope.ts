import { InvalidArgumentError } from 'commander'
import { parseSeconds, timeText } from '../../output/amounts.ts'
import { expiryText } from '../../output/expiry-text.ts'

/** What a key is narrowed by, as the options of a command say it. */
interface ScopeOptions {
  readonly onBucket?: readonly string[]
  /** In seconds from now. */
  readonly expires?: number
}

interface ScopedKey {
  readonly revoked_at: string | null
  readonly expires_at: string | null
  readonly last_used_at: string | null
  readonly permissions: readonly string[]
  readonly buckets: readonly string[] | null
  readonly created_by: string
}

/** For the option `--expires`: seconds. */
export function parseExpiry(text: string): number {
  const seconds = parseSeconds(text)
  if (seconds === undefined || seconds < 1) throw new InvalidArgumentError('It must look like 90d.')
  return seconds
}

export function scopeRequest({ onBucket, expires }: ScopeOptions): {
  buckets?: string[]
  expires_at?: string
} {
  return {
    ...(onBucket === undefined ? {} : { buckets: [...onBucket] }),
    ...(expires === undefined
      ? {}
      : { expires_at: new Date(Date.now() + expires * 1000).toISOString() }),
  }
}

export const scopeHeads = ['EXPIRES', 'LAST USED', 'PERMISSIONS', 'BUCKETS', 'MADE BY']

export function scopeCells(key: ScopedKey): string[] {
  return [
    key.revoked_at !== null ? 'revoked' : expiryText(key.expires_at),
    key.last_used_at === null ? '' : timeText(key.last_used_at),
    key.permissions.join(' '),
    key.buckets?.join(' ') ?? 'all',
    key.created_by,
  ]
}
