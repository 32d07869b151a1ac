import { HoldfastError } from '@holdfast/core/errors.ts'
import type { AccessKey } from '@holdfast/core/objects.ts'
import type { Moment } from '@holdfast/core/ports/catalog.ts'
import type { ApiKey } from '@holdfast/core/records.ts'

/** How long a key counts after it was made, whatever became of it: what was made is kept. */
const COUNTED_MS = 30 * 86_400_000

type Counted = Pick<ApiKey | AccessKey, 'createdAt' | 'expiresAt' | 'revokedAt'>

/**
 * TOO_MANY_ITEMS where one holder has so many already: each is looked through wherever keys are
 * looked for.
 */
export function requireKeyRoom(own: readonly Counted[], limit: number, { now }: Moment): void {
  const since = new Date(Date.parse(now) - COUNTED_MS).toISOString()
  const counted = own.filter(({ revokedAt, expiresAt, createdAt }) => {
    const isOpen = revokedAt === null && (expiresAt ?? '~') > now
    return isOpen || createdAt > since
  })
  if (counted.length >= limit) throw new HoldfastError('TOO_MANY_ITEMS', { limit })
}
