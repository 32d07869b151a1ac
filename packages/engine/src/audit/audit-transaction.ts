import type { AuditEntry, AuditRow } from '@holdfast/core/identities.ts'
import type { CatalogTransaction } from '@holdfast/core/ports/catalog.ts'

/** Returns the last row: where the log ends now. */
export async function appendAuditsTransaction(
  tx: CatalogTransaction,
  args: { readonly entries: readonly AuditEntry[] },
): Promise<AuditRow | undefined> {
  let last: AuditRow | undefined
  for (const entry of args.entries) last = await tx.audit(entry)
  return last
}
