import type { AuditEntry, AuditLink } from '@holdfast/core/identities.ts'
import type { CatalogTransaction } from '@holdfast/core/ports/catalog.ts'
import { type AuditKey, sealOf } from './audit-keys.ts'

export interface AppendAudits {
  readonly entries: readonly AuditEntry[]
  readonly key: AuditKey
  /** Where the log must end, or nothing is written; absent: wherever it does. */
  readonly after?: AuditLink | undefined
}

/** Tells where the log ends now, and whether it had ended where it must. */
export async function appendAuditsTransaction(
  tx: CatalogTransaction,
  { entries, key, after }: AppendAudits,
): Promise<AuditLink & { readonly isMoved: boolean }> {
  let { seq, hash } = await tx.audits.end()
  const isMoved = after !== undefined && (after.seq !== seq || after.hash !== hash)
  if (isMoved) return { seq, hash, isMoved }
  for (const entry of entries) {
    const row = await tx.audit(entry, link => sealOf('row', link, key))
    ;({ seq, hash } = row)
  }
  return { seq, hash, isMoved }
}

export interface DropAudits {
  /** Tells what is dropped. */
  readonly entry: AuditEntry
  readonly key: AuditKey
  /** Where the log must end, or nothing is done. */
  readonly after?: AuditLink | undefined
  /** The last row that goes. */
  readonly last: AuditLink
}

/** The row that tells it and the rows that go are one commit. */
export async function dropAuditsTransaction(
  tx: CatalogTransaction,
  { entry, key, after, last }: DropAudits,
): Promise<AuditLink & { readonly isDropped: boolean }> {
  const { seq, hash } = await tx.audits.end()
  const [found] = await tx.audits.filed(last.seq - 1, 1)
  const isThere = found?.place === last.seq && found.row?.hash === last.hash
  if (!isThere || last.seq >= seq || after?.seq !== seq || after.hash !== hash) {
    return { seq, hash, isDropped: false }
  }
  const row = await tx.audit(entry, link => sealOf('row', link, key))
  await tx.remove.audits(last.seq)
  return { seq: row.seq, hash: row.hash, isDropped: true }
}
