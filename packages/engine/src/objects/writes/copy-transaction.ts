import type { CatalogTransaction, Moment } from '@holdfast/core/ports/catalog.ts'
import {
  type PutArgs,
  type PutResult,
  putTransaction,
} from '../../assets/writes/put-transaction.ts'

/** A put of what was read elsewhere; `seen` of its guard is the source. */
export async function copyObjectTransaction(
  tx: CatalogTransaction,
  args: { readonly put: PutArgs },
  moment: Moment,
): Promise<PutResult> {
  return await putTransaction(tx, args.put, moment)
}
