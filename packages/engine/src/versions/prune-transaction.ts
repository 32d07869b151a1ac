import type { CatalogTransaction, CatalogView, Moment } from '@holdfast/core/ports/catalog.ts'
import type { Asset, BriefVersion, Version } from '@holdfast/core/records.ts'
import { liveAsset, storedVersion } from '../assets/writes/stored-asset.ts'
import { isLocked } from './lock.ts'
import { softDelete } from './version-transactions.ts'

export interface PruneRule {
  /** So many of the newest content versions stay, whatever their age. */
  readonly keep: number
  /** Only versions created before this time go; null = any. */
  readonly before: string | null
}

export interface PruneArgs {
  readonly assetId: string
  readonly rule: PruneRule
}

export async function pruneTransaction(
  tx: CatalogTransaction,
  args: PruneArgs,
  moment: Moment,
): Promise<Version[]> {
  const asset = await liveAsset(tx, args.assetId)
  const pruned: Version[] = []
  for (const { id } of await prunable(tx, asset, { ...args.rule, now: moment.now })) {
    const version = await storedVersion(tx, id)
    pruned.push(await softDelete(tx, moment, { asset, version }))
  }
  return pruned
}

const PAGE = 1000

/** What the rule takes now, newest first. Current, tagged and locked versions always stay. */
export async function prunable(
  view: CatalogView,
  asset: Asset,
  rule: PruneRule & { readonly now: string },
): Promise<BriefVersion[]> {
  const found: BriefVersion[] = []
  const query = { assetId: asset.id, kinds: ['content'] as const, deleted: 'without' as const }
  for (let offset = 0; ; offset += PAGE) {
    const page = await view.versions.list({ ...query, limit: PAGE, offset })
    for (const [index, version] of page.entries()) {
      const beyond = offset + index >= rule.keep
      const old = rule.before === null || version.createdAt < rule.before
      const untagged = version.id !== asset.versionId && version.tags.length === 0
      const free = untagged && !isLocked(version, rule)
      if (beyond && old && free) found.push(version)
    }
    if (page.length < PAGE) return found
  }
}
