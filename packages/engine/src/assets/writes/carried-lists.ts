import { HoldfastError } from '@holdfast/core/errors.ts'
import type { CatalogView } from '@holdfast/core/ports/catalog.ts'
import type { Asset } from '@holdfast/core/records.ts'

/** Of a transaction that brings access lists along, of REST and of S3. */
export interface CarryingLists {
  /** Whether it was let through only as nothing that comes along has a list. */
  readonly isUnlisted: boolean
  /** Whether it was let through only as no list that comes along names everybody. */
  readonly isUnpublished: boolean
}

/** Deleted versions count here and below: they can be restored where they lie then. */
export async function hasListAnywhere(
  view: Pick<CatalogView, 'versions'>,
  { id, acl }: Asset,
): Promise<boolean> {
  if (acl !== null) return true
  const found = await view.versions.acls(id, { below: undefined, limit: 1 })
  return found.length > 0
}

/** Whether a list of S3 of any version opens something to everybody. */
export async function hasPublicVersion(
  view: Pick<CatalogView, 'versions'>,
  assetId: string,
): Promise<boolean> {
  const those = { kinds: ['content'], deleted: 'with', aclIsPublic: true } as const
  const found = await view.versions.list({ assetId, ...those, limit: 1 })
  return found.length > 0
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
