import { HoldfastError } from '@holdfast/core/errors.ts'
import type { CatalogView } from '@holdfast/core/ports/catalog.ts'
import type { QuotaScope, Usage } from '@holdfast/core/records.ts'

/** Whose ceilings a write counts against. */
export interface Payers {
  readonly bucket: string
  readonly owner: string
  readonly service: string
  /** The one ceiling to ask about, where the others do not change; absent: all. */
  readonly only?: QuotaScope
}

const ALL: readonly QuotaScope[] = ['bucket', 'owner', 'service']

/** QUOTA_EXCEEDED when the growth would pass a ceiling. Exact only inside a transaction. */
export async function enforceQuotas(
  view: CatalogView,
  payers: Payers,
  growth: Usage,
): Promise<void> {
  if (growth.bytes <= 0 && growth.assets <= 0) return
  const scopes = payers.only === undefined ? ALL : [payers.only]
  for (const scope of scopes) await enforce(view, { scope, payers }, growth)
}

async function enforce(
  view: CatalogView,
  { scope, payers }: { readonly scope: QuotaScope; readonly payers: Payers },
  growth: Usage,
): Promise<void> {
  const name = payers[scope]
  const quota = await view.quotas.get(scope, name)
  if (quota === undefined) return
  const usage = await view.quotas.usage(scope, name)
  const exceeded = (measure: 'bytes' | 'assets', limit: number | null): void => {
    if (limit === null || growth[measure] <= 0) return
    if (usage[measure] + growth[measure] <= limit) return
    throw new HoldfastError('QUOTA_EXCEEDED', {
      scope,
      service: payers.service,
      [scope]: name,
      measure,
      current_usage: usage[measure],
      limit,
    })
  }
  exceeded('bytes', quota.bytesMax)
  exceeded('assets', quota.assetsMax)
}
