import { HoldfastError } from '@holdfast/core/errors.ts'
import type { CatalogView } from '@holdfast/core/ports/catalog.ts'
import type { QuotaScope, Usage } from '@holdfast/core/records.ts'

/** Whose ceilings a write counts against. */
export interface Payers {
  readonly bucket: string
  readonly owner: string
  readonly service: string
}

/** QUOTA_EXCEEDED when the growth would pass a ceiling. Exact only inside a transaction. */
export async function enforceQuotas(
  view: CatalogView,
  payers: Partial<Payers>,
  growth: Usage,
): Promise<void> {
  if (growth.bytes <= 0 && growth.assets <= 0) return
  if (payers.bucket !== undefined) await enforce(view, ['bucket', payers.bucket], growth)
  if (payers.owner !== undefined) await enforce(view, ['owner', payers.owner], growth)
  if (payers.service !== undefined) await enforce(view, ['service', payers.service], growth)
}

async function enforce(
  view: CatalogView,
  [scope, name]: readonly [QuotaScope, string],
  growth: Usage,
): Promise<void> {
  const quota = await view.quotas.get(scope, name)
  if (quota === undefined) return
  const usage = await view.quotas.usage(scope, name)
  const exceeded = (measure: 'bytes' | 'assets', limit: number | null): void => {
    if (limit === null || growth[measure] <= 0) return
    if (usage[measure] + growth[measure] <= limit) return
    throw new HoldfastError('QUOTA_EXCEEDED', {
      scope,
      [scope]: name,
      measure,
      current_usage: usage[measure],
      limit,
    })
  }
  exceeded('bytes', quota.bytesMax)
  exceeded('assets', quota.assetsMax)
}
