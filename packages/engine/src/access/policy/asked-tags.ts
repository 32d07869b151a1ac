import type { CatalogView } from '@holdfast/core/ports/catalog.ts'
import type { Asset, BriefVersion, Bucket } from '@holdfast/core/records.ts'
import type { SeenVersion } from '../../assets/writes/seen.ts'
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
  // Parts may take a megabyte for each asset that is judged.
  const version = await view.versions.briefById(asset.versionId)
  return version?.kind === 'content' ? tagsOfVersion(version) : undefined
}

/** What had a say of a version, for the transaction that follows. */
export function judgedOf(
  bucket: Pick<Bucket, 'documents'>,
  { id, object }: BriefVersion,
  isShown: boolean,
): SeenVersion {
  const tags = asksForTags(bucket) ? (object?.tags ?? []) : null
  return { id, acl: object?.acl ?? null, tags, isShown }
}

/** The same of the version that is shown, where the policy asks for its tags. */
export async function judgedShown(
  view: Pick<CatalogView, 'versions'>,
  bucket: Pick<Bucket, 'documents'>,
  asset: Asset,
): Promise<SeenVersion | undefined> {
  if (asset.deletedAt !== null || !asksForTags(bucket)) return undefined
  const version = await view.versions.briefById(asset.versionId)
  return version && judgedOf(bucket, version, true)
}

function asksForTags({ documents }: Pick<Bucket, 'documents'>): boolean {
  const policy = documents?.policy
  if (policy === undefined) return false
  return statementsOf(policy).some(({ conditions }) =>
    conditions.some(({ key }) => key.toLowerCase().startsWith('s3:existingobjecttag/')),
  )
}
