import { HoldfastError } from '@holdfast/core/errors.ts'
import type { CatalogView } from '@holdfast/core/ports/catalog.ts'
import type { Asset } from '@holdfast/core/records.ts'
import { stretchesOf } from '../../stretches.ts'

/** Of a transaction that brings access lists along, of REST and of S3. */
export interface CarryingLists {
  /** Whether it was let through only as nothing that comes along has a list. */
  readonly isUnlisted: boolean
  /** Whether it was let through only as no list that comes along names everybody. */
  readonly isUnpublished: boolean
}

/**
 * Deleted versions count here and below: they can be restored where they lie then. Outside of a
 * transaction each stretch of versions is a turn.
 */
export async function hasListAnywhere(
  view: Pick<CatalogView, 'versions'>,
  { id, acl }: Asset,
  giveWay?: () => Promise<void>,
): Promise<boolean> {
  if (acl !== null) return true
  for await (const { from, below } of stretchesOf(view, id, giveWay)) {
    if ((await view.versions.acls(id, { from, below, limit: 1 })).length > 0) return true
  }
  return false
}

/** Whether a list of S3 of any version opens something to everybody. */
export async function hasPublicVersion(
  view: Pick<CatalogView, 'versions'>,
  assetId: string,
  giveWay?: () => Promise<void>,
): Promise<boolean> {
  const those = { kinds: ['content'], deleted: 'with', aclIsPublic: true, limit: 1 } as const
  for await (const { from, below } of stretchesOf(view, assetId, giveWay)) {
    const found = await view.versions.list({ assetId, ...those, from, below })
    if (found.length > 0) return true
  }
  return false
}

/** CHANGED_MEANWHILE where something got such a list since; that of the asset is compared apart. */
export async function requireCarriedLists(
  view: Pick<CatalogView, 'versions'>,
  { isUnlisted, isUnpublished }: CarryingLists,
  asset: Asset,
): Promise<void> {
  const isOther =
    (isUnlisted && (await hasListAnywhere(view, asset))) ||
    (isUnpublished && (await hasPublicVersion(view, asset.id)))
  if (isOther) throw new HoldfastError('CHANGED_MEANWHILE')
}
