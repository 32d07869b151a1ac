import { HoldfastError } from '@holdfast/core/errors.ts'
import type { BlobPart } from '@holdfast/core/objects.ts'
import type { CatalogTransaction } from '@holdfast/core/ports/catalog.ts'
import type { BlobFacts } from '@holdfast/core/ports/element.ts'

export type ContentFacts = Pick<BlobFacts, 'sha256' | 'md5' | 'size'>

/** Bytes as they come into a transaction. */
export type Incoming =
  | {
      readonly facts: BlobFacts
      /** Null: they ride with the transaction. */
      readonly location: string | null
      readonly parts?: never
    }
  /** Bytes that are there: those of `parts` in order, or with no parts the blob of that digest. */
  | {
      readonly facts: ContentFacts
      readonly parts: readonly BlobPart[]
      /** What is known by the digest was looked at and is damaged. */
      readonly replaces?: boolean | undefined
      readonly location?: never
    }

/** Makes sure that the catalog has the blob of the bytes. */
export async function keepIncoming(tx: CatalogTransaction, incoming: Incoming): Promise<void> {
  if (incoming.parts === undefined) return tx.keepBlob(incoming.facts, incoming.location)
  const { facts, parts, replaces } = incoming
  if (parts.length > 1) {
    return tx.composeBlob({ sha256: facts.sha256, size: facts.size, parts, replaces })
  }
  if ((await tx.blobs.get(facts.sha256)) !== undefined) return
  throw new HoldfastError('CHANGED_MEANWHILE', { sha256: facts.sha256 })
}
