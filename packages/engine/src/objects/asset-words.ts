import { metadataProblems, tagsProblems } from '@holdfast/core/names.ts'
import type { ObjectTag } from '@holdfast/core/objects.ts'
import type { Asset, JsonObject } from '@holdfast/core/records.ts'

/**
 * How tags and metadata of S3 appear at the asset, where every door and the search see them. What
 * the rules of assets do not take stays with the version only.
 */
export function assetTagsOf(tags: readonly ObjectTag[]): string[] {
  return tags
    .map(({ key, value }) => (value === '' ? key : `${key}=${value}`))
    .filter(tag => tagsProblems([tag], 'tags').length === 0)
}

export function assetMetadataOf(userMetadata: Readonly<Record<string, string>>): JsonObject {
  const entries = Object.entries(userMetadata).filter(
    ([key, value]) => metadataProblems({ [key]: value }, 'metadata').length === 0,
  )
  const metadata = Object.fromEntries(entries)
  return metadataProblems(metadata, 'metadata').length === 0 ? metadata : {}
}

const HEADER_NAME = /^[a-z0-9!#$%&'*+.^_`|~-]{1,255}$/

/** The other way: string values of metadata that another door set, as S3 user metadata. */
export function userMetadataOf(metadata: Asset['metadata']): Record<string, string> {
  const texts: [string, string][] = []
  for (const [key, value] of Object.entries(metadata)) {
    const name = key.toLowerCase()
    if (typeof value === 'string' && HEADER_NAME.test(name)) texts.push([name, value])
  }
  return Object.fromEntries(texts)
}
