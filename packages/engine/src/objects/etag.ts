import { HoldfastError } from '@holdfast/core/errors.ts'
import type { CatalogView } from '@holdfast/core/ports/catalog.ts'
import type { Asset, BriefVersion } from '@holdfast/core/records.ts'

/** Conditions on the current version; of ETags (without quotes) `*` stands for any. */
export interface ETagConditions {
  readonly ifMatch?: readonly string[] | undefined
  readonly ifNoneMatch?: readonly string[] | undefined
  readonly ifSize?: number | undefined
  /** Compared in whole seconds: dates of HTTP have no fractions. */
  readonly ifModifiedAtMs?: number | undefined
}

/**
 * MD5, or the form of a multipart upload. Content that came through another door may have no MD5:
 * then the SHA-256 stands in, in a form that no client takes for an MD5.
 */
export function etagOf(version: BriefVersion): string {
  return version.object?.etag ?? version.md5 ?? `${version.sha256.slice(0, 32)}-1`
}

/**
 * PRECONDITION_FAILED unless the content shown meets the conditions; ASSET_NOT_FOUND when If-Match
 * meets no object, as S3 answers. Exact only inside a transaction.
 */
export async function requireETag(
  view: CatalogView,
  shown: Asset | undefined,
  conditions: ETagConditions,
): Promise<void> {
  const { ifMatch, ifNoneMatch, ifSize, ifModifiedAtMs } = conditions
  const wants = ifMatch !== undefined || ifSize !== undefined || ifModifiedAtMs !== undefined
  if (!wants && ifNoneMatch === undefined) return
  const version = shown === undefined ? undefined : await view.versions.byId(shown.versionId)
  if (wants) {
    if (version === undefined) throw new HoldfastError('ASSET_NOT_FOUND')
    if (ifMatch !== undefined && !matches(etagOf(version), ifMatch)) fail('If-Match')
    if (ifSize !== undefined && version.size !== ifSize) fail('x-amz-if-match-size')
    if (ifModifiedAtMs !== undefined && secondOf(version) !== Math.floor(ifModifiedAtMs / 1000)) {
      fail('x-amz-if-match-last-modified-time')
    }
  }
  if (ifNoneMatch === undefined || version === undefined) return
  if (matches(etagOf(version), ifNoneMatch)) fail('If-None-Match')
}

function secondOf({ createdAt }: BriefVersion): number {
  return Math.floor(Date.parse(createdAt) / 1000)
}

export function matches(etag: string, list: readonly string[]): boolean {
  return list.some(entry => entry === '*' || entry === etag)
}

function fail(header: string): never {
  throw new HoldfastError('PRECONDITION_FAILED', { precondition: header })
}
