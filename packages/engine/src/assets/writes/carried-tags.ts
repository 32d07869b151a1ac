import { HoldfastError } from '@holdfast/core/errors.ts'
import type { CatalogView } from '@holdfast/core/ports/catalog.ts'
import type { Asset, BriefVersion } from '@holdfast/core/records.ts'
import { stretchesOf } from '../../stretches.ts'

/** Of a transaction that brings tags along. */
export interface Carrying {
  /** Whether it was let through only as nothing that comes along has tags. */
  readonly isUntagged: boolean
}

export function hasTags(
  asset: Pick<Asset, 'tags'>,
  version: Pick<BriefVersion, 'object'> | undefined,
): boolean {
  return asset.tags.length > 0 || isTagged(version)
}

export function isTagged(version: Pick<BriefVersion, 'object'> | undefined): boolean {
  return (version?.object?.tags ?? []).length > 0
}

/** The same of all that moves with the asset: an old version can be shown again. */
export async function hasTagsAnywhere(
  view: Pick<CatalogView, 'versions'>,
  asset: Asset,
  giveWay?: () => Promise<void>,
): Promise<boolean> {
  if (asset.tags.length > 0) return true
  const about = { assetId: asset.id, kinds: ['content'], deleted: 'without' } as const
  for await (const { from, below } of stretchesOf(view, asset.id, giveWay)) {
    const those = { ...about, hasObjectTags: true, from, below, limit: 1 } as const
    if ((await view.versions.list(those)).length > 0) return true
  }
  return false
}

/** CHANGED_MEANWHILE where something got tags since. */
export function requireCarried(args: Carrying, isTaggedNow: boolean): void {
  if (args.isUntagged && isTaggedNow) throw new HoldfastError('CHANGED_MEANWHILE')
}
