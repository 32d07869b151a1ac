import type { CatalogView } from '@holdfast/core/ports/catalog.ts'
import type { Asset, BriefVersion, Bucket } from '@holdfast/core/records.ts'
import { statementsOf } from './policy-document.ts'

export type ObjectTags = Readonly<Record<string, string>>

/** As `s3:ExistingObjectTag` asks for them. */
export function tagsOfVersion(version: Pick<BriefVersion, 'object'> | undefined): ObjectTags {
  const { tags = [] } = version?.object ?? {}
  return Object.fromEntries(tags.map(tag => [tag.key, tag.value]))
}

/**
 * Tags of the content that an asset shows, where the policy of its bucket asks for any. Undefined
 * where it does not, and for what is deleted: what cannot be judged counts against the caller.
 */
export async function askedTags(
  view: Pick<CatalogView, 'versions'>,
  bucket: Pick<Bucket, 'documents'> | undefined,
  asset: Asset,
): Promise<ObjectTags | undefined> {
  if (bucket === undefined || asset.deletedAt !== null || !asksForTags(bucket)) return undefined
  // Lists read no parts, which may take a megabyte for each asset that is judged.
  const shown = { assetId: asset.id, id: { is: asset.versionId }, deleted: 'with' } as const
  const [version] = await view.versions.list({ ...shown, kinds: ['content'], limit: 1 })
  return version === undefined ? undefined : tagsOfVersion(version)
}

function asksForTags({ documents }: Pick<Bucket, 'documents'>): boolean {
  const policy = documents?.policy
  if (policy === undefined) return false
  return statementsOf(policy).some(({ conditions }) =>
    conditions.some(({ key }) => key.toLowerCase().startsWith('s3:existingobjecttag/')),
  )
}
