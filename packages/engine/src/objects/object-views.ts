import type { ObjectFacets } from '@holdfast/core/objects.ts'
import type { Asset, Bucket, Version } from '@holdfast/core/records.ts'

/** Which object. `versionId` is an id as S3 clients see it: a UUID, or `null`. */
export interface ObjectAddress {
  readonly bucket: string
  readonly key: string
  readonly versionId?: string | undefined
}

/** One version of an object, as S3 shows it. */
export interface StoredObject {
  readonly bucket: Bucket
  readonly asset: Asset
  readonly version: Version
  /** As S3 clients see it: a UUID, or `null`. */
  readonly versionId: string
  /** Without quotes. */
  readonly etag: string
  readonly facets: ObjectFacets
}

/**
 * MD5, or the form of a multipart upload. Content that came through another door may have no MD5:
 * then the SHA-256 stands in, in a form that no client takes for an MD5.
 */
export function etagOf(version: Version): string {
  return version.object?.etag ?? version.md5 ?? `${version.sha256.slice(0, 32)}-1`
}

export function versionIdOf(version: Version): string {
  return version.isNull === true ? 'null' : version.id
}

export function storedObject(bucket: Bucket, asset: Asset, version: Version): StoredObject {
  return {
    bucket,
    asset,
    version,
    versionId: versionIdOf(version),
    etag: etagOf(version),
    facets: version.object ?? {},
  }
}
