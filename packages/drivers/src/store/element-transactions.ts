import { HoldfastError } from '@holdfast/core/errors.ts'
import type { CatalogTransaction } from '@holdfast/core/ports/catalog.ts'
import type { BlobFacts } from '@holdfast/core/ports/element.ts'
import type { AnyTransaction } from './committer.ts'

/** What the disk element itself asks of the committer, when bytes come without an asset. */

async function keep(tx: CatalogTransaction, facts: BlobFacts): Promise<string> {
  await tx.keepBlob(facts, null)
  const blob = await tx.blobs.get(facts.sha256)
  if (blob === undefined) throw new HoldfastError('INTERNAL')
  return blob.location
}

async function drop(tx: CatalogTransaction, location: string): Promise<void> {
  const sha256 = location.startsWith('file:') ? location.slice('file:'.length) : undefined
  const blob = sha256 === undefined ? await atLocation(tx, location) : await tx.blobs.get(sha256)
  if (blob !== undefined) await tx.remove.blob(blob.sha256)
}

const PAGE = 1000

/** Packs hold many blobs and removals by location are rare, so a walk is enough. */
async function atLocation(
  tx: CatalogTransaction,
  location: string,
): Promise<{ sha256: string } | undefined> {
  let after: string | undefined
  for (;;) {
    const query = after === undefined ? { limit: PAGE } : { after, limit: PAGE }
    const page = await tx.blobs.list(query)
    const found = page.find(blob => blob.location === location)
    if (found !== undefined || page.length < PAGE) return found
    after = page.at(-1)?.sha256
  }
}

export const KEEP = 'element.keep'
export const DROP = 'element.drop'

export const elementTransactions: Readonly<Record<string, AnyTransaction>> = {
  [KEEP]: keep,
  [DROP]: drop,
}
