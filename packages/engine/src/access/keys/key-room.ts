import { HoldfastError } from '@holdfast/core/errors.ts'
import type { AccessKey } from '@holdfast/core/objects.ts'
import type { CatalogTransaction, Moment } from '@holdfast/core/ports/catalog.ts'
import { systemPrincipal } from '@holdfast/core/principal.ts'
import type { ApiKey } from '@holdfast/core/records.ts'

/** How long a key counts after it was made, whatever became of it: what was made is kept. */
const COUNTED_MS = 30 * 86_400_000

type Counted = Pick<ApiKey | AccessKey, 'createdAt' | 'createdBy' | 'expiresAt' | 'revokedAt'>

interface Holding<Key> {
  /** Null for keys that stop with nobody. */
  readonly holder: string | null
  readonly holderOf: (key: Key) => string | null
  readonly all: readonly Key[]
  readonly limit: number
}

/**
 * TOO_MANY_ITEMS where one holder has so many already: each is looked through wherever keys are
 * looked for. What keys without a maker make counts together, or each of them could make as many
 * more; not what the settings and their own key make, for who has these owns the store.
 */
export async function requireKeyRoom<Key extends Counted>(
  tx: CatalogTransaction,
  { holder, holderOf, all, limit }: Holding<Key>,
  { actor, now }: Moment,
): Promise<void> {
  const owners = new Set(holder === null ? await ownersOf(tx) : [])
  if (owners.has(actor)) return
  const since = new Date(Date.parse(now) - COUNTED_MS).toISOString()
  const counted = all.filter(key => {
    if (holderOf(key) !== holder || owners.has(key.createdBy)) return false
    const isOpen = key.revokedAt === null && (key.expiresAt ?? '~') > now
    return isOpen || key.createdAt > since
  })
  if (counted.length >= limit) throw new HoldfastError('TOO_MANY_ITEMS', { limit })
}

async function ownersOf(tx: CatalogTransaction): Promise<string[]> {
  const { id } = systemPrincipal
  const given = (await tx.keys.list()).filter(({ createdBy }) => createdBy === id)
  return [id, ...given.map(key => key.id)]
}
