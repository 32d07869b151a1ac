import type { CatalogTransaction, Moment } from '@holdfast/core/ports/catalog.ts'
import type { Blob } from '@holdfast/core/records.ts'

export interface CollectArgs {
  readonly sha256s: readonly string[]
  /** Only blobs that nothing has referred to since before this time. */
  readonly before: string
}

export interface CollectedBlob {
  readonly sha256: string
  readonly size: number
  readonly location: string
  /** It had no bytes of its own. */
  readonly composed: boolean
}

/** In one transaction everybody else who writes waits for: some hundreds, or one of many parts. */
const ROWS_MAX = 500

/**
 * The second phase of garbage collection. The first marked a blob dead when its last reference
 * went; here everything is asked again, inside the transaction in which the blob disappears. Those
 * that are too much for one transaction stay for the next.
 */
export async function collectTransaction(
  tx: CatalogTransaction,
  args: CollectArgs,
  _moment: Moment,
): Promise<CollectedBlob[]> {
  const collected: CollectedBlob[] = []
  let rows = 0
  for (const sha256 of args.sha256s) {
    const blob = await tx.blobs.get(sha256)
    if (blob === undefined || !isDead(blob, args.before)) continue
    // What one is composed of loses a reference each.
    rows += 1 + (blob.parts?.length ?? 0)
    if (rows > ROWS_MAX && collected.length > 0) break
    await tx.remove.blob(sha256)
    const { size, location, deadSince } = blob
    await tx.note({ what: 'blob.removed', detail: { sha256, size, dead_since: deadSince } })
    collected.push({ sha256, size, location, composed: blob.parts !== undefined })
  }
  return collected
}

function isDead(blob: Blob, before: string): boolean {
  return blob.references === 0 && blob.deadSince !== null && blob.deadSince < before
}
