import type { Call } from '@holdfast/core/call.ts'
import type { Catalog, Transaction } from '@holdfast/core/ports/catalog.ts'
import type { Staged } from '@holdfast/core/ports/element.ts'
import { asQuotasTell } from './quotas/told-quota.ts'
import type { transactions } from './transactions.ts'

type Table = typeof transactions
export type TransactionName = keyof Table
type Result<Name extends TransactionName> =
  Table[Name] extends Transaction<infer _Args, infer Value> ? Value : never
type Args<Name extends TransactionName> =
  Table[Name] extends Transaction<infer Value, infer _Result> ? Value : never

export interface Work<Name extends TransactionName> {
  readonly name: Name
  readonly args: Args<Name>
  /** Bytes that become durable together with the transaction. */
  readonly staged?: readonly Staged[]
}

/** Runs one named transaction on behalf of the caller. */
export async function commit<Name extends TransactionName>(
  store: { readonly catalog: Catalog },
  call: Call,
  work: Work<Name>,
): Promise<Result<Name>> {
  const result = await asQuotasTell(call, () =>
    store.catalog.write(work.name, work.args, {
      actor: call.principal.id,
      requestId: call.requestId,
      signal: call.signal,
      ...(work.staged === undefined ? {} : { staged: work.staged }),
    }),
  )
  // The catalog runs the function of this very table, maybe in another thread: the only place
  // where its result regains the type.
  return result as Result<Name>
}
